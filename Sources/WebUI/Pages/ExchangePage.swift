internal import Foundation
internal import ProjectConfig
internal import Runner
internal import StateStore

/// What exactly was said: one request and its answer, as far as they are kept.
struct ExchangePage: Sendable {
    let exchange: ExchangeRecord
    let run: RunRecord
    let hasNext: Bool
    /// Scheme and host of the destination, where the project says it plainly.
    let base: String
    let now: Moment

    init(site: Site, run number: Int64, number exchangeNumber: Int) throws {
        run = try site.run(number)
        guard let found = try site.history.exchange(run: number, number: exchangeNumber) else {
            throw PageFailure(
                .missing, code: "exchange_not_kept", message: "This request is not kept, or was never made.",
                hint: "Requests and answers are kept for 14 days. The page of the run lists those that are there.")
        }
        exchange = found
        hasNext = try !site.history.exchangeHeads(run: number, after: exchangeNumber, limit: 1).isEmpty
        let destination = site.project().sync(run.sync)?.destination
        let setting = destination.flatMap { site.project().destinations[$0]?.settings["base_url"]?.literal }
        base = setting ?? "$BASE_URL"
        now = site.now
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Request \(exchange.number + 1) of run \(run.id)", section: .runs, visitor: request.visitor)
        layout.trail = [("Runs", .runs), (run.sync, .sync(run.sync)), ("Run \(run.id)", .run(run.id))]
        layout.lead = "<p class=\"lead\"><code>\(exchange.method) \(exchange.path)</code></p>"
        layout.beside = pager
        return layout.page(
            """
            <dl class="facts">\(facts.html { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" })</dl>
            <div class="grid two"><section><h2>Request</h2>\(block(exchange.requestBody, bytes: exchange.requestBytes, "Body of the request"))</section>
            <section><h2>Answer</h2>\(block(exchange.responseBody, bytes: exchange.responseBytes, "Body of the answer"))</section></div>
            <section><h2>As curl</h2><p class="detail">Without the token: set it in the shell first.</p>\(CodeBlock("As curl", id: "curl").copied(HTML(curl)))</section>
            """)
    }

    private var pager: HTML {
        func link(_ number: Int, _ label: String, _ rel: String) -> HTML {
            "<a class=\"button\" rel=\"\(rel)\" href=\"\(Place.exchange(run: run.id, number: number).path)\">\(label)</a>"
        }
        let back: HTML? = exchange.number > 0 ? link(exchange.number - 1, "Previous", "prev") : nil
        let next: HTML? = hasNext ? link(exchange.number + 1, "Next", "next") : nil
        return "<nav class=\"actions\" aria-label=\"Requests\">\(back)\(next)</nav>"
    }

    private var facts: [(String, HTML)] {
        var facts: [(String, HTML)] = [
            ("Answer", ExchangeTable.answer(exchange)),
            ("At", ExchangeTable.moment(exchange) { TimeView.both($0, now: now) }),
            ("Took", "\(exchange.milliseconds) ms"),
            ("Batch", exchange.batch.map { "\($0 + 1), try \(exchange.attempt)" } ?? "none: a read"),
        ]
        if let first = exchange.firstSequence, let last = exchange.lastSequence {
            facts.append(("Records", HTML(Wording.grouped(last - first + 1))))
        }
        return facts
    }

    private func block(_ body: String, bytes: Int, _ name: String) -> HTML {
        guard !body.isEmpty else {
            return bytes == 0
                ? "<p class=\"empty\">No body.</p>"
                : "<p class=\"empty\">The body, \(Wording.bytes(Int64(bytes))), is not kept.</p>"
        }
        let isCut = body.utf8.count < bytes
        let note: HTML =
            isCut
            ? "<p class=\"detail\">The first \(Wording.bytes(Int64(body.utf8.count))) of \(Wording.bytes(Int64(bytes))).</p>"
            : .empty
        return "\(CodeBlock(name).html(HTML(Self.pretty(body))))\(note)"
    }

    /// JSON with line ends; anything else as it is.
    static func pretty(_ text: String) -> String {
        guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8)),
            let data = try? JSONSerialization.data(
                withJSONObject: value, options: [.prettyPrinted, .withoutEscapingSlashes])
        else { return text }
        return String(decoding: data, as: UTF8.self)
    }

    /// The token is a variable of the shell, never the token.
    var curl: String {
        var parts = ["curl -X \(exchange.method) \(Self.quoted(base + exchange.path))"]
        parts.append("  -H \"Authorization: Bearer $TOKEN\"")
        if !exchange.requestBody.isEmpty {
            parts.append("  -H 'Content-Type: application/json'")
            parts.append("  --data \(Self.quoted(exchange.requestBody))")
        }
        return parts.joined(separator: " \\\n")
    }

    private static func quoted(_ text: String) -> String {
        if text.hasPrefix("$BASE_URL") { return "\"$BASE_URL\"" + quoted(String(text.dropFirst(9))) }
        return "'" + text.replacing("'", with: "'\\''") + "'"
    }

    var body: ExchangeRecord { exchange }
}
