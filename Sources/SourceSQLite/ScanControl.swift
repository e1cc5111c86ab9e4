internal import Synchronization

/// The one thing a scan's thread and its owner share: whether the scan is still wanted. SQLite asks for it while a
/// statement runs (progress handler) and while it waits for a lock (busy handler).
///
/// A flag rather than `sqlite3_interrupt`: an interrupt that comes between two statements is lost, and it would need
/// the connection's handle on another thread.
final class ScanControl: Sendable {
    static let busyWaitMilliseconds: Int32 = 10
    /// Instructions of SQLite's virtual machine between two looks at the flag; well under a millisecond.
    static let instructionsBetweenLooks: Int32 = 4_000

    let busyTriesMax: Int32
    private let stopped = Atomic(false)

    init(busyTimeoutSeconds: Int) {
        busyTriesMax = Int32(clamping: busyTimeoutSeconds * 1_000 / Int(Self.busyWaitMilliseconds))
    }

    var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// Ends what runs now and everything that would start; may be called at any time, from any thread.
    func stop() { stopped.store(true, ordering: .relaxed) }
}
