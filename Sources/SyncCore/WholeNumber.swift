internal import Records

/// Reads whole numbers as people and databases write them: `3`, `+3`, `3.00`, `3e2`.
enum WholeNumber {
    /// A numeric column of a database has no more digits.
    private static let digitsMax = 200_000

    /// Nil for what is no number, has a fraction that is not zero, or does not fit into 64 bits.
    static func read(_ text: String) -> Int64? {
        if let number = Int64(text) { return number }
        guard text.utf8.count <= digitsMax else { return nil }
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard parts.count <= 2, let exponent = parts.count == 2 ? Int32(parts[1]) : 0 else { return nil }
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let isSigned = isNegative || text.utf8.first == UInt8(ascii: "+")
        let halves = parts[0].dropFirst(isSigned ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else { return nil }
        var digits = Array(halves.joined().utf8.drop { $0 == UInt8(ascii: "0") })
        guard !digits.isEmpty else { return 0 }
        var places = Int(exponent) - (halves.count == 2 ? halves[1].utf8.count : 0)
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            places += 1
        }
        guard (0...18).contains(places) else { return nil }
        digits += repeatElement(UInt8(ascii: "0"), count: places)
        return Int64((isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self))
    }

    /// The number that a cell holds, or nil.
    static func read(_ cell: Cell) -> Int64? {
        switch cell.kind {
        case .integer: cell.integer
        case .double: Int64(exactly: cell.double)
        case .decimal, .text: read(Value(cell).text.trimmingBlanks)
        default: nil
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}
