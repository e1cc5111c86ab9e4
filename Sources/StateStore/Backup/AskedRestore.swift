internal import Glibc

/// A restore that a server was asked for, as the command has it that waits: while this lives, it may begin.
package final class AskedRestore: Sendable {
    package enum Standing: Sendable, Hashable {
        case at(RestoreHandover.Stage)
        case refused(StateError)
        /// It was taken away, and nothing of the state was changed.
        case gone
    }

    package let ticket: RestoreTicket
    private let handover: RestoreHandover
    /// Locked; the lock goes with the file from step to step.
    private let file: StateFile
    private let turn: SyncLock

    /// Asks. All that the ticket names is on the disk.
    init(_ ticket: RestoreTicket, _ handover: RestoreHandover, turn: SyncLock) throws {
        self.ticket = ticket
        self.handover = handover
        self.turn = turn
        let aside = handover.path(.asked) + ".new"
        file = try StateFile.open(aside, .create)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw StateError.system(errno, "lock", aside) }
        try unsafe ticket.bytes.withUnsafeBytes { try unsafe file.write($0, at: 0) }
        try file.synchronize()
        try handover.before("ask")
        try StateFolder.rename(aside, to: handover.path(.asked))
        try StateFolder.synchronize(StateFolder.parent(aside))
    }

    package func standing() throws -> Standing {
        if let stage = try handover.stage(of: ticket) { return .at(stage) }
        if let error = try handover.refusal(of: ticket) { return .refused(error) }
        return .gone
    }

    /// Whether there is a server, at this moment.
    package func isServed() throws -> Bool { try handover.state.isServed() }

    /// Takes it back. False where it has begun: then it is finished.
    package func withdraw() throws -> Bool {
        for stage in [RestoreHandover.Stage.asked, .taken] where try handover.drop(stage) { return true }
        switch try standing() {
        case .at: return false
        case .refused, .gone: return true
        }
    }

    /// Puts in place what has begun, where no process uses the state any more: the server was killed. False where one does.
    package func finish() throws -> Bool {
        guard let alone = try UseLock.aloneIfFree(handover.state.databasePath) else { return false }
        defer { withExtendedLifetime(alone) {} }
        guard RestoreMark(handover.state).isThere else { return true }
        _ = try handover.putInPlace()
        return true
    }

    /// Leaves nothing behind but what has begun. The last that is asked of it.
    package func end() throws {
        try handover.tidy()
        turn.release()
    }
}
