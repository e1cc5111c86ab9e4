internal import Foundation
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What became of one record over the runs.
struct RecordPage: Sendable {
    /// So many runs are looked through: each costs a pass over its plan.
    static let runsMax = 20

    let sync: String
    let key: String
    /// Oldest first.
    let steps: [RecordLife.Step]
    let now: Moment
    let neighbors: RecordNeighbors?
    /// Whether it is not known whether it arrived.
    private let isInDoubt: Bool
    private let isDefined: Bool

    init(site: Site, sync name: String, key: String, _ query: Fields = Fields()) throws {
        sync = name
        self.key = key
        let life = try site.life(of: name)
        steps = try life.steps(key: key, runsMax: Self.runsMax)
        isDefined = site.project().sync(name) != nil
        isInDoubt = isDefined ? try Self.isInDoubt(try life.hashes(ofKey: key), name, site) : false
        now = site.now
        neighbors = try RecordNeighbors(site: site, sync: name, key: key, query)
    }

    private static func isInDoubt(_ hashes: Set<Hash128>, _ sync: String, _ site: Site) throws -> Bool {
        let now = try RecordsInDoubt(sync: sync, environment: site.environment)
        return hashes.contains { now.contains($0) }
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Record \(ReasonView.cut(key, 60))", section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs), (sync, .sync(sync))]
        if let run = neighbors?.run { layout.trail.append(("Run \(run.id)", .run(run.id))) }
        layout.message = Message(request.query)
        layout.lead = "<p class=\"lead\">\(summary)</p>\(neighbors?.html() ?? .empty)"
        if request.visitor.may(.run) && isDefined && !isInDoubt {
            layout.beside = """
                <div class="actions">\(FormView.button("Send again", .syncAction(sync, .resend), request.visitor, fields: [("key", key)]))</div>
                """
        }
        let doubt: HTML = isInDoubt ? DoubtView(sync: sync, visitor: request.visitor).one(key) : .empty
        guard !steps.isEmpty else {
            return layout.page(
                "\(doubt)<p class=\"empty\">None of the last \(Self.runsMax) runs of \(sync) that are kept touched this record. Either it did not change, or no row has this key.</p>"
            )
        }
        return layout.page("\(doubt)<ol class=\"life\">\(items)</ol>")
    }

    private var summary: String {
        guard let last = steps.last else { return "Nothing is known of this key." }
        return "Last touched by run \(last.run.id): \(last.outcome.replacing("_", with: " "))."
    }

    /// Newest first, each with what had changed since the one before.
    private var items: HTML {
        var html = HTML.empty
        for index in steps.indices.reversed() {
            let earlier = steps[..<index].last { $0.payload != nil }?.payload
            html += item(steps[index], earlier: earlier)
        }
        return html
    }

    private func item(_ step: RecordLife.Step, earlier: String?) -> HTML {
        let reason: HTML? = step.reason.map { ReasonView.cell($0.code, $0.message, $0.hint, about: about(step)) }
        let requests: HTML =
            step.exchanges.isEmpty
            ? .empty
            : "<h3>Requests</h3>\(ExchangeTable(run: step.run, now: now).html(step.exchanges, "Requests of run \(step.run.id)"))"
        let unsent: HTML? = step.unsent.map { payload in
            "<h3>It never left</h3>\(PayloadView(new: payload, old: earlier, title: "Would have been sent").html("What run \(step.run.id) would have sent"))"
        }
        return """
            <li><h2><a href="\(Place.run(step.run.id).path)">Run \(step.run.id)</a> \(outcome(step.outcome))</h2>
            <p class="detail">\(TimeView.both(step.run.startedAt, now: now))</p>\(reason)
            \(step.payload.map { PayloadView(new: $0, old: earlier).html("Sent by run \(step.run.id)") })\(unsent)\(requests)</li>

            """
    }

    private func about(_ step: RecordLife.Step) -> PageHint.About {
        PageHint.About(sync: sync, run: step.run.id)
            .of(OutcomeKind(rawValue: step.outcome), step.reason?.code ?? "")
    }

    private func outcome(_ word: String) -> HTML {
        switch word {
        case "accepted", "confirmed": StateView.badge(word, .good, .ok)
        case "sent": StateView.badge("sent", .live, .live)
        case "rejected": StateView.badge("rejected", .bad, .bad)
        default: StateView.badge(word.replacing("_", with: " "), .part, .part)
        }
    }

    var body: RecordBody { RecordBody(sync: sync, key: key, steps: steps) }
}

/// What was sent for a record, field by field, against what was sent the time before.
struct PayloadView {
    let new: String
    let old: String?
    var title = "Sent"

    func html(_ caption: String) -> HTML {
        let fields = Self.fields(new)
        guard !fields.isEmpty else { return CodeBlock(caption).html(HTML(ReasonView.cut(new, 20_000))) }
        let before = Dictionary(old.map { Self.fields($0) } ?? [], uniquingKeysWith: { first, _ in first })
        var columns = [TableView.Column("Field"), TableView.Column(title)]
        if old != nil { columns.append(TableView.Column("The time before")) }
        var table = TableView(caption, columns)
        table.isCaptionHidden = true
        return table.html(
            fields.map { name, value in
                var cells: [HTML] = ["<code>\(name)</code>", "<code>\(ReasonView.cut(value, 2_000))</code>"]
                if old != nil {
                    let was = before[name]
                    cells[1] = was == value ? cells[1] : "<mark>\(cells[1])</mark>"
                    cells.append(
                        was == value
                            ? "<span class=\"nought\">the same</span>"
                            : "<code>\(ReasonView.cut(was ?? "not sent", 2_000))</code>")
                }
                return cells
            })
    }

    /// The members of a JSON object, by name, each value as JSON text; those of `custom` by their own names.
    static func fields(_ text: String) -> [(String, String)] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else { return [] }
        var fields: [(String, String)] = []
        for (name, value) in object {
            if let inner = value as? [String: Any], name == "custom" {
                fields += inner.map { ("custom." + $0.key, json($0.value)) }
            } else {
                fields.append((name, json(value)))
            }
        }
        return fields.sorted { $0.0 < $1.0 }
    }

    private static func json(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else { return "?" }
        return String(decoding: data, as: UTF8.self)
    }
}
