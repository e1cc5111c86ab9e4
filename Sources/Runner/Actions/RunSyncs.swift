internal import ConnectorKit
package import ProjectConfig
internal import Records
package import StateStore

/// Runs several syncs one after the other, then lets go of history that is older than it is kept.
package struct RunSyncs: Sendable {
    private let environment: RunEnvironment
    private let notifier: Notifier?

    /// - Parameter notifier: tells whom the project names what becomes of the runs; nil where a person looks on.
    package init(environment: RunEnvironment, notifier: Notifier? = nil) {
        self.environment = environment
        self.notifier = notifier
    }

    /// What came of one sync.
    package struct Result: Sendable {
        package var sync: String
        package var records: [RunRecord]
        /// Why no run could be recorded.
        package var error: RunError?
        /// Why the sync was left out.
        package var leftOut: String?
    }

    /// Runs the named syncs in the given order, on past a failure; stops when the task is cancelled.
    package func run(_ syncs: [SyncDefinition], options: RunOptions) async -> [Result] {
        var results: [Result] = []
        for sync in syncs {
            if Task.isCancelled { break }
            results.append(await one(sync, options: options))
        }
        sweep()
        return results
    }

    /// Runs every sync that is not paused, parents before children. Left out are a sync whose parent failed, and one of
    /// an object that the destination lets nobody write. What is sent is sent once also where every record is to be
    /// sent again.
    package func runAll(_ project: Project, options: RunOptions) async throws -> [Result] {
        /// Why no child of a sync can be run, by the sync.
        var stopped: [String: String] = [:]
        var forbidden: [String: String] = [:]
        var results: [Result] = []
        let paused = try environment.paused(project.syncs)
        let order = SyncOrder(project.syncs, environment: environment)
        for sync in order.sorted() {
            if Task.isCancelled { break }
            if sync.paused || paused.contains(sync.name) {
                results.append(Result(sync: sync.name, records: [], leftOut: "paused"))
                continue
            }
            if options.limit != nil && sync.behavior == .delete {
                results.append(Result(sync: sync.name, records: [], leftOut: "--limit removes nothing"))
                continue
            }
            if let why = order.parents(of: sync).lazy.compactMap({ stopped[$0] }).first {
                stopped[sync.name] = "\(sync.name) was left out"
                results.append(Result(sync: sync.name, records: [], leftOut: why))
                continue
            }
            let target = "\(sync.destination).\(sync.object)"
            if let other = forbidden[target] {
                stopped[sync.name] = "\(sync.name) was left out"
                results.append(Result(sync: sync.name, records: [], leftOut: "\(other) may not write \(sync.object)"))
                continue
            }
            var options = options
            if sync.behavior == .send { options.isFull = false }
            let result = await one(sync, options: options)
            if result.records.last.map(Self.mayNotWrite) ?? false { forbidden[target] = sync.name }
            stopped[sync.name] = Self.stop(result)
            results.append(result)
        }
        sweep()
        return results
    }

    /// That old history cannot be removed is told, and fails nobody's run.
    private func sweep() {
        do {
            try SweepHistory(environment: environment).sweep()
        } catch {
            environment.progress(.notSwept(RunError(error)))
        }
    }

    /// Whether the destination refused what a plan had, not what was read for one, for want of a permission.
    private static func mayNotWrite(_ record: RunRecord) -> Bool {
        record.error?.code == "forbidden" && record.operations.planned + record.operations.removals > 0
    }

    /// Why the children of a sync are left out; nil where they are not.
    private static func stop(_ result: Result) -> String? {
        guard result.error == nil, let state = result.records.last?.state else { return "\(result.sync) failed" }
        switch state {
        case .succeeded, .completedWithRejections: return nil
        case .stoppedByGuard: return "a guard stopped \(result.sync)"
        case .cancelled: return "\(result.sync) was cancelled"
        default: return "\(result.sync) failed"
        }
    }

    private func one(_ sync: SyncDefinition, options: RunOptions) async -> Result {
        do {
            let records = try await RunSync(sync, options: options, environment: environment).run()
            for record in records { await notifier?.tell(record) }
            return Result(sync: sync.name, records: records)
        } catch {
            return Result(sync: sync.name, records: [], error: RunError(error))
        }
    }
}
