package import StateStore

/// Puts a backup in the place of a state directory that nobody uses, or that a server serves: that one stops, puts it in
/// place and goes on with it.
package struct RestoreState: Sendable {
    private static let interval = Duration.milliseconds(100)

    private let path: String
    private let time: RunTime
    private let before: @Sendable (String) throws -> Void

    /// - Parameter before: told of each step, for tests that stop it there.
    package init(path: String, time: RunTime, before: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.path = path
        self.time = time
        self.before = before
    }

    /// Returns when the state is restored and, where a server had it, is served. Throws what `StateRestore` does, why a
    /// server refused, and:
    /// - `restore_not_taken` where no server took it up in time; it was taken back, and is not carried out later;
    /// - `restore_not_served` where it has begun, so that it will be, or is, in place, but no server said that it serves it.
    ///
    /// - Parameter tell: how far a server is.
    package func restore(
        from backup: String, isForced: Bool, by actor: Actor, tell: (RestoreHandover.Stage) -> Void
    ) async throws -> StateRestore.Report {
        switch try begin(from: backup, isForced: isForced, by: actor) {
        case .restored(let report): return report
        case .asked(let asked): return try await wait(for: asked, tell)
        }
    }

    /// The part that waits for nobody. See `StateRestore`.
    package func begin(from backup: String, isForced: Bool, by actor: Actor) throws -> StateRestore.Beginning {
        let entry = AuditRecord(
            at: time.now(), who: AuditLog.plain(actor.name), address: AuditLog.plain(actor.address),
            action: AuditAction.stateRestored.rawValue)
        return try StateRestore(path: path, before: before).begin(from: backup, isForced: isForced, noting: entry)
    }

    private func wait(
        for asked: AskedRestore, _ tell: (RestoreHandover.Stage) -> Void
    ) async throws -> StateRestore.Report {
        var patience = RestorePatience()
        var told: RestoreHandover.Stage?
        while true {
            let standing = try asked.standing()
            switch standing {
            case .at(.served):
                try asked.end()
                return StateRestore.Report(asked.ticket)
            case .refused(let error):
                try asked.end()
                throw error
            case .at(let stage) where stage != told:
                tell(stage)
                told = stage
            case .at, .gone: break
            }
            let isServed = try asked.isServed()
            if patience.isOver(standing, isServed: isServed, after: Self.interval) {
                try giveUp(asked, isServed: isServed)
            }
            do { try await time.sleep(Self.interval) } catch { try leave(asked, because: error) }
        }
    }

    /// Throws, unless it has begun meanwhile.
    private func giveUp(_ asked: AskedRestore, isServed: Bool) throws {
        if try asked.withdraw() {
            try asked.end()
            throw isServed ? Self.notTaken : Self.nobody
        }
        switch try asked.standing() {
        case .at(.served): return
        case .at(.begun) where try !asked.finish(): throw Self.notFinished
        default:
            try asked.end()
            throw Self.notServed
        }
    }

    /// Throws: somebody stopped the command.
    private func leave(_ asked: AskedRestore, because error: any Error) throws -> Never {
        guard try asked.withdraw() else { throw Self.notFinished }
        try asked.end()
        throw error
    }

    private static let notTaken = RunError(
        code: "restore_not_taken",
        message: "The server did not stop for the restore in time. It was taken back, and nothing was changed.",
        hint: "Look at the server's log; or stop sluice serve, restore, and start it again.")

    private static let nobody = RunError(
        code: "restore_not_taken",
        message: "The server ended before the restore began. It was taken back, and nothing was changed.",
        hint: "Restore again: without a server it is put in place at once.")

    private static let notFinished = RunError(
        code: "restore_not_served",
        message: "The restore has begun, and nobody waits any more for the server to finish it.",
        hint: "Look at the server's log. Until it is finished the state is refused; the next start of sluice serve "
            + "finishes it, and so does the same sluice restore.")

    private static let notServed = RunError(
        code: "restore_not_served",
        message: "The backup is in place, but no server has said that it serves it.",
        hint: "Look at the server's log, and start sluice serve if it has ended.")
}

/// How long a restore waits for a server, from one step to the next.
struct RestorePatience {
    /// Runs that are going may take half a minute to stop, and a large state as long to remove.
    static func limit(_ standing: AskedRestore.Standing) -> Duration {
        switch standing {
        case .at(.asked): .seconds(15)
        case .at(.taken): .seconds(90)
        case .at(.begun): .seconds(120)
        case .at(.done): .seconds(60)
        // Between taking it back and saying why a server needs a moment.
        case .gone: .seconds(2)
        case .at(.served), .refused: .zero
        }
    }

    /// Who supervises the server may start it again.
    static let withoutServer = Duration.seconds(20)

    private var standing: AskedRestore.Standing?
    private var waited = Duration.zero
    private var unserved = Duration.zero

    /// - Parameter interval: how long ago it was asked before.
    mutating func isOver(_ standing: AskedRestore.Standing, isServed: Bool, after interval: Duration) -> Bool {
        if self.standing != standing { waited = .zero }
        self.standing = standing
        waited += interval
        unserved = isServed ? .zero : unserved + interval
        return waited > Self.limit(standing) || unserved > Self.withoutServer
    }
}
