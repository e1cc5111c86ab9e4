internal import StateStore

/// Looks now and then whether somebody else has asked for the end of a run: whatever it then waits for, a slow query, the
/// next try, its turn, ends as if its own task had been cancelled. Tells the history meanwhile what it lacks.
struct CancelWatch {
    let environment: RunEnvironment
    let noted: CancelNote

    /// Runs `body`, cancelled once the run that it is at is to end.
    func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        guard let pause = environment.untilNextLook else { return try await body() }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await watch(pause)
                return nil
            }
            while let ended = try await group.next() {
                group.cancelAll()
                if let result = ended { return result }
            }
            throw CancellationError()
        }
    }

    /// Returns once the run is to end, or the task is cancelled.
    private func watch(_ pause: @Sendable () async throws -> Void) async {
        while !Task.isCancelled {
            do {
                try await pause()
                // While an answer or a wait takes long.
                try environment.late.tellIfDue(environment.database, at: environment.time.now())
                if let run = noted.watched, try environment.database.isCancelRequested(run: run) { return }
            } catch is CancellationError {
                return
            } catch {
                // A history that cannot be read stops the run where it writes there; the next look may succeed.
                continue
            }
        }
    }
}
