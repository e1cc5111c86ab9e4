/// Zeroed words that one owner writes anywhere in. They live as long as the object.
package protocol MarkWords: AnyObject {
    var words: UnsafeMutableBufferPointer<UInt64> { get }
}

/// What this run has made of each key that was known before it; three bits a key. A copy is the same table.
@safe
package struct SeenTable {
    package enum Mark: UInt8, Sendable {
        case unseen = 0
        case unchanged, planned, held, skipped, deferred, invalid, duplicate
    }

    private static let marksInWord = 21

    private let count: Int
    private let owner: any MarkWords
    /// Twenty-one marks in each word, the earliest key in the lowest bits.
    private let words: UnsafeMutableBufferPointer<UInt64>

    package init(count: Int) { self.init(count: count, in: WordsInMemory(count: Self.wordCount(of: count))) }

    /// - Parameter marks: at least `wordCount(of: count)` words, all zero.
    package init(count: Int, in marks: any MarkWords) {
        self.count = count
        owner = marks
        unsafe words = marks.words
        precondition(unsafe words.count >= Self.wordCount(of: count))
    }

    /// How many words the marks of `count` keys take.
    package static func wordCount(of count: Int) -> Int { (count + marksInWord - 1) / marksInWord }

    package subscript(index: Int32) -> Mark {
        @inline(__always) get {
            let (word, shift) = place(of: index)
            return unsafe Mark(rawValue: UInt8(truncatingIfNeeded: words[word] >> shift & 0b111)) ?? .unseen
        }
        @inline(__always) nonmutating set {
            let (word, shift) = place(of: index)
            unsafe words[word] = words[word] & ~(0b111 << shift) | UInt64(newValue.rawValue) << shift
        }
    }

    @inline(__always)
    private func place(of index: Int32) -> (word: Int, shift: UInt64) {
        precondition(Int(index) >= 0 && Int(index) < count)
        let (word, place) = UInt32(bitPattern: index).quotientAndRemainder(dividingBy: UInt32(Self.marksInWord))
        return (Int(word), UInt64(place * 3))
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

@safe
private final class WordsInMemory: MarkWords {
    let words: UnsafeMutableBufferPointer<UInt64>

    init(count: Int) {
        unsafe words = .allocate(capacity: count)
        unsafe words.initialize(repeating: 0)
    }

    deinit { unsafe words.deallocate() }
}
