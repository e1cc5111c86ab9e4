internal import Foundation
internal import Hummingbird
internal import Logging
internal import NIOCore

/// A local Planhat, on loopback: the main API for every model, and the analytics API.
package final class Sandbox: Sendable {
    package let configuration: SandboxConfiguration
    /// What it holds, for looking into from the same process.
    package let store: SandboxStore
    package let log = RequestLog()
    private let clock: @Sendable () -> Int64
    private let saved: SavedRevision

    /// Reads the data file, if there is one.
    /// - Parameter clock: microseconds since 1970; the time of this machine unless told otherwise.
    /// - Throws: `sandbox_data_unreadable`, `sandbox_data_corrupt`.
    package init(
        _ configuration: SandboxConfiguration,
        clock: (@Sendable () -> Int64)? = nil
    ) throws(SandboxError) {
        self.configuration = configuration
        self.clock = clock ?? { Int64(Date().timeIntervalSince1970 * 1_000_000) }
        store = SandboxStore(switches: configuration.switches, clock: self.clock)
        if let path = configuration.dataFile,
            let state = try DataFile(path: path).read(switches: configuration.switches)
        {
            store.replace(with: state)
        }
        saved = SavedRevision(value: store.snapshot().revision)
    }

    /// Serves until the task is cancelled, then writes the data file and returns.
    /// - Parameter onReady: called once, with the port, when connections are taken.
    /// - Throws: `SandboxError` (`sandbox_address_in_use`, `sandbox_data_unwritable`).
    package func run(onReady: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        var logger = Logger(label: "sandbox")
        logger.logLevel = .critical
        let application = Application(
            responder: SandboxResponder(sandbox: self, clock: clock),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { await onReady($0.localAddress?.port ?? 0) },
            logger: logger
        )
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                group.addTask { try await self.saveNowAndThen() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw SandboxError(
                .addressInUse, "\(configuration.host):\(configuration.port) is in use",
                hint: "stop what listens there, or choose another port with --listen")
        } catch is CancellationError {
            // Being cancelled is how a sandbox ends.
        }
        try save()
    }

    /// Forgets everything but the seed data, the request log too.
    package func reset() {
        store.reset()
        log.reset()
    }

    /// Writes the file when it is behind: at most every five seconds, and for large states at most a tenth of the time.
    private func saveNowAndThen() async throws {
        var pause = Duration.seconds(5)
        while true {
            try await Task.sleep(for: pause)
            let start = ContinuousClock.now
            try save()
            pause = max(.seconds(5), (ContinuousClock.now - start) * 10)
        }
    }

    /// Writes the data file if it is behind; does nothing without one.
    /// - Throws: `sandbox_data_unwritable`.
    package func save() throws(SandboxError) {
        guard let path = configuration.dataFile else { return }
        let state = store.snapshot()
        guard state.revision != saved.current else { return }
        try DataFile(path: path).write(state)
        saved.advance(to: state.revision)
    }
}
