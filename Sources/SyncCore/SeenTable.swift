/// What this run has made of each key that was known before it; one byte a key.
package struct SeenTable: Sendable {
    package enum Mark: UInt8, Sendable {
        case unseen = 0
        case unchanged, planned, held, skipped, deferred, invalid, duplicate
    }

    private var marks: [UInt8]

    package init(count: Int) { marks = [UInt8](repeating: 0, count: count) }

    package subscript(index: Int32) -> Mark {
        @inline(__always) get { Mark(rawValue: marks[Int(index)]) ?? .unseen }
        @inline(__always) set { marks[Int(index)] = newValue.rawValue }
    }

    /// How many known keys no row had.
    package var unseenCount: Int { marks.reduce(0) { $0 + ($1 == 0 ? 1 : 0) } }

    /// The places of the known keys that no row had, in order.
    package func forEachUnseen(_ body: (Int) throws -> Void) rethrows {
        for (index, mark) in marks.enumerated() where mark == 0 { try body(index) }
    }
}
