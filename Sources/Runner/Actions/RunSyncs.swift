package import ProjectConfig
internal import Records
package import StateStore

/// Runs several syncs one after the other, then lets go of history that is older than it is kept.
package struct RunSyncs: Sendable {
    private let environment: RunEnvironment

    package init(environment: RunEnvironment) { self.environment = environment }

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

    /// Runs every sync that is not paused, parents before children; a sync whose parent failed is left out.
    package func runAll(_ project: Project, options: RunOptions) async throws -> [Result] {
        var failed: Set<String> = []
        var results: [Result] = []
        let paused = try environment.database.pausedSyncs()
        for sync in SyncOrder.sorted(project.syncs) {
            if Task.isCancelled { break }
            if sync.paused || paused.contains(sync.name) {
                results.append(Result(sync: sync.name, records: [], leftOut: "paused"))
                continue
            }
            if let parent = SyncOrder.parents(of: sync, among: project.syncs).first(where: { failed.contains($0) }) {
                failed.insert(sync.name)
                results.append(Result(sync: sync.name, records: [], leftOut: "\(parent) failed"))
                continue
            }
            let result = await one(sync, options: options)
            if result.error != nil || result.records.last.map({ Self.isFailure($0.state) }) ?? true {
                failed.insert(sync.name)
            }
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

    private static func isFailure(_ state: RunState) -> Bool {
        switch state {
        case .succeeded, .completedWithRejections: false
        default: true
        }
    }

    private func one(_ sync: SyncDefinition, options: RunOptions) async -> Result {
        do {
            return Result(
                sync: sync.name, records: try await RunSync(sync, options: options, environment: environment).run())
        } catch {
            return Result(sync: sync.name, records: [], error: RunError(error))
        }
    }
}

/// Which sync goes before which: one that writes the object another one's rows refer to, and what `after` names.
package enum SyncOrder {
    /// Parents first; otherwise as the project has them. What is in a circle keeps the project's order.
    package static func sorted(_ syncs: [SyncDefinition]) -> [SyncDefinition] {
        var left = syncs
        var placed: [SyncDefinition] = []
        while !left.isEmpty {
            let names = Set(left.map(\.name))
            let index = left.firstIndex { parents(of: $0, among: syncs).allSatisfy { !names.contains($0) } } ?? 0
            placed.append(left.remove(at: index))
        }
        return placed
    }

    /// The names of the syncs that go before `sync`.
    package static func parents(of sync: SyncDefinition, among syncs: [SyncDefinition]) -> [String] {
        var parents: [String] = []
        if case .after(let names) = sync.schedule?.trigger { parents += names }
        for other in syncs where other.name != sync.name && other.destination == sync.destination {
            if refers(sync, to: other) { parents.append(other.name) }
        }
        return parents
    }

    private static func refers(_ sync: SyncDefinition, to other: SyncDefinition) -> Bool {
        guard other.object != sync.object, let key = other.key.field else { return false }
        return sync.mappings.contains { mapping in
            guard case .column(_, let lookup?, _) = mapping.source else { return false }
            return lookup == key && mapping.field.lowercased().hasPrefix(other.object.lowercased())
        }
    }
}
