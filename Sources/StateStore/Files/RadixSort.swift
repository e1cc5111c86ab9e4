package import Records

/// A fixed-size record that is ordered by a hash.
protocol HashKeyed: BitwiseCopyable {
    var key: Hash128 { get }
}

extension Hash128: HashKeyed {
    package var key: Hash128 { self }
}

/// A stable sort by hash: a few passes over the hash's first bits, least significant digit first, then the few records
/// whose first bits are equal are put in order. For records that are spread evenly it is several times a comparison sort.
enum RadixSort {
    private static let digitBits: UInt64 = 12
    private static let digits = 1 << 12
    private static let insertionMax = 16
    /// Of no more than so many, few have their first 24 bits in common.
    private static let twoPassesMax = 64 << 10

    /// Sorts `count` records, whose first `level` bytes are equal, and returns where the sorted ones are: at `records`
    /// or at `scratch`, which has room for as many.
    static func sort<Element: HashKeyed>(
        _ records: UnsafeMutablePointer<Element>, scratch: UnsafeMutablePointer<Element>, count: Int, level: Int = 0
    ) -> UnsafeMutablePointer<Element> {
        let passes = count <= twoPassesMax ? 2 : 3
        let lowest = 64 - 8 * level - passes * Int(digitBits)
        guard lowest >= 0 else {
            // Hardly a hash: the first half is nearly spent.
            unsafe sortByBytes(records, scratch: scratch, count: count)
            return unsafe records
        }
        var (source, target) = unsafe (records, scratch)
        for pass in 0..<passes {
            let shift = UInt64(lowest) + UInt64(pass) * digitBits
            unsafe Self.pass(source, target, count, shift: shift)
            unsafe swap(&source, &target)
        }
        unsafe sortEqualTops(source, scratch: target, count: count, lowest: UInt64(lowest))
        return unsafe source
    }

    /// Puts `count` records at `target` in the order of one byte of their hash, and returns where each of its 256
    /// values begins there, and after them `count`.
    static func part<Element: HashKeyed>(
        _ records: UnsafeMutablePointer<Element>, into target: UnsafeMutablePointer<Element>, count: Int, level: Int
    ) -> [Int32] {
        let isHigh = level < 8
        let shift = UInt64(56 - level % 8 * 8)
        var starts = [Int32](repeating: 0, count: 257)
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 256) { places in
            unsafe places.initialize(repeating: 0)
            for index in 0..<count { unsafe places[byte(records[index].key, isHigh, shift)] &+= 1 }
            var sum: Int32 = 0
            for value in 0..<256 {
                let size = unsafe places[value]
                unsafe places[value] = sum
                starts[value] = sum
                sum &+= size
            }
            starts[256] = sum
            for index in 0..<count {
                let record = unsafe records[index]
                let value = byte(record.key, isHigh, shift)
                let place = unsafe places[value]
                unsafe places[value] = place &+ 1
                unsafe target[Int(place)] = record
            }
        }
        return starts
    }

    @inline(__always)
    private static func byte(_ key: Hash128, _ isHigh: Bool, _ shift: UInt64) -> Int {
        Int(truncatingIfNeeded: (isHigh ? key.high : key.low) &>> shift & 0xFF)
    }

    private static func pass<Element: HashKeyed>(
        _ source: UnsafeMutablePointer<Element>, _ target: UnsafeMutablePointer<Element>, _ count: Int, shift: UInt64
    ) {
        let mask = UInt64(digits - 1)
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: digits) { places in
            unsafe places.initialize(repeating: 0)
            for index in 0..<count {
                unsafe places[Int(truncatingIfNeeded: source[index].key.high &>> shift & mask)] &+= 1
            }
            var sum: Int32 = 0
            for digit in 0..<digits {
                let size = unsafe places[digit]
                unsafe places[digit] = sum
                sum &+= size
            }
            for index in 0..<count {
                let record = unsafe source[index]
                let digit = Int(truncatingIfNeeded: record.key.high &>> shift & mask)
                let place = unsafe places[digit]
                unsafe places[digit] = place &+ 1
                unsafe target[Int(place)] = record
            }
        }
    }

    private static func sortEqualTops<Element: HashKeyed>(
        _ records: UnsafeMutablePointer<Element>, scratch: UnsafeMutablePointer<Element>, count: Int, lowest: UInt64
    ) {
        var start = 0
        while start < count {
            let top = unsafe records[start].key.high &>> lowest
            var end = start + 1
            while unsafe end < count && records[end].key.high &>> lowest == top { end += 1 }
            if end - start > insertionMax {
                unsafe sortByBytes(records + start, scratch: scratch + start, count: end - start)
            } else if end - start > 1 {
                unsafe sortByInsertion(records + start, count: end - start)
            }
            start = end
        }
    }

    /// Sixteen passes over all 128 bits, for many that have their first bits in common (hashes that are no hashes).
    private static func sortByBytes<Element: HashKeyed>(
        _ records: UnsafeMutablePointer<Element>, scratch: UnsafeMutablePointer<Element>, count: Int
    ) {
        if count <= insertionMax { return unsafe sortByInsertion(records, count: count) }
        for level in (0..<MemoryLayout<Hash128>.size).reversed() {
            _ = unsafe part(records, into: scratch, count: count, level: level)
            unsafe records.update(from: scratch, count: count)
        }
    }

    private static func sortByInsertion<Element: HashKeyed>(_ records: UnsafeMutablePointer<Element>, count: Int) {
        for index in stride(from: 1, to: count, by: 1) {
            let record = unsafe records[index]
            var hole = index
            while unsafe hole > 0 && record.key < records[hole - 1].key {
                unsafe records[hole] = unsafe records[hole - 1]
                hole -= 1
            }
            unsafe records[hole] = record
        }
    }
}
