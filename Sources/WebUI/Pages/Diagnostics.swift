internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What somebody who helps from afar asks for first, as one file: no secret, no row, no key and no value of a setting.
/// It says nothing that the pages do not show to everybody who may sign in.
struct Diagnostics: Encodable {
    static let (runsMax, syncsMax) = (50, 500)

    struct Connection: Encodable {
        var name: String
        var kind: String
        var type: String
        /// The names of what is set.
        var settings: [String]
        /// Nil where it was not tested since the start.
        var check: String?
    }

    let system: SystemPage
    let madeAt: Moment
    let connections: [Connection]
    let syncs: [SyncBody]
    let runs: [RunRecord]

    private enum CodingKeys: String, CodingKey {
        case system, connections, syncs, runs
        case madeAt = "made_at"
    }

    init(site: Site) throws {
        system = try SystemPage(site: site)
        madeAt = site.now
        let project = site.project()
        let ends: [(ConnectionDefinition, Place.End)] =
            project.sources.values.map { ($0, .source) } + project.destinations.values.map { ($0, .destination) }
        connections = ends.map { connection, end in
            Connection(
                name: connection.name, kind: end.rawValue, type: connection.type,
                settings: connection.settings.keys.sorted(),
                check: Self.word(site.work.progress(.check(end, connection.name))))
        }.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }
        syncs = try SyncHealthList(site: site).all.prefix(Self.syncsMax).map { SyncBody($0) }
        runs = try site.runs.current(try site.history.runs(limit: Self.runsMax))
    }

    private static func word(_ progress: BackgroundWork.Progress?) -> String? {
        switch progress {
        case nil: nil
        case .working: "going on"
        case .failed(let error, _): error.code
        case .done(.check(let result), _):
            result.report.steps.first { !$0.isOK }.map { "failed: " + $0.step } ?? "passed"
        case .done: nil
        }
    }

    func answer() throws -> WebAnswer {
        let name = "sluice-diagnostics-\(String(madeAt.text.prefix(10))).json"
        return WebAnswer(.file(name: name, type: "application/json", try JSONBody.bytes(self)))
    }
}
