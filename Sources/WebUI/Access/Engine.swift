package import ProjectConfig
package import Runner
package import StateStore

/// What the pages ask of the server that they are pages of: to start a run, and what comes next. `serve` gives it.
package struct Engine: Sendable {
    /// Starts a run and returns once it has a number, or nil where it has none yet. Throws why it could not start.
    package var start: @Sendable (SyncDefinition, RunOptions) async throws -> Int64?
    /// Ends a run, also one that waits for its turn; nil where the process that has the run is only asked to.
    package var cancel: (@Sendable (Int64) throws -> Void)?
    /// Told when a sync was paused, resumed or reset, so that the schedules are looked at again.
    package var changed: @Sendable () -> Void
    /// When each sync runs next by itself, by its name.
    package var nextRuns: @Sendable () -> [String: Moment]
    /// Whether syncs are started by their schedules.
    package var isScheduling: @Sendable () -> Bool
    /// The text of `/metrics`; nil where there are none.
    package var metrics: (@Sendable () throws -> String)?

    package init(
        start: @escaping @Sendable (SyncDefinition, RunOptions) async throws -> Int64?,
        cancel: (@Sendable (Int64) throws -> Void)? = nil, changed: @escaping @Sendable () -> Void = {},
        nextRuns: @escaping @Sendable () -> [String: Moment] = { [:] },
        isScheduling: @escaping @Sendable () -> Bool = { false },
        metrics: (@Sendable () throws -> String)? = nil
    ) {
        self.start = start
        self.cancel = cancel
        self.changed = changed
        self.nextRuns = nextRuns
        self.isScheduling = isScheduling
        self.metrics = metrics
    }
}

extension Engine {
    /// An engine that starts what it is asked to and keeps no schedule.
    package static func byHand(
        board: LiveBoard, work: BackgroundWork, environment current: @escaping @Sendable () -> RunEnvironment
    ) -> Engine {
        Engine { sync, options in
            var own = current()
            let (numbers, heard) = AsyncStream<Result<Int64, RunError>>.makeStream()
            let listener = board.listener(now: own.time.now)
            own.progress = { progress in
                listener(progress)
                if case .started(let run, _, false) = progress { heard.yield(.success(run)) }
            }
            let environment = own
            work.begin {
                let results = await RunSyncs(environment: environment).run([sync], options: options)
                if let error = results.first?.error { heard.yield(.failure(error)) }
                heard.finish()
            }
            for await first in numbers { return try first.get() }
            return nil
        }
    }
}
