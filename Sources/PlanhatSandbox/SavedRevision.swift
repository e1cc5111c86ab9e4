internal import Synchronization

/// Up to which revision the data file is current.
final class SavedRevision: Sendable {
    private let value: Mutex<Int>

    init(value: Int) { self.value = Mutex(value) }

    var current: Int { value.withLock { $0 } }

    func advance(to revision: Int) { value.withLock { $0 = revision } }
}
