internal import Foundation
internal import Glibc
internal import ProjectConfig
internal import StateStore

/// A command that is told of a notice: `/bin/sh -c`, the notice as JSON on its standard input, an environment without
/// anybody's secrets, a limit of time.
struct ShellCommand {
    static let patience = Duration.seconds(60)

    private let command: String
    private let input: [UInt8]
    private let environment: [String]
    private let patience: Duration

    /// - Parameter variables: those of this process, of which only the harmless are handed on.
    init(
        _ command: String, input: [UInt8], notice: Notice, patience: Duration = patience,
        variables: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.command = command
        self.input = input
        self.patience = patience
        var handed = variables.filter { ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER"].contains($0.key) }
        handed["SLUICE_EVENT"] = notice.event.rawValue
        handed["SLUICE_SYNC"] = notice.sync
        handed["SLUICE_RUN"] = notice.run.map { String($0.id) } ?? ""
        environment = handed.map { $0.key + "=" + $0.value }.sorted()
    }

    /// Returns when it has ended well.
    func run() async throws {
        let process = try start()
        let end = ContinuousClock.now + patience
        while true {
            var status: Int32 = 0
            let ended = unsafe waitpid(process, &status, WNOHANG)
            if ended == process { return try judge(status) }
            if ended < 0 && errno != EINTR { throw failure("cannot be waited for") }
            guard ContinuousClock.now < end, !Task.isCancelled else { break }
            // Cancelled meanwhile: then the command is ended above.
            do { try await Task.sleep(for: .milliseconds(20)) } catch is CancellationError { break }
        }
        // What it started goes with it.
        _ = kill(-process, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
        try Task.checkCancellation()
        throw failure("did not end within \(patience.components.seconds) seconds and was ended")
    }

    private func judge(_ status: Int32) throws {
        if status == 0 { return }
        let signal = status & 0x7F
        throw failure(signal == 0 ? "ended with status \((status >> 8) & 0xFF)" : "was ended by signal \(signal)")
    }

    private func failure(_ what: String) -> RunError {
        RunError(
            code: "notice_command_failed", message: "The command of notify \(what).",
            hint: "Try it by hand: sh -c 'COMMAND' < notice.json")
    }

    /// In a process group of its own, its standard input a file without a name, what it prints on our standard error.
    private func start() throws -> pid_t {
        let descriptor = try inputFile()
        defer { close(descriptor) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        for number in [SIGINT, SIGTERM, SIGPIPE] { unsafe sigaddset(&defaults, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        let words = ["/bin/sh", "-c", command]
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe 0..<arguments.count { unsafe free(arguments[index]) }
            for index in unsafe 0..<variables.count { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        let failed = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, &variables)
        guard failed == 0 else { throw failure("cannot be started") }
        return process
    }

    private func inputFile() throws -> Int32 {
        var path = Array((NSTemporaryDirectory() + "/sluice-notice-XXXXXX").utf8CString)
        let descriptor = unsafe mkstemp(&path)
        guard descriptor >= 0 else { throw failure("cannot be given its input") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = unsafe unlink(path)
        var done = 0
        while done < input.count {
            let count = unsafe input.withUnsafeBytes { bytes in
                unsafe pwrite(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, off_t(done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                close(descriptor)
                throw failure("cannot be given its input")
            }
            done += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}
