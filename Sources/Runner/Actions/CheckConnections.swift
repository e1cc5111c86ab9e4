package import ConnectorKit
internal import ProjectConfig

/// Tests sources and destinations, step by step, each on its own, and the syncs between those that passed.
package struct CheckConnections: Sendable {
    package struct Result: Sendable {
        package var name: String
        /// The connector's type, or `sync`.
        package var type: String
        package var report: ConnectionReport

        package init(name: String, type: String, report: ConnectionReport) {
            self.name = name
            self.type = type
            self.report = report
        }
    }

    private let connections: ProjectConnections
    private let time: RunTime
    /// What is known of the syncs; nil where there is no state yet.
    private let known: RunEnvironment?
    private var project: Project { connections.project }

    package init(_ connections: ProjectConnections, time: RunTime, known: RunEnvironment? = nil) {
        self.connections = connections
        self.time = time
        self.known = known
    }

    /// A source and a destination may have one name.
    private enum End: Hashable {
        case source(String)
        case destination(String)
    }

    /// Checks the connections and syncs with these names, or all of the project. A sync brings its two ends along and
    /// is left out where one of them did not pass. Connections first, in the order of their names if none is given.
    package func check(_ names: [String]) async throws -> [Result] {
        try refuseUnknown(names)
        let syncs = names.isEmpty ? project.syncs : project.syncs.filter { names.contains($0.name) }
        var results: [Result] = []
        var passed: Set<End> = []
        for end in ends(names, syncs) {
            let result = await connection(end)
            if result.report.isOK { passed.insert(end) }
            results.append(result)
        }
        for sync in syncs where passed.isSuperset(of: Self.ends(of: sync)) { results.append(await self.sync(sync)) }
        return results
    }

    /// What is wrong with the former names of the syncs with these names, or of all; the others are not named. Connects to
    /// nothing.
    package func formerNames(_ names: [String]) throws -> [Result] {
        try refuseUnknown(names)
        let syncs = names.isEmpty ? project.syncs : project.syncs.filter { names.contains($0.name) }
        return syncs.compactMap { sync in
            var result = Result(name: sync.name, type: "sync", report: ConnectionReport(address: ""))
            checkFormerName(sync, into: &result.report)
            return result.report.steps.isEmpty && result.report.warnings.isEmpty ? nil : result
        }
    }

    private func checkFormerName(_ sync: SyncDefinition, into report: inout ConnectionReport) {
        guard var known, sync.renamedFrom != nil else { return }
        known.connections = connections
        do {
            if let warning = try RenamedSync(sync, known).warning() { report.warnings.append(warning) }
        } catch {
            let failure = RunError(error)
            report.steps.append(
                ConnectionReport.Step(
                    step: "renamed_from", isOK: false, message: failure.message, hint: failure.hint))
        }
    }

    /// Checks the source of that name.
    package func source(_ name: String, _ told: @escaping CheckProgress) async throws -> Result {
        guard project.sources[name] != nil else { throw unknown(name) }
        return await connection(.source(name), told)
    }

    /// Checks the destination of that name.
    package func destination(_ name: String, _ told: @escaping CheckProgress) async throws -> Result {
        guard project.destinations[name] != nil else { throw unknown(name) }
        return await connection(.destination(name), told)
    }

    private var connectionNames: Set<String> { Set(project.sources.keys).union(project.destinations.keys) }

    /// Throws `unknown_connection` for a name that nothing has.
    package func refuseUnknown(_ names: [String]) throws {
        let all = connectionNames.union(project.syncs.map(\.name))
        for name in names where !all.contains(name) { throw unknown(name) }
    }

    private func unknown(_ name: String) -> RunError {
        let all = connectionNames.union(project.syncs.map(\.name))
        let near = NearestName.among(all, to: name)
        return RunError(
            code: "unknown_connection", message: "The project has no source, destination or sync \(name).",
            hint: near.map { "Did you mean \($0)?" } ?? "It has \(all.sorted().joined(separator: ", ")).")
    }

    /// The connections to test: the named ones, then the ends of the named syncs.
    private func ends(_ names: [String], _ syncs: [SyncDefinition]) -> [End] {
        let named = (names.isEmpty ? connectionNames.sorted() : names).flatMap { name -> [End] in
            (project.sources[name] == nil ? [] : [.source(name)])
                + (project.destinations[name] == nil ? [] : [.destination(name)])
        }
        var seen: Set<End> = []
        return (named + syncs.flatMap { Self.ends(of: $0) }).filter { seen.insert($0).inserted }
    }

    private static func ends(of sync: SyncDefinition) -> [End] {
        [.source(sync.dataset.source), .destination(sync.destination)]
    }

    private func connection(_ end: End, _ told: @escaping CheckProgress = { _ in }) async -> Result {
        switch end {
        case .source(let name):
            let type = project.sources[name]?.type ?? ""
            do {
                return Result(name: name, type: type, report: await (try connections.source(named: name)).check(told))
            } catch {
                return Self.broken(name, type, error)
            }
        case .destination(let name):
            let type = project.destinations[name]?.type ?? ""
            do {
                let destination = try connections.destination(named: name, time: time)
                return Result(name: name, type: type, report: await destination.check(told))
            } catch {
                return Self.broken(name, type, error)
            }
        }
    }

    private func sync(_ definition: SyncDefinition) async -> Result {
        do {
            let check = CheckSync(
                definition: definition, source: try connections.source(definition.dataset),
                destination: try connections.destination(named: definition.destination, time: time),
                object: try connections.object(definition))
            var report = await check.report()
            checkFormerName(definition, into: &report)
            return Result(name: definition.name, type: "sync", report: report)
        } catch {
            return Self.broken(definition.name, "sync", error)
        }
    }

    private static func broken(_ name: String, _ type: String, _ error: any Error) -> Result {
        let failure = RunError(error)
        let step = ConnectionReport.Step(step: "settings", isOK: false, message: failure.message, hint: failure.hint)
        return Result(name: name, type: type, report: ConnectionReport(address: "", steps: [step]))
    }
}
