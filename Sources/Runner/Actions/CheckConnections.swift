package import ConnectorKit
internal import ProjectConfig

/// Tests sources and destinations, step by step, each on its own.
package struct CheckConnections: Sendable {
    package struct Result: Sendable {
        package var name: String
        package var type: String
        package var report: ConnectionReport
    }

    private let connections: ProjectConnections

    package init(_ connections: ProjectConnections) { self.connections = connections }

    /// Checks the connections with these names, or all of the project; in the order of their names.
    package func check(_ names: [String]) async throws -> [Result] {
        let project = connections.project
        let known = Set(project.sources.keys).union(project.destinations.keys)
        for name in names where !known.contains(name) {
            let near = NearestName.among(Array(known), to: name)
            throw RunError(
                code: "unknown_connection", message: "The project has no source or destination \(name).",
                hint: near.map { "Did you mean \($0)?" } ?? "It has \(known.sorted().joined(separator: ", ")).")
        }
        var results: [Result] = []
        for name in names.isEmpty ? known.sorted() : names { results.append(await one(name)) }
        return results
    }

    private func one(_ name: String) async -> Result {
        let type = connections.project.sources[name]?.type ?? connections.project.destinations[name]?.type ?? ""
        do {
            let report: ConnectionReport
            if connections.project.sources[name] != nil {
                report = await (try connections.source(named: name)).check()
            } else {
                report = await (try connections.destination(named: name, context: DestinationContext())).check()
            }
            return Result(name: name, type: type, report: report)
        } catch {
            let failure = RunError(error)
            let step = ConnectionReport.Step(
                step: "settings", isOK: false, message: failure.message, hint: failure.hint)
            return Result(name: name, type: type, report: ConnectionReport(address: "", steps: [step]))
        }
    }
}
