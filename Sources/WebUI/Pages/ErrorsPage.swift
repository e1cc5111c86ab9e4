/// Every code with what it means and what to do: docs/errors.md, as the program carries it.
struct ErrorsPage: Sendable {
    struct Row: Sendable, Hashable, Encodable {
        var code: String
        var meaning: String
        var action: String
    }

    let sought: String
    /// With what to do; without a search or a code all of them, without it.
    let rows: [Row]
    let isWhole: Bool

    /// Rows of a search that are shown.
    static let foundMax = 60

    init(_ query: Fields) {
        sought = query["q"] ?? ""
        isWhole = query["q"] == nil && query["code"] == nil
        let (wanted, code) = (sought.lowercased(), query["code"])
        guard !isWhole else {
            rows = Self.all
            return
        }
        rows = Array(
            Self.all.filter { row in
                code.map { row.code == $0 } ?? (row.code.contains(wanted) || row.meaning.lowercased().contains(wanted))
            }.prefix(Self.foundMax))
    }

    private static let all = rows(Assets.errors)

    /// The rows of the page's tables whose first cell is a code.
    static func rows(_ text: String) -> [Row] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("| `") else { return nil }
            let cells = line.replacing("\\|", with: "\u{1}").split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.replacing("\u{1}", with: "|").trimming() }
            guard cells.count >= 4 else { return nil }
            return Row(code: cells[1].replacing("`", with: ""), meaning: cells[2], action: cells[3])
        }
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Error codes", visitor: request.visitor)
        layout.lead =
            "<p class=\"lead\">Every error and every reason has a code. Codes stay the same from version to version.</p>"
        let search: HTML = """
            <form class="filter" method="get" action="\(Place.errors.path)" role="search">\(FormView.input("Code or words", name: "q", value: sought, type: "search"))<button>Find</button></form>
            """
        let items = rows.html { row in
            let here =
                isWhole
                ? nil : PageHint.general(row.code).map { "<span class=\"do\">In these pages: \($0)</span>" as HTML }
            let action: HTML? = isWhole ? nil : "<span class=\"do\">\(Self.inline(row.action))</span>\(here)"
            // Hundreds of them on one page: a link from the page to itself needs no address.
            let link: HTML = "<a href=\"?code=\(row.code)\">\(row.code)</a>"
            let meaning = isWhole ? Self.firstSentence(row.meaning) : row.meaning
            return "<div><dt>\(link)</dt><dd>\(Self.inline(meaning))\(action)</dd></div>"
        }
        guard !rows.isEmpty else {
            return layout.page(
                "\(search)<p class=\"empty\">No code is like that. <a href=\"\(Place.errors.path)\">All codes</a></p>")
        }
        let all: HTML? = isWhole ? nil : "<p class=\"more\"><a href=\"\(Place.errors.path)\">All codes</a></p>"
        return layout.page("\(search)<dl class=\"codes\">\(items)</dl>\(all)")
    }

    var body: [String: [Row]] { ["codes": rows] }

    /// Enough to know which one is meant, where all of them are on one page; the rest is behind its link.
    private static func firstSentence(_ text: String) -> String {
        text.firstRange(of: ". ").map { String(text[..<$0.lowerBound]) + "." } ?? text
    }

    /// Code in backticks, and the texts of links.
    static func inline(_ text: String) -> HTML {
        var html = HTML.empty
        for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            html += index % 2 == 1 ? "<code>\(String(part))</code>" : HTML(plain(String(part)))
        }
        return html
    }

    private static func plain(_ text: String) -> String {
        text.replacing(/\[([^\]]*)\]\([^)]*\)/) { String($0.output.1) }
    }
}

extension StringProtocol {
    fileprivate func trimming() -> String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
