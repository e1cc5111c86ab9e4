internal import Foundation
internal import ProjectConfig
internal import Runner
internal import StateStore

/// Is the program well?
struct SystemPage: Sendable, Encodable {
    let version: String
    let startedAt: Moment
    let databaseBytes: Int64
    let stateDirectory: String
    let freeBytes: Int64
    let isScheduling: Bool
    let next: [Next]
    let unfinished: [RunRecord]
    let projectProblems: [Diagnostic]
    /// Where connections of the pages may lead; nil where no list says it.
    let allowedHosts: [String]?
    let now: Moment
    private let project: HTML
    private let trouble: HTML

    struct Next: Sendable, Encodable {
        var sync: String
        var at: Moment
    }

    private enum CodingKeys: String, CodingKey {
        case version
        case startedAt = "started_at"
        case databaseBytes = "database_bytes"
        case freeBytes = "free_bytes"
        case isScheduling = "scheduling"
        case next, unfinished
        case projectProblems = "project_problems"
        case allowedHosts = "allowed_hosts"
    }

    init(site: Site) throws {
        projectProblems = site.projectTrouble()?.problems ?? []
        trouble = ProjectTroubleView.html(site)
        allowedHosts = site.connections().outbound?.rules
        let file = site.project().file
        project = site.project().files.isEmpty ? "none: everything is made in these pages" : "<code>\(file)</code>"
        version = site.version
        startedAt = site.startedAt
        now = site.now
        let path = site.environment.state.databasePath
        stateDirectory = site.environment.state.path
        databaseBytes = ["", "-wal"].reduce(0) { $0 + Self.size(path + $1) }
        freeBytes = Self.free(stateDirectory)
        isScheduling = site.engine.isScheduling()
        next = site.engine.nextRuns().map { Next(sync: $0.key, at: $0.value) }.sorted { $0.at < $1.at }
            .prefix(10).map { $0 }
        unfinished = Array(try site.runs.current(try site.environment.database.unfinishedRuns()).prefix(50))
    }

    private static func size(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    private static func free(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("System", section: .system, visitor: request.visitor)
        layout.lead =
            "<p class=\"lead\">Sluice \(version), running for \(TimeView.span(seconds: (now.milliseconds - startedAt.milliseconds) / 1_000)).</p>"
        layout.beside =
            "<div class=\"actions\"><a class=\"button\" href=\"\(Place.diagnostics.path)\" download>Download diagnostics</a></div>"
        let facts: [(String, HTML)] = [
            ("Version", HTML(version)),
            ("Started", TimeView.both(startedAt, now: now)),
            ("Project file", project),
            ("State directory", "<code>\(stateDirectory)</code>"),
            ("Control database", HTML(Wording.bytes(databaseBytes))),
            ("Disk left", HTML(Wording.bytes(freeBytes))),
            (
                "Schedules",
                isScheduling
                    ? "\(StateView.badge("running", .good, .ok))"
                    : "<span class=\"nought\">not started by this server</span>"
            ),
            ("Connections may reach", hosts),
        ]
        let list = facts.html { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
        return layout.page(
            """
            \(trouble)<dl class="facts">\(list)</dl>
            <section><h2>Next ten runs</h2>\(nextTable)</section>
            <section><h2>Runs that have not ended</h2>\(RunTable(now: now, empty: "Every run has ended.").html(unfinished))</section>
            \(backup)
            """)
    }

    private var hosts: HTML {
        guard let allowedHosts else {
            return
                "every host, except by link-local and reserved addresses (<code>SLUICE_ALLOW_HOSTS</code> is not set)"
        }
        return
            "\(allowedHosts.html { rule in "<code>\(rule)</code> " })(<code>SLUICE_ALLOW_HOSTS</code>), where they are made in these pages"
    }

    private var nextTable: HTML {
        var table = TableView("Next runs", [TableView.Column("Sync"), TableView.Column("At")])
        table.isCaptionHidden = true
        table.empty = "No sync has a schedule that will start it."
        return table.html(
            next.map { ["<a href=\"\(Place.sync($0.sync).path)\">\($0.sync)</a>", TimeView.both($0.at, now: now)] })
    }

    private var backup: HTML {
        """
        <section><h2>How to back up</h2><p>Everything that Sluice knows is in the state directory. This copies it into one file, also while runs go on:</p>
        \(CodeBlock("Command", id: "backup").copied("sluice backup /backups/sluice-\(String(now.text.prefix(10))).sluice --state \(stateDirectory)"))
        <p class="detail">The key of the secrets is not in it: keep it apart. After <code>sluice restore</code> the next run of each sync sends again what was accepted since. Never run the same sync from two copies.</p></section>
        """
    }
}
