/// What the pages show of the analytics API.
struct EventPage: Sendable {
    let sandbox: Sandbox

    func overview(_ state: StoreState, to page: inout PageWriter) {
        let all = [("activities", state.events.activities), ("metrics", state.events.metrics)]
        guard all.contains(where: { $0.1.received > 0 || $0.1.created > 0 }) else { return }
        page.table(
            "Analytics", head: ["Kind", "Received", "Kept", "Refused", "Dropped", "Sent again"],
            rows: all.map { name, totals in
                [.link(name, "/\(name)-page")]
                    + [totals.received, totals.created, totals.failed, totals.dropped, totals.sentAgain]
                    .map { .number($0) }
            })
    }

    /// The newest rows of a kind, and what came more than once.
    func rows(_ kind: EventStream.Kind) -> PageWriter {
        let state = sandbox.store.snapshot()
        var page = PageWriter(title: "Planhat sandbox: \(kind.rawValue)")
        switch kind {
        case .activities: activities(state, to: &page)
        case .metrics: metrics(state, to: &page)
        }
        let again = state.events.sentAgain.filter { $0.key.hasPrefix(kind.rawValue + " ") }
        page.table(
            "Sent more than once", head: ["What", "Times"],
            rows: again.sorted { $0.key < $1.key }.prefix(Page.rowsMax).map { [.text($0.key), .number($0.value)] })
        page.navigation([("All objects", "/")])
        return page
    }

    private func activities(_ state: StoreState, to page: inout PageWriter) {
        page.paragraph("\(state.events.activities.created) activities; the newest are shown.")
        let shown = state.events.activityLines.newest(Page.rowsMax).map { Self.fields($0) }
        let names = ["email", "externalId", "action", "date", "companyExternalId", "info", "receivedAt"]
        page.table(
            "Newest activities",
            head: ["Email", "External ID", "Action", "Date", "Company", "Info", "Received"],
            rows: shown.map { event in names.map { .text(event[$0].map(JSONText.plain) ?? "") } })
    }

    private func metrics(_ state: StoreState, to page: inout PageWriter) {
        page.paragraph("\(state.events.metrics.created) metrics; the newest are shown.")
        let names = ["dimensionId", "model", "externalId", "value", "time"]
        let newest = state.events.metricTable.rows.indices.reversed().prefix(Page.rowsMax)
        page.table(
            "Newest metrics", head: ["Dimension", "Model", "External ID", "Value", "Time"],
            rows: newest.map { index in
                let line = Self.fields(MetricList.line(index, state))
                return names.map { .text(line[$0].map(JSONText.plain) ?? "") }
            })
    }

    private static func fields(_ line: [UInt8]) -> EventFields {
        do {
            return try EventFields.read(line).first ?? EventFields()
        } catch {
            return EventFields()
        }
    }
}
