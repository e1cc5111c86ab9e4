/// The durable steps of a sync's files, in the words of the closing sequence. Tests stop a run before any of them.
package enum StepName: String, Sendable, Hashable, CaseIterable {
    case journalCreated, journalOpen, journalSettled, journalDropped
    case snapshotWritten, snapshotRenamed, generationsRemoved, closedNoted
    case planCreated, planBlock, planSealed
    case pendingWritten, pendingRenamed
    case keysLogged, keysWritten, keysRenamed
    case carriedRenamed
    case stateRemoved, stateRenamed
    case noticeNoted
}

/// What a hook wants of the step it was asked about.
package enum StepAction: Sendable, Hashable {
    case proceed
    /// Write only this many bytes of what the step writes, then fail as a kill would.
    case torn(bytes: Int)
    /// The disk has room for only this many bytes of what the step writes.
    case full(bytes: Int)
}

/// Thrown after a torn write: the process is as good as dead, nothing is cleaned up.
package struct StepInterrupted: Error, Sendable, Hashable {
    package var step: StepName

    package init(step: StepName) { self.step = step }
}

/// A hook before each durable step, for simulating kills; without one every step simply happens.
///
/// A hook that throws a `StateError` is treated as the operating system's refusal (what was begun is tidied up). Any
/// other error is treated as a kill: the disk is left exactly as it is before the step.
package struct FileSteps: Sendable {
    package var before: @Sendable (StepName) throws -> StepAction
    /// How many bytes may still be written to the disk that holds a path.
    package var freeBytes: @Sendable (String) throws -> Int64 = { try StateFolder.freeBytes($0) }

    package init(before: @escaping @Sendable (StepName) throws -> StepAction) {
        self.before = before
    }

    package static let none = FileSteps { _ in .proceed }

    /// Asks the hook before a step that writes no bytes of its own.
    func reach(_ step: StepName) throws {
        switch try before(step) {
        case .proceed: return
        case .torn: throw StepInterrupted(step: step)
        case .full: throw StateError.diskFull("of the simulation")
        }
    }

    /// Writes `bytes` as the step `step`, or the torn part of them.
    func write(_ bytes: UnsafeRawBufferPointer, to file: StateFile, at offset: Int, as step: StepName) throws {
        try unsafe write(bytes, as: step) { try unsafe file.write($0, at: offset) }
    }

    /// The same where `body` does the writing.
    func write(
        _ bytes: UnsafeRawBufferPointer, as step: StepName, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        switch try before(step) {
        case .proceed:
            try unsafe body(bytes)
        case .torn(let count):
            try unsafe body(UnsafeRawBufferPointer(rebasing: bytes.prefix(max(count, 0))))
            throw StepInterrupted(step: step)
        case .full(let count):
            try unsafe body(UnsafeRawBufferPointer(rebasing: bytes.prefix(max(count, 0))))
            throw StateError.diskFull("of the simulation")
        }
    }
}
