/// Writes one HTML page. All text is escaped here and nowhere else.
struct PageWriter {
    enum Cell {
        case text(String)
        case number(Int)
        case link(String, String)
    }

    private var body = ""
    private let title: String

    init(title: String) {
        self.title = title
        body += "<h1>\(Self.escaped(title))</h1>\n"
    }

    mutating func paragraph(_ text: String) { body += "<p>\(Self.escaped(text))</p>\n" }

    mutating func navigation(_ links: [(String, String)]) {
        let list = links.map { "<li><a href=\"\(Self.escaped($0.1))\">\(Self.escaped($0.0))</a></li>" }
        body += "<nav aria-label=\"Pages\"><ul>\(list.joined())</ul></nav>\n"
    }

    /// A table with its title as caption; the first cell of a row heads it. Wide tables scroll, by keyboard too.
    mutating func table(_ title: String, head: [String], rows: [[Cell]]) {
        guard !rows.isEmpty else {
            body += "<h2>\(Self.escaped(title))</h2>\n<p>Nothing yet.</p>\n"
            return
        }
        let name = Self.escaped(title)
        body += "<div class=\"scroll\" role=\"region\" aria-label=\"\(name)\" tabindex=\"0\">\n"
        body += "<table><caption>\(name)</caption>\n<thead><tr>"
        body += head.map { "<th scope=\"col\">\(Self.escaped($0))</th>" }.joined()
        body += "</tr></thead>\n<tbody>\n"
        for row in rows {
            body += "<tr>"
            for (index, cell) in row.enumerated() { body += Self.cell(cell, isHead: index == 0) }
            body += "</tr>\n"
        }
        body += "</tbody></table></div>\n"
    }

    var finished: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(Self.escaped(title))</title>
        <link rel="stylesheet" href="/style.css">
        </head>
        <body>
        <main>
        \(body)</main>
        </body>
        </html>

        """
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    private static func cell(_ cell: Cell, isHead: Bool) -> String {
        let (open, close) = isHead ? ("<th scope=\"row\">", "</th>") : ("<td>", "</td>")
        switch cell {
        case .text(let text): return open + escaped(text) + close
        case .number(let number): return isHead ? "\(open)\(number)\(close)" : "<td class=\"number\">\(number)</td>"
        case .link(let text, let address):
            return "\(open)<a href=\"\(escaped(address))\">\(escaped(text))</a>\(close)"
        }
    }
}
