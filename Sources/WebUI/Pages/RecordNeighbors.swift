internal import Records
internal import Runner
internal import StateStore

/// The rows before and behind a record among those of one run that did not arrive, so that somebody can go through them
/// without going back to the list each time. Which run and which filter stand in the address.
struct RecordNeighbors: Sendable {
    /// Rows without a key have no page; so many of them are passed over.
    private static let passedMax = 50

    let run: RunRecord
    private let filter: OutcomeFilter
    private let previous: String?
    private let next: String?

    /// Nil where no run is named, or the record is not among its rows.
    init?(site: Site, sync: String, key: String, _ query: Fields) throws {
        guard let number = query["run"].flatMap({ Int64($0) }), let run = try site.runs.run(number), run.sync == sync
        else { return nil }
        let lived = try site.history.life(sync: sync, key: key)
        guard let own = lived.first(where: { $0.run == number }) else { return nil }
        var filter = RecordsPage.filter(query)
        filter.keyPrefix = nil
        self.run = run
        self.filter = filter
        let edge = OutcomeFilter.Cursor(code: own.code, sequence: own.sequence)
        filter.after = edge
        next = try Self.first(site, number, filter)
        (filter.after, filter.before) = (nil, edge)
        previous = try Self.first(site, number, filter)
    }

    private static func first(_ site: Site, _ run: Int64, _ filter: OutcomeFilter) throws -> String? {
        try site.history.outcomes(run: run, filter, limit: passedMax).first { !$0.key.isEmpty }?.key
    }

    static func link(_ run: RunRecord, _ key: String, _ outcome: OutcomeKind?, _ code: String?) -> String {
        Place.record(sync: run.sync, key: key)
            .link([("run", String(run.id)), ("outcome", outcome?.rawValue), ("code", code)])
    }

    func html() -> HTML {
        func part(_ key: String?, _ label: String, _ rel: String) -> HTML {
            guard let key else { return .empty }
            let link = Self.link(run, key, filter.outcome, filter.code)
            return "<a class=\"button small\" rel=\"\(rel)\" href=\"\(link)\">\(label)</a>"
        }
        let kind = filter.outcome.map { $0.rawValue.replacing("_", with: " ") + " " } ?? ""
        return """
            <nav class="actions beside" aria-label="Rows of run \(run.id)">\(part(previous, "Previous \(kind)row", "prev"))\(part(next, "Next \(kind)row", "next"))\(next == nil && previous == nil ? "<span class=\"nought\">The only \(kind)row of run \(run.id)</span>" : .empty)</nav>
            """
    }
}
