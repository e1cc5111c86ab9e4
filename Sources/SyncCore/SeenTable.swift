/// What this run has made of each key that was known before it; half a byte a key.
package struct SeenTable: Sendable {
    package enum Mark: UInt8, Sendable {
        case unseen = 0
        case unchanged, planned, held, skipped, deferred, invalid, duplicate
    }

    private let count: Int
    /// Two marks in each byte, the earlier key in the lower half.
    private var marks: [UInt8]

    package init(count: Int) {
        self.count = count
        marks = [UInt8](repeating: 0, count: (count + 1) / 2)
    }

    package subscript(index: Int32) -> Mark {
        @inline(__always) get {
            let shift = UInt8(truncatingIfNeeded: index & 1) << 2
            return Mark(rawValue: marks[Int(index) >> 1] >> shift & 0x0F) ?? .unseen
        }
        @inline(__always) set {
            let shift = UInt8(truncatingIfNeeded: index & 1) << 2
            let place = Int(index) >> 1
            marks[place] = marks[place] & ~(0x0F << shift) | newValue.rawValue << shift
        }
    }

    /// How many known keys no row had.
    package var unseenCount: Int {
        var unseen = 0
        forEachUnseen { _ in unseen += 1 }
        return unseen
    }

    /// The places of the known keys that no row had, in order.
    package func forEachUnseen(_ body: (Int) throws -> Void) rethrows {
        for index in 0..<count where self[Int32(index)] == .unseen { try body(index) }
    }
}
