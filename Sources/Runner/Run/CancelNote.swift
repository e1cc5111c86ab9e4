internal import StateStore
internal import Synchronization

/// Notes in the history that a run was cancelled, as soon as it is: should the process be killed while the batch in
/// flight is being settled, the next start closes the run instead of going on with it.
final class CancelNote: Sendable {
    private let environment: RunEnvironment
    private let run = Mutex<Int64?>(nil)

    init(_ environment: RunEnvironment) { self.environment = environment }

    /// The run that a cancel is meant for.
    var watched: Int64? { run.withLock { $0 } }

    /// Names the run that a cancel is meant for from now on.
    func watch(_ id: Int64) {
        run.withLock { $0 = id }
        if Task.isCancelled { cancel() }
    }

    func cancel() {
        guard environment.cancellation == .ends, let id = run.withLock({ $0 }) else { return }
        do {
            _ = try environment.database.requestCancel(run: id, at: environment.time.now())
        } catch {
            var failure = RunError(error)
            failure.message = "The cancel of run \(id) could not be noted. " + failure.message
            environment.progress(.notSwept(failure))
        }
    }
}
