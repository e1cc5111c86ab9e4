internal import Synchronization

/// Something that many ask for within a moment and that takes a while to find out: told again for a short time.
final class KeptBriefly<Value: Sendable>: Sendable {
    private let time: Duration
    private let kept = Mutex<(value: Value, until: ContinuousClock.Instant)?>(nil)

    init(for time: Duration) { self.time = time }

    func value(_ make: () throws -> Value) rethrows -> Value {
        let now = ContinuousClock.now
        if let kept = kept.withLock({ $0 }), now < kept.until { return kept.value }
        let new = try make()
        kept.withLock { $0 = (new, now + time) }
        return new
    }

    /// What changed is asked for again at once.
    func forget() { kept.withLock { $0 = nil } }
}
