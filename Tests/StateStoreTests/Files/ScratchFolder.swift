import Glibc
import Records
import StateStore
import Synchronization
import TestKit

/// A fresh folder for one test; gone with the object.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/sluice-files-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ScratchFailure(number: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.removeAll(path) }

    func directory(_ steps: FileSteps = .none) throws -> StateDirectory {
        try StateDirectory(path: path + "/state", steps: steps)
    }

    func sync(_ name: String = "companies", _ steps: FileSteps = .none) throws -> SyncFiles {
        try directory(steps).sync(name)
    }

    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func removeAll(_ path: String) {
        for name in names(path) {
            let inner = path + "/" + name
            if unlink(inner) != 0 { removeAll(inner) }
        }
        rmdir(path)
    }
}

struct ScratchFailure: Error {
    var number: Int32
}

/// Stands for a kill.
struct Kill: Error {}

/// Whole files for damaging them.
enum RawFile {
    static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw ScratchFailure(number: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    static func write(_ path: String, _ bytes: [UInt8]) throws {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw ScratchFailure(number: errno) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw ScratchFailure(number: errno) }
            done += count
        }
    }

    static func mode(_ path: String) throws -> mode_t {
        var status = stat()
        guard stat(path, &status) == 0 else { throw ScratchFailure(number: errno) }
        return status.st_mode & 0o777
    }
}

/// Hooks that let the first `count` steps of a name happen and then do something else.
final class StepCounter: Sendable {
    private let seen = Mutex<[StepName: Int]>([:])

    func steps(at name: StepName, after count: Int = 0, _ action: @escaping @Sendable () throws -> StepAction)
        -> FileSteps
    {
        FileSteps { step in
            let before = self.seen.withLock { seen in
                defer { seen[step, default: 0] += 1 }
                return seen[step, default: 0]
            }
            return step == name && before == count ? try action() : .proceed
        }
    }

    static func kill(at name: StepName, after count: Int = 0) -> FileSteps {
        StepCounter().steps(at: name, after: count) { throw Kill() }
    }

    static func tear(_ name: StepName, bytes: Int, after count: Int = 0) -> FileSteps {
        StepCounter().steps(at: name, after: count) { .torn(bytes: bytes) }
    }

    static func diskFull(at name: StepName, after count: Int = 0) -> FileSteps {
        StepCounter().steps(at: name, after: count) {
            throw StateError(code: "disk_full", message: "no space", hint: "")
        }
    }
}

extension SeededRandom {
    mutating func hash() -> Hash128 {
        let high = next()
        return Hash128(high: high, low: next() | 1)
    }
}

func key(_ number: Int) -> Hash128 { Hash128.of("key \(number)", seed: 7) }
func row(_ number: Int) -> Hash128 { Hash128.of("row \(number)", seed: 7) }

/// The code of the `StateError` that `body` throws; nil where it throws none.
func code(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as StateError {
        return error.code
    } catch {
        return "\(error)"
    }
}

extension SyncFiles {
    /// One run from its first frame to its close: each batch is opened and settled.
    func run(_ run: Int64, _ batches: [[(Hash128, Hash128, JournalEffect)]], settled: Bool = true) throws {
        let journal = try AcceptanceJournal.open(self, run: run)
        for (number, batch) in batches.enumerated() {
            let entries = batch.enumerated().map { OpenEntry(sequence: $0, keyHash: $1.0, rowHash: $1.1) }
            try journal.append(open: OpenFrame(batch: number, entries: entries))
            if settled { try journal.append(settled: SettleFrame(batch: number, effects: batch.map(\.2))) }
        }
        journal.close()
    }

    func closeRun(_ run: Int64) throws -> SnapshotHeader {
        let header = try SnapshotMerge.close(self, run: run)
        try AcceptanceJournal.drop(self, run: run)
        return header
    }

    func contents() throws -> [Hash128: Hash128] {
        guard let snapshot = try Snapshot.open(self).snapshot else { return [:] }
        return snapshot.contents()
    }
}

extension Snapshot {
    func contents() -> [Hash128: Hash128] {
        var contents: [Hash128: Hash128] = [:]
        for index in 0..<count { contents[record(at: index).key] = record(at: index).row }
        return contents
    }
}
