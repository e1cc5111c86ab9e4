internal import Runner

/// Columns over time, stacked, from zero. Its title is the question that it answers; the same numbers stand in a table
/// below it. The labels are text of the page, so they stay readable at any width.
struct ColumnChart {
    struct Series {
        var name: String
        /// `accent`, `part`, `bad`, `calm`: a colour and a pattern.
        var tone: String
        var values: [Double]
    }

    var title: String
    var unit: String
    var labels: [HTML]
    var series: [Series]
    /// A promise or a limit, drawn as a line.
    var bound: (name: String, value: Double)?
    /// Of which nothing is known, told as such in the table; a nought would be a claim.
    var gaps: Set<Int> = []
    /// Shown in the table instead of the number.
    var format: (Double) -> String = { Wording.grouped(Int($0.rounded())) }

    private static let (width, height) = (300, 100)

    var isEmpty: Bool { labels.isEmpty }

    func html() -> HTML {
        guard !isEmpty else { return .empty }
        let top = Self.roundedUp(max(totals.max() ?? 0, bound?.value ?? 0))
        let legend: HTML = series.count < 2 && bound == nil ? .empty : "<p class=\"legend\">\(keys)</p>"
        return """
            <figure class="chart"><figcaption>\(title)</figcaption>\(legend)
            <div class="plot"><div class="axis" aria-hidden="true"><span>\(format(top)) \(unit)</span><span>0</span></div>
            <svg viewBox="0 0 \(Self.width) \(Self.height)" preserveAspectRatio="none" role="img" aria-label="\(title) \(summary)">\(columns(top))\(boundLine(top))</svg>
            <div class="ticks"><span>\(labels.first)</span><span>\(labels.count > 1 ? labels.last : nil)</span></div></div>
            <details><summary>The numbers</summary>\(table)</details></figure>
            """
    }

    private var totals: [Double] {
        labels.indices.map { index in series.reduce(0) { $0 + ($1.values[index]) } }
    }

    private var summary: String {
        guard let last = totals.last, let most = totals.max() else { return "" }
        return "Last \(format(last)) \(unit), at most \(format(most)) \(unit)."
    }

    private var keys: HTML {
        let names = series.html { item in
            "<span><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"\(item.tone)\" width=\"10\" height=\"10\"/></svg>\(item.name)</span>"
        }
        guard let bound else { return names }
        return """
            \(names)<span><svg viewBox="0 0 10 10" aria-hidden="true"><path class="bound" d="M0 5h10"/></svg>\(bound.name)</span>
            """
    }

    private func columns(_ top: Double) -> HTML {
        guard top > 0 else { return .empty }
        let slot = Double(Self.width) / Double(labels.count)
        let wide = min(slot * 0.76, 18)
        var html = HTML.empty
        var ground = [Double](repeating: 0, count: labels.count)
        for item in series {
            var path = ""
            for (index, value) in item.values.enumerated() where value > 0 {
                let size = max(value / top * Double(Self.height), 0.8)
                let x = Self.short((Double(index) + 0.5) * slot - wide / 2)
                let y = Self.short(Double(Self.height) - ground[index])
                path += "M\(x) \(y)v-\(Self.short(size))h\(Self.short(wide))v\(Self.short(size))z"
                ground[index] += size
            }
            html += "<path class=\"\(item.tone)\" d=\"\(path)\"/>"
        }
        return html
    }

    private func boundLine(_ top: Double) -> HTML {
        guard let bound, top > 0 else { return .empty }
        let y = Self.short(Double(Self.height) - bound.value / top * Double(Self.height))
        return "<path class=\"bound\" d=\"M0 \(y)H\(Self.width)\"/>"
    }

    private var table: HTML {
        let columns = [TableView.Column("When")] + series.map { TableView.Column("\($0.name), \(unit)", .number) }
        var view = TableView(title, columns)
        view.isCaptionHidden = true
        return view.html(
            labels.indices.reversed().map { index in
                [labels[index]] + series.map { gaps.contains(index) ? "–" : HTML(format($0.values[index])) }
            })
    }

    /// With one digit behind the point.
    private static func short(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(abs(tenths) % 10)"
    }

    /// The next of 1, 2, 5, 10, 20, 50 …
    static func roundedUp(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        var step = 1.0
        while step < value {
            for factor in [2, 2.5, 2] {
                step *= factor
                if step >= value { return step }
            }
        }
        return step
    }
}
