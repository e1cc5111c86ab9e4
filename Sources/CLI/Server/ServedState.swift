internal import Logging
internal import Runner
internal import StateStore

/// A state directory that this process alone serves, and the restores that are asked of it.
struct ServedState: Sendable {
    static let interval = Duration.seconds(1)

    private let lock: SyncLock
    private let handover: RestoreHandover
    /// What became of a restore that was on its way when this process began.
    private let entry: RestoreHandover.Entry

    /// Before anything of the state is opened. Throws `server_already_running`, `restore_unfinished`.
    init(path: String) throws {
        let state = try StateDirectory(path: path)
        guard let lock = try state.lockServer() else {
            throw RunError(
                code: "server_already_running",
                message: "A server runs already on the state directory \(path).",
                hint: "Stop it first, or give this one a directory of its own with --state.")
        }
        self.lock = lock
        handover = RestoreHandover(state)
        entry = try handover.enter()
    }

    /// Says that pages and schedules are those of the state as it is now.
    func announce(_ logger: Logger) {
        switch entry {
        case .nothing: break
        case .refused(let error): Self.log(RunError(error), "a restore was refused", logger)
        case .restored(let ticket):
            logger.notice(
                "the state was restored",
                metadata: ["generation": .stringConvertible(ticket.generation), "made_at": "\(ticket.madeAt.text)"])
            do {
                try handover.confirm()
            } catch {
                Self.log(RunError(error), "who restored it could not be told", logger)
            }
        }
    }

    /// Returns a restore that the server has to end for; nil where the task is cancelled.
    ///
    /// - Parameter check: throws why the server goes on with the state that it has.
    func nextRestore(
        time: RunTime, logger: Logger, check: (RestoreTicket) throws -> Void
    ) async -> RestoreTicket? {
        var told: String?
        while true {
            do { try await time.sleep(Self.interval) } catch { return nil }
            do {
                guard let ticket = try handover.take() else { continue }
                do {
                    try check(ticket)
                    logger.notice(
                        "stopping for a restore",
                        metadata: [
                            "generation": .stringConvertible(ticket.generation), "made_at": "\(ticket.madeAt.text)",
                        ])
                    return ticket
                } catch {
                    Self.log(RunError(error), "a restore was refused", logger)
                    try refuse(ticket, because: error)
                }
            } catch {
                // It is the same each second, until somebody sees to the disk.
                let failure = RunError(error)
                if failure.code != told { Self.log(failure, "a restore could not be looked for", logger) }
                told = failure.code
            }
        }
    }

    func refuse(_ ticket: RestoreTicket, because error: any Error) throws {
        let error = RunError(error)
        try handover.refuse(
            ticket, because: StateError(code: error.code, message: error.message, hint: error.hint))
    }

    private static func log(_ error: RunError, _ what: String, _ logger: Logger) {
        logger.error("\(what): \(error.message) \(error.hint)", metadata: ["code": "\(error.code)"])
    }
}
