/// What this run has made of each key that was known before it; three bits a key.
package struct SeenTable: Sendable {
    package enum Mark: UInt8, Sendable {
        case unseen = 0
        case unchanged, planned, held, skipped, deferred, invalid, duplicate
    }

    private static let marksInWord = 21

    private let count: Int
    /// Twenty-one marks in each word, the earliest key in the lowest bits.
    private var words: [UInt64]

    package init(count: Int) {
        self.count = count
        words = [UInt64](repeating: 0, count: (count + Self.marksInWord - 1) / Self.marksInWord)
    }

    package subscript(index: Int32) -> Mark {
        @inline(__always) get {
            let (word, place) = UInt32(bitPattern: index).quotientAndRemainder(dividingBy: UInt32(Self.marksInWord))
            let bits = UInt8(truncatingIfNeeded: words[Int(word)] >> UInt64(place * 3) & 0b111)
            return Mark(rawValue: bits) ?? .unseen
        }
        @inline(__always) set {
            let (word, place) = UInt32(bitPattern: index).quotientAndRemainder(dividingBy: UInt32(Self.marksInWord))
            let shift = UInt64(place * 3)
            words[Int(word)] = words[Int(word)] & ~(0b111 << shift) | UInt64(newValue.rawValue) << shift
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
