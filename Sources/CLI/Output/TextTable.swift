/// Columns of text that line up; the last one is not padded.
struct TextTable {
    /// A last column that would have less room begins on a line of its own.
    private static let lastWidthMin = 20

    private var rows: [[String]] = []

    init(_ header: [String]) { rows.append(header) }

    mutating func add(_ row: [String]) { rows.append(row) }

    var isEmpty: Bool { rows.count <= 1 }

    /// - Parameter widthMax: cells longer than this are cut, with an ellipsis.
    func lines(widthMax: Int = 60) -> [String] {
        let cells = rows.map { row in row.map { Self.cut($0, to: widthMax) } }
        let widths = Self.widths(cells)
        return cells.map { Self.joined($0, widths) }
    }

    /// Nothing is cut: where a line would be wider than `width`, its last cell goes on in the lines below.
    func lines(fitting width: Int?) -> [String] {
        let cells = rows.map { row in row.map { Self.cut($0, to: .max) } }
        let widths = Self.widths(cells)
        guard let width, let columns = cells.first?.count, columns > 1 else {
            return cells.map { Self.joined($0, widths) }
        }
        let start = widths.dropLast().reduce(0) { $0 + $1 + 2 }
        let hangs = width - start < Self.lastWidthMin
        let indent = hangs ? 6 : start
        return cells.enumerated().flatMap { number, row -> [String] in
            let line = Self.joined(row, widths)
            // The header does not say what its last column is where that stands below.
            if line.count <= width && !(hangs && number == 0) { return [line] }
            let margin = String(repeating: " ", count: indent)
            var rest = TextWrap.lines(row.last ?? "", width: width - indent).map { margin + $0 }
            let first = Self.joined(Array(row.dropLast()), widths)
            if hangs || rest.isEmpty { return number == 0 ? [first] : [first] + rest }
            rest[0] = first + String(repeating: " ", count: start - first.count) + rest[0].dropFirst(start)
            return rest
        }
    }

    private static func widths(_ cells: [[String]]) -> [Int] {
        let columns = cells.map(\.count).max() ?? 0
        return (0..<columns).map { column in cells.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    }

    private static func joined(_ row: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, text) in row.enumerated() {
            line += text
            if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - text.count + 2) }
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func cut(_ text: String, to width: Int) -> String {
        let line = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
        return line.count <= width ? line : line.prefix(width - 1) + "…"
    }
}

/// Text in lines of at most so many characters, cut at blanks; a longer word has a line of its own.
enum TextWrap {
    static func lines(_ text: String, width: Int?) -> [String] {
        guard let width else { return text.isEmpty ? [] : [text] }
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
