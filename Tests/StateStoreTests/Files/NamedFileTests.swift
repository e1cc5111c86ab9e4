import Glibc
import StateStore
import Testing

/// What may be written over, of all that a name can stand for.
@Suite struct NamedFileTests {
    private let scratch: ScratchFolder
    private let path: String
    private let letters = NamedFile.Kind("letter", heads: ["Dear "])

    init() throws {
        scratch = try ScratchFolder()
        path = scratch.path + "/named"
    }

    private func why(_ path: String, _ kind: NamedFile.Kind) -> String? {
        do throws(NamedFile.Refusal) {
            _ = try NamedFile.place(path, for: kind)
            return nil
        } catch {
            return error.why
        }
    }

    private func write(_ text: String, _ path: String) throws { try RawFile.write(path, Array(text.utf8)) }

    @Test func whatIsNotThereAndWhatIsEmptyMayBeWritten() throws {
        #expect(try NamedFile.place(path, for: letters) == path)
        try write("", path)
        #expect(try NamedFile.place(path, for: letters) == path)
        // The writing says what is wrong with the folder.
        #expect(try NamedFile.place(path + "/none/letter", for: letters) == path + "/none/letter")
    }

    @Test func aFileOfItsKindMayBeReplacedAndNoOther() throws {
        try write("Dear Ada", path)
        #expect(try NamedFile.place(path, for: letters) == path)
        for other in ["Dea", "dear Ada", "\u{0}", "version: 1\n"] {
            try write(other, path)
            #expect(why(path, letters) == "\(path) is there and is no letter")
        }
        #expect(try NamedFile.place(path, for: NamedFile.Kind("letter", heads: nil)) == path)
    }

    @Test(arguments: [true, false]) func whatIsNoFileIsNamedAndLeftAlone(isLooked: Bool) throws {
        let kind = isLooked ? letters : NamedFile.Kind("letter", heads: nil)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(why(path, kind) == "\(path) is a pipe and no file")
        #expect(unlink(path) == 0 && mkdir(path, 0o700) == 0)
        #expect(why(path, kind) == "\(path) is a folder and no file")
        #expect(rmdir(path) == 0)
        let socket = try bound(path)
        defer { close(socket) }
        #expect(why(path, kind) == "\(path) is a socket and no file")
        // A device of this test's own, where it may make one.
        let device = scratch.path + "/null"
        if mknod(device, S_IFCHR | 0o600, 0x103) == 0 {
            #expect(why(device, kind) == "\(device) is a device and no file")
        }
    }

    @Test func aLinkIsFollowedAndItsTargetJudged() throws {
        let (link, far) = (scratch.path + "/link", scratch.path + "/far")
        #expect(symlink("named", link) == 0 && symlink(link, far) == 0)
        let nowhere = why(link, letters)
        #expect(nowhere == "\(link) is a link that leads to no file")
        try write("Dear Ada", path)
        #expect(try NamedFile.place(far, for: letters) == path)
        try write("version: 1", path)
        #expect(why(far, letters) == "\(far) is there and is no letter")
        #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(why(far, letters) == "\(far) is a pipe and no file")
        #expect(unlink(path) == 0 && symlink("link", path) == 0)
        #expect(why(link, letters) == "\(link) is a link that leads to no file")
    }

    /// As `/dev/stdout` is one: a link to what the process has open.
    @Test func aLinkToAnOpenPipeIsAPipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(symlink("/proc/self/fd/\(ends[1])", path) == 0)
        #expect(why(path, letters) == "\(path) is a pipe and no file")
    }

    private func bound(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(descriptor >= 0 && result == 0)
        return descriptor
    }
}
