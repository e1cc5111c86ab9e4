package import Records
internal import StateStore

/// Asks for the end of a run that another process has.
package struct CancelRun: Sendable {
    package struct Answer: Sendable, Hashable {
        package var run: Int64
        package var sync: String
        /// How the run was found; `interrupted` where no process has it any more.
        package var state: RunState
        /// Whether all that the run was to send is settled, so that there is nothing left to stop.
        package var isSettled: Bool
    }

    private let environment: RunEnvironment

    package init(environment: RunEnvironment) { self.environment = environment }

    /// Notes that the run is to end, unless it has: its process then stops after the batch on its way, and the next
    /// run closes one that was interrupted without sending the rest. Nil where there is no such run.
    package func cancel(_ number: Int64) throws -> Answer? {
        guard let run = try CurrentRuns(environment: environment).run(number) else { return nil }
        let noted = try environment.database.requestCancel(run: number, at: environment.time.now())
        let isInterrupted = run.state == .interrupted && !noted.isFinal
        return Answer(
            run: number, sync: run.sync, state: isInterrupted ? .interrupted : noted,
            isSettled: noted.isFinal || noted == .closing)
    }
}
