internal import Records
internal import Runner
internal import StateStore

/// The rows before and behind a record among those of one run that did not arrive, so that somebody can go through them
/// without going back to the list each time. Which run, which filter and which of the rows that share a key stand in the
/// address.
struct RecordNeighbors: Sendable {
    /// Rows without a key have no page; so many of them are passed over.
    private static let passedMax = 50

    let run: RunRecord
    private let filter: OutcomeFilter
    private let previous: OutcomeRecord?
    private let next: OutcomeRecord?

    /// Nil where no run is named, or the record is not among its rows.
    init?(site: Site, sync: String, key: String, _ query: Fields) throws {
        guard let number = query["run"].flatMap({ Int64($0) }), let run = try site.runs.run(number), run.sync == sync
        else { return nil }
        var filter = RecordsPage.filter(query)
        filter.keyPrefix = nil
        guard let own = try Self.own(site, run, key, filter, at: query.number("at")) else { return nil }
        self.run = run
        self.filter = filter
        let edge = OutcomeFilter.Cursor(code: own.code, sequence: own.sequence)
        filter.after = edge
        next = try Self.first(site, number, filter)
        (filter.after, filter.before) = (nil, edge)
        previous = try Self.first(site, number, filter)
    }

    /// The row that the page is of: the one of that number, or else the first of that key which the filter lets through.
    private static func own(
        _ site: Site, _ run: RunRecord, _ key: String, _ filter: OutcomeFilter, at sequence: Int?
    ) throws -> OutcomeRecord? {
        if let sequence, sequence > Int.min {
            var exact = OutcomeFilter()
            exact.after = OutcomeFilter.Cursor(code: "", sequence: sequence - 1)
            let found = try site.history.outcomes(run: run.id, exact, limit: 1).first
            if let found, found.sequence == sequence, found.key == key { return found }
        }
        let lived = try site.history.life(sync: run.sync, key: key).filter { $0.run == run.id }
        return lived.first { row in
            filter.outcome.map { $0 == row.outcome } ?? true && filter.code.map { $0 == row.code } ?? true
        } ?? lived.first
    }

    private static func first(_ site: Site, _ run: Int64, _ filter: OutcomeFilter) throws -> OutcomeRecord? {
        try site.history.outcomes(run: run, filter, limit: passedMax).first { !$0.key.isEmpty }
    }

    /// - Parameter at: the row's number in its run, for several may share the key.
    static func link(
        _ run: RunRecord, _ key: String, _ outcome: OutcomeKind?, _ code: String?, at: Int? = nil
    ) -> String {
        Place.record(sync: run.sync, key: key)
            .link([
                ("run", String(run.id)), ("outcome", outcome?.rawValue), ("code", code), ("at", at.map(String.init)),
            ])
    }

    func html() -> HTML {
        func part(_ row: OutcomeRecord?, _ label: String, _ rel: String) -> HTML {
            guard let row else { return .empty }
            let link = Self.link(run, row.key, filter.outcome, filter.code, at: row.sequence)
            return "<a class=\"button small\" rel=\"\(rel)\" href=\"\(link)\">\(label)</a>"
        }
        let kind = filter.outcome.map { $0.rawValue.replacing("_", with: " ") + " " } ?? ""
        return """
            <nav class="actions beside" aria-label="Rows of run \(run.id)">\(part(previous, "Previous \(kind)row", "prev"))\(part(next, "Next \(kind)row", "next"))\(next == nil && previous == nil ? "<span class=\"nought\">The only \(kind)row of run \(run.id)</span>" : .empty)</nav>
            """
    }
}
