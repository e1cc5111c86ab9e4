internal import Runner

/// A table with its caption; wide ones scroll in their own region, by keyboard too.
struct TableView {
    enum Kind: String {
        case text = ""
        case number = "n"
    }

    struct Column {
        var name: String
        var kind = Kind.text
        /// What a number that heads a card counts, where it is 1.
        var one: String?

        init(_ name: String, _ kind: Kind = .text, one: String? = nil) {
            self.name = name
            self.kind = kind
            self.one = one
        }

        /// What stands beside a cell where each row is a card: `Rows`, but `Row` beside a 1.
        func label(beside cell: HTML) -> String {
            guard let one, cell.source.replacing(/<[^>]*>/, with: "") == "1" else { return name }
            return one
        }
    }

    var caption: String
    /// Whether the heading before the table says the same already.
    var isCaptionHidden = false
    var columns: [Column]
    /// On a narrow screen each row becomes a card; else the table scrolls.
    var isStacked = false
    /// What is said where there are no rows.
    var empty: HTML = "Nothing yet."

    init(_ caption: String, _ columns: [Column]) {
        self.caption = caption
        self.columns = columns
    }

    /// - Parameter rows: the cells of each row; the first of them heads it.
    func html(_ rows: [[HTML]]) -> HTML {
        guard !rows.isEmpty else { return "<p class=\"empty\">\(empty)</p>" }
        let head = columns.html { column in
            let kind: HTML = column.kind == .number ? " class=\"n\"" : ""
            return "<th scope=\"col\"\(kind)>\(column.name)</th>"
        }
        let body = rows.html { row in "<tr>\(cells(row))</tr>\n" }
        let captionClass: HTML = isCaptionHidden ? " class=\"hidden\"" : ""
        let table: HTML = """
            <table><caption\(captionClass)>\(caption)</caption>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body)</tbody></table>
            """
        if isStacked { return "<div class=\"stack\">\(table)</div>" }
        return "<div class=\"scroll\" role=\"region\" aria-label=\"\(caption)\" tabindex=\"0\">\(table)</div>"
    }

    private func cells(_ row: [HTML]) -> HTML {
        var html = HTML.empty
        for (index, cell) in row.enumerated() {
            let column = index < columns.count ? columns[index] : Column("")
            let kind: HTML = column.kind == .number ? " class=\"n\"" : ""
            if index == 0 {
                let label: HTML = isStacked ? " data-label=\"\(column.label(beside: cell))\"" : .empty
                html += "<th scope=\"row\"\(kind)\(label)>\(cell)</th>"
            } else {
                let content: HTML = isStacked ? "<div>\(cell)</div>" : cell
                html += "<td\(kind) data-label=\"\(column.label(beside: cell))\">\(content)</td>"
            }
        }
        return html
    }
}

/// Numbers of pages.
enum NumberView {
    static func grouped(_ number: Int) -> HTML { HTML(Wording.grouped(number)) }

    /// A number that leads to the rows it counts; a nought leads nowhere.
    static func link(_ number: Int, _ target: String) -> HTML {
        number == 0 ? grouped(number) : "<a href=\"\(target)\">\(Wording.grouped(number))</a>"
    }

    /// A nought is quiet, so that the others stand out.
    static func quiet(_ number: Int) -> HTML {
        number == 0 ? "<span class=\"nought\">0</span>" : grouped(number)
    }
}
