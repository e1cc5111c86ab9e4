internal import StateStore
internal import Synchronization

/// Notes in the history that a run was cancelled, as soon as it is: should the process be killed while the batch in
/// flight is being settled, the next start closes the run instead of going on with it.
final class CancelNote: Sendable {
    private struct Watched {
        var run: Int64
        /// Whether its end had been asked for before this process took it up: it is closed then, and what comes after it
        /// is not what was meant.
        var wasAsked: Bool
    }

    private let environment: RunEnvironment
    private let state = Mutex<Watched?>(nil)

    init(_ environment: RunEnvironment) { self.environment = environment }

    /// The run whose end somebody else may ask for.
    var watched: Int64? { state.withLock { $0.flatMap { $0.wasAsked ? nil : $0.run } } }

    /// Names the run that a cancel is meant for from now on.
    func watch(_ id: Int64) throws {
        let watched = Watched(run: id, wasAsked: try environment.database.isCancelRequested(run: id))
        state.withLock { $0 = watched }
        if Task.isCancelled { cancel() }
    }

    func cancel() {
        guard environment.cancellation == .ends, let id = state.withLock({ $0?.run }) else { return }
        do {
            _ = try environment.database.requestCancel(run: id, at: environment.time.now())
        } catch {
            var failure = RunError(error)
            failure.message = "The cancel of run \(id) could not be noted. " + failure.message
            environment.progress(.notSwept(failure))
        }
    }
}
