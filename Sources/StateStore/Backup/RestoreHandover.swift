internal import Glibc

/// How a restore goes from `sluice restore` to the server that holds the state: one file, whose place says how far it is.
///
///     restore/lock           held by the one command that restores
///     restore/new.ID/        the backup, proved and synced
///     restore/asked          a server is asked to stop for it
///     restore/taken          it stops
///     sluice.db.restoring    the backup is being put in place; the state is refused meanwhile
///     restore/done           it is in place
///     restore/served         and is served
///     restore/refused        why the server went on with the state as it was
///
/// Each step is one rename, or one removal: of two who want to go on from the same step, one finds nothing there. So a
/// restore that was withdrawn never begins, and one that has begun is not withdrawn but finished, by whoever comes next.
/// The command keeps the file locked while it waits: what nobody waits for any more does not begin either.
package struct RestoreHandover: Sendable {
    package enum Stage: Sendable, CaseIterable {
        case asked, taken, begun, done, served
    }

    let state: StateDirectory
    /// Told before each step; a test stops it there.
    let before: @Sendable (String) throws -> Void

    package init(_ state: StateDirectory, before: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.state = state
        self.before = before
    }

    func path(_ stage: Stage) -> String {
        switch stage {
        case .asked: state.restoreFolder + "/asked"
        case .taken: state.restoreFolder + "/taken"
        case .begun: RestoreMark(state).path
        case .done: state.restoreFolder + "/done"
        case .served: state.restoreFolder + "/served"
        }
    }

    /// Why a server did not take it.
    private var refusalPath: String { state.restoreFolder + "/refused" }

    func ticket(at stage: Stage) throws -> RestoreTicket? {
        guard let file = try StateFile.openIfPresent(path(stage), .read) else { return nil }
        return try RestoreTicket.read(file)
    }

    /// Where a restore is; nil where it is nowhere any more. It only goes on, so looking in order never misses it.
    func stage(of ticket: RestoreTicket) throws -> Stage? {
        try Stage.allCases.first { try self.ticket(at: $0)?.id == ticket.id }
    }

    /// False where nothing is there any more.
    func advance(from old: Stage, to new: Stage) throws -> Bool {
        try before("\(old) to \(new)")
        if unsafe rename(path(old), path(new)) != 0 {
            guard errno == ENOENT else { throw StateError.system(errno, "rename", path(old)) }
            return false
        }
        for folder in Set([old, new].map { StateFolder.parent(path($0)) }) { try StateFolder.synchronize(folder) }
        return true
    }

    /// Takes a step away; false where nothing is there any more.
    func drop(_ stage: Stage) throws -> Bool {
        try before("drop \(stage)")
        if unsafe unlink(path(stage)) != 0 {
            guard errno == ENOENT else { throw StateError.system(errno, "remove", path(stage)) }
            return false
        }
        try StateFolder.synchronize(StateFolder.parent(path(stage)))
        return true
    }

    /// Whether the command that asked still waits for what is at that step.
    func isAwaited(at stage: Stage) throws -> Bool {
        guard let file = try StateFile.openIfPresent(path(stage), .read) else { return false }
        while flock(file.descriptor, LOCK_SH | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw StateError.system(errno, "lock", file.path) }
            return true
        }
        return false
    }

    /// Removes all that earlier restores have left, but for what has begun. For whoever holds `restore/lock`.
    func tidy() throws {
        let kept = try RestoreMark(state).ticket()?.folder(state)
        for name in try StateFolder.names(state.restoreFolder) where name != SyncFiles.lockName {
            let path = state.restoreFolder + "/" + name
            if path == kept { continue }
            if StateFolder.isFolder(path) { try FrozenState.remove(path) } else { try StateFolder.remove(path) }
        }
        let aside = BackupFile.databaseName + ".restoring."
        for name in try StateFolder.names(state.path) where name.hasPrefix(aside) {
            try StateFolder.remove(state.path + "/" + name)
        }
    }

    // MARK: The server that serves

    /// A restore that a command asks for, which can only be begun or refused from now on; nil where there is none.
    package func take() throws -> RestoreTicket? {
        guard try isAwaited(at: .asked), try advance(from: .asked, to: .taken) else { return nil }
        return try awaited()
    }

    /// What was taken, where the command still waits for it; else it is forgotten.
    private func awaited() throws -> RestoreTicket? {
        guard let ticket = try ticket(at: .taken) else {
            _ = try drop(.taken)
            return nil
        }
        if try isAwaited(at: .taken) { return ticket }
        if try drop(.taken) { try FrozenState.remove(ticket.folder(state)) }
        return nil
    }

    /// Lets a restore that was taken go, and tells the command why. First it goes: it is never carried out after that.
    package func refuse(_ ticket: RestoreTicket, because error: StateError) throws {
        guard try drop(.taken) else { return }
        let lines = [ticket.id, error.code, error.message, error.hint].map { text in
            text.replacing("\n", with: " ")
        }
        try before("refuse")
        try FileCopy.write(Array(lines.joined(separator: "\n").utf8), at: refusalPath)
    }

    /// Why it was refused; nil where it was not.
    func refusal(of ticket: RestoreTicket) throws -> StateError? {
        guard let file = try StateFile.openIfPresent(refusalPath, .read) else { return nil }
        let text = String(decoding: try file.bytes(at: 0, count: 16_384), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        guard lines.count == 4, lines[0] == ticket.id else { return nil }
        return StateError(code: lines[1], message: lines[2], hint: lines[3])
    }

    // MARK: The server that begins

    package enum Entry: Sendable, Hashable {
        case nothing
        /// It is in place, and `confirm` says that it is served.
        case restored(RestoreTicket)
        /// The state is as it was.
        case refused(StateError)
    }

    /// Finishes a restore that has begun, and begins one that was taken, before the server opens anything of the state.
    /// For whoever holds the lock of the server. Throws `restore_unfinished` where only the backup can help, and what the
    /// disk says: the state is refused until it was finished.
    ///
    /// - Parameter patience: how long others are waited for that use the state: who only looks is gone soon.
    package func enter(patience: Duration = .seconds(10)) throws -> Entry {
        if RestoreMark(state).isThere { return try finish(patience) }
        if let ticket = try awaited() {
            guard let alone = try alone(patience) else {
                let error = UseLock.busy(state.databasePath)
                try refuse(ticket, because: error)
                return .refused(error)
            }
            defer { withExtendedLifetime(alone) {} }
            guard try advance(from: .taken, to: .begun) else { return try left() }
            return .restored(try putInPlace())
        }
        return try left()
    }

    private func finish(_ patience: Duration) throws -> Entry {
        guard let alone = try alone(patience) else { throw UseLock.busy(state.databasePath) }
        defer { withExtendedLifetime(alone) {} }
        // A command may have finished it meanwhile.
        guard RestoreMark(state).isThere else { return try left() }
        return .restored(try putInPlace())
    }

    /// What was in place when a server was killed before it served it. Else whatever nobody waits for is removed.
    private func left() throws -> Entry {
        if let ticket = try ticket(at: .done) { return .restored(ticket) }
        guard StateFolder.isFolder(state.restoreFolder), let turn = try state.lockRestore() else { return .nothing }
        defer { turn.release() }
        try tidy()
        return .nothing
    }

    /// For whoever has the state alone.
    func putInPlace() throws -> RestoreTicket {
        guard let ticket = try ticket(at: .begun) else { throw RestoreMark.unfinished }
        try RestoreSwap(state: state, ticket: ticket, before: before).run()
        try StateFolder.create(state.restoreFolder)
        _ = try advance(from: .begun, to: .done)
        try FrozenState.remove(ticket.folder(state))
        return ticket
    }

    private func alone(_ patience: Duration) throws -> UseLock? {
        let end = ContinuousClock.now + patience
        while true {
            if let alone = try UseLock.aloneIfFree(state.databasePath) { return alone }
            guard ContinuousClock.now < end else { return nil }
            usleep(50_000)
        }
    }

    /// Tells the command that the restored state is served. False where nobody waits for that.
    @discardableResult
    package func confirm() throws -> Bool {
        if try isAwaited(at: .done) { return try advance(from: .done, to: .served) }
        _ = try drop(.done)
        return false
    }
}
