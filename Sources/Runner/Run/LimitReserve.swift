/// How many rows a limited run maps. A limit counts rows that are sent, and some may be struck out after the scan; but where
/// the destination is asked nothing, a mapped row that lacks nothing is struck out for one reason only: another row has its
/// key. So twice the limit and `rowsBesides` more such rows are mapped, and those after them stand in the plan with their
/// keys alone, some sixty bytes each: they are for a later run, unless they share a key, and then they are named.
///
/// Where so many of the mapped rows share keys that fewer than the limit are left, the dataset is scanned again and every
/// row is mapped (`isShort`). What is sent and every count is the same in all cases.
package struct LimitReserve: Sendable {
    package static let rowsBesides = 10_000

    private let limit: Int
    private let rowsMax: Int
    /// Rows that were mapped and lack nothing.
    private var mapped = 0
    private var struck = 0
    private var hasLeftOut = false

    /// - Parameter limit: nil where every row is mapped.
    package init(limit: Int?) {
        self.limit = limit ?? .max
        let (twice, isTooMuch) = (limit ?? .max).multipliedReportingOverflow(by: 2)
        rowsMax = isTooMuch || twice > .max - Self.rowsBesides ? .max : twice + Self.rowsBesides
    }

    /// Whether the next row need not be mapped.
    package var isUsedUp: Bool { mapped >= rowsMax }

    package var isShort: Bool { hasLeftOut && mapped - struck < limit }

    package mutating func noteMapped() { mapped += 1 }
    package mutating func noteLeftOut() { hasLeftOut = true }
    package mutating func noteStruck(_ count: Int) { struck += count }
}
