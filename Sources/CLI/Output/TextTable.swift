/// Columns of text that line up; the last one is not padded.
struct TextTable {
    private var rows: [[String]] = []

    init(_ header: [String]) { rows.append(header) }

    mutating func add(_ row: [String]) { rows.append(row) }

    var isEmpty: Bool { rows.count <= 1 }

    /// - Parameter widthMax: cells longer than this are cut, with an ellipsis.
    func lines(widthMax: Int = 60) -> [String] {
        let cells = rows.map { row in row.map { Self.cut($0, to: widthMax) } }
        let columns = cells.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            cells.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        return cells.map { row in
            row.enumerated().map { column, text in
                column == row.count - 1 ? text : text + String(repeating: " ", count: widths[column] - text.count)
            }.joined(separator: "  ")
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        let line = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
        return line.count <= width ? line : line.prefix(width - 1) + "…"
    }
}
