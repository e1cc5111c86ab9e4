/// Planned rows that could make no new record, by their places in the plan, each with why: eight bytes a row, for a first
/// run may be of millions of such.
package struct LackingRows {
    private var rows: [(sequence: UInt32, reason: UInt32)] = []

    package init() {}

    package var count: Int { rows.count }

    /// Sequences only rise.
    package mutating func append(_ sequence: Int, reason: Int) {
        rows.append((sequence: UInt32(clamping: sequence), reason: UInt32(clamping: reason)))
    }

    /// The place of the row's reason; nil where the row lacks nothing.
    package func reason(of sequence: Int) -> Int? {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        guard low < rows.count, rows[low].sequence == sequence else { return nil }
        return Int(rows[low].reason)
    }
}
