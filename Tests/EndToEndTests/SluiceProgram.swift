import Foundation
import Synchronization

/// The built binary. SLUICE_BINARY names it, SLUICE_ROOT the repository; without them both are found from this file.
enum SluiceProgram {
    static let missing = "there is no sluice binary: build it (scripts/build sluice) or set SLUICE_BINARY"

    static let root: String =
        ProcessInfo.processInfo.environment["SLUICE_ROOT"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let path: String = ProcessInfo.processInfo.environment["SLUICE_BINARY"] ?? root + "/.build/release/sluice"

    static let isThere = FileManager.default.isExecutableFile(atPath: path)
}

/// What a program printed, and how it ended.
struct Finished: Sendable {
    var status: Int32
    /// The signal that ended it, if one did.
    var signal: Int32?
    var output: String
    var errors: String

    var everything: String { output + errors }

    func json() throws -> JSON { try JSON(parsing: output) }

    /// The runs of `run --json` and `runs --json`.
    func runs() throws -> [JSON] { try json()["runs"].list }
}

struct ChildError: Error, CustomStringConvertible {
    var description: String
}

/// A child process whose output goes into files. It is killed when nobody holds it any more.
final class Child: Sendable {
    let pid: pid_t
    private let outputPath: String
    private let errorPath: String
    private let ended = Mutex<Int32?>(nil)

    init(_ program: String, _ arguments: [String], in folder: String, environment: [String: String]) throws {
        let name = folder + "/.output-" + UUID().uuidString
        (outputPath, errorPath) = (name + ".out", name + ".err")
        pid = try Self.spawn(
            program, arguments, folder, environment.map { $0.key + "=" + $0.value }, outputPath, errorPath)
    }

    deinit { kill() }

    private static func spawn(
        _ program: String, _ arguments: [String], _ folder: String, _ environment: [String], _ output: String,
        _ errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let write = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, write, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, write, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Whoever started the tests may have had these ignored.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for number in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&defaults, number) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        // The shell enters the folder and becomes the program, so the process id stays.
        let enter = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder, program]
        var argv = (enter + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let failed = posix_spawn(&pid, "/bin/sh", &actions, &attributes, &argv, &envp)
        guard failed == 0 else { throw ChildError(description: "\(program): \(String(cString: strerror(failed)))") }
        return pid
    }

    /// The raw wait status once it has ended.
    private func status() -> Int32? {
        ended.withLock { ended in
            if let ended { return ended }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
            ended = raw
            return raw
        }
    }

    var isRunning: Bool { status() == nil }

    func signal(_ number: Int32) {
        ended.withLock { ended in
            if ended == nil { _ = Glibc.kill(pid, number) }
        }
    }

    /// Ends it at once and waits for that.
    func kill() {
        ended.withLock { ended in
            guard ended == nil else { return }
            _ = Glibc.kill(pid, SIGKILL)
            var raw: Int32 = 0
            while waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
            ended = raw
        }
    }

    func wait(seconds: Double = 60) async throws -> Finished {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let raw = status() { return try finished(raw) }
            if ContinuousClock.now > deadline {
                kill()
                throw ChildError(description: "it did not end within \(seconds) s; it printed:\n\(try printed())")
            }
            try await Task.sleep(for: .milliseconds(4))
        }
    }

    func output() throws -> String { try Self.text(outputPath) }

    func printed() throws -> String { try Self.text(outputPath) + Self.text(errorPath) }

    private func finished(_ raw: Int32) throws -> Finished {
        let signal = raw & 0x7F
        return Finished(
            status: signal == 0 ? (raw >> 8) & 0xFF : 128 + signal, signal: signal == 0 ? nil : signal,
            output: try Self.text(outputPath), errors: try Self.text(errorPath))
    }

    private static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}
