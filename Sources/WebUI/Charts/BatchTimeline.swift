internal import Records
internal import Runner
internal import StateStore

/// When each batch of a run was on its way: a bar for each try, on one scale of time, beside the same as numbers. What
/// lies between two bars is waiting.
struct BatchTimeline {
    /// Batches that are drawn, and requests that are looked at for them.
    static let (batchesMax, requestsMax) = (20, 240)

    private struct Batch {
        var number: Int
        var tries: [ExchangeRecord]
    }

    private let batches: [Batch]
    private let hasMore: Bool
    private let run: Int64
    private static let width = 400

    /// - Parameter exchanges: the first of the run, in their order.
    init(run: Int64, _ exchanges: [ExchangeRecord]) {
        self.run = run
        var found: [Batch] = []
        for exchange in exchanges where exchange.at.milliseconds > 0 {
            guard let number = exchange.batch else { continue }
            if let index = found.firstIndex(where: { $0.number == number }) {
                found[index].tries.append(exchange)
            } else {
                found.append(Batch(number: number, tries: [exchange]))
            }
        }
        batches = Array(found.prefix(Self.batchesMax))
        hasMore = found.count > Self.batchesMax || exchanges.count >= Self.requestsMax
    }

    func html() -> HTML {
        let all = batches.flatMap(\.tries)
        guard batches.count > 1, let start = all.map(\.at.milliseconds).min(), let end = all.map(Self.end).max() else {
            return .empty
        }
        var table = TableView(
            "When was each batch on its way?",
            [
                TableView.Column("Batch"), TableView.Column("After", .number), TableView.Column("Took", .number),
                TableView.Column("Tries", .number), TableView.Column("On its way"),
            ])
        table.isCaptionHidden = true
        let rows = table.html(
            batches.map { batch in
                let first = batch.tries[0]
                let took = (batch.tries.map(Self.end).max() ?? 0) - first.at.milliseconds
                return [
                    "<a href=\"\(Place.exchange(run: run, number: first.number).path)\">Batch \(batch.number + 1)</a>",
                    HTML(TimeView.took(milliseconds: first.at.milliseconds - start)),
                    HTML(TimeView.took(milliseconds: took)), "\(batch.tries.count)",
                    bar(batch, start, max(1, end - start)),
                ]
            })
        let more: HTML =
            hasMore ? "<p class=\"detail\">The first \(batches.count) batches; all are among the requests.</p>" : .empty
        return "<section class=\"batches\"><h2>When was each batch on its way?</h2>\(rows)\(more)</section>"
    }

    private static func end(_ exchange: ExchangeRecord) -> Int64 {
        exchange.at.milliseconds + Int64(max(1, exchange.milliseconds))
    }

    private func bar(_ batch: Batch, _ start: Int64, _ total: Int64) -> HTML {
        let scale = Double(Self.width) / Double(total)
        let bars = batch.tries.html { exchange -> HTML in
            let x = Int(Double(exchange.at.milliseconds - start) * scale)
            let wide = max(2, Int(Double(Self.end(exchange) - exchange.at.milliseconds) * scale))
            return
                "<rect class=\"\(Self.tone(exchange))\" x=\"\(min(x, Self.width - 2))\" y=\"1\" width=\"\(wide)\" height=\"8\"/>"
        }
        return """
            <svg class="span" viewBox="0 0 \(Self.width) 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" y="1" width="\(Self.width)" height="8"/>\(bars)</svg>
            """
    }

    private static func tone(_ exchange: ExchangeRecord) -> String {
        guard let status = exchange.status else { return "bad" }
        if (200..<300).contains(status) { return "accent" }
        return status == 429 ? "part" : "bad"
    }
}
