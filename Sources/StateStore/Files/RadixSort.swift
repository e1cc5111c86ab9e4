package import Records

/// A fixed-size record that is ordered by a hash.
protocol HashKeyed: BitwiseCopyable {
    var key: Hash128 { get }
}

extension Hash128: HashKeyed {
    package var key: Hash128 { self }
}

/// A stable sort by hash: three passes over the top 33 bits, least significant digit first, then the few records whose
/// top bits are equal are put in order. For records that are spread evenly it is several times a comparison sort.
enum RadixSort {
    private static let digitBits: UInt64 = 11
    private static let digits = 1 << 11
    private static let lowestBit: UInt64 = 31
    private static let insertionMax = 16

    /// Sorts `count` records at `records`; the sorted ones end up at `scratch`, which has room for as many.
    static func sort<Element: HashKeyed>(
        _ records: UnsafeMutablePointer<Element>, scratch: UnsafeMutablePointer<Element>, count: Int
    ) {
        unsafe pass(records, scratch, count, shift: lowestBit)
        unsafe pass(scratch, records, count, shift: lowestBit + digitBits)
        unsafe pass(records, scratch, count, shift: lowestBit + 2 * digitBits)
        var start = 0
        while start < count {
            let top = unsafe scratch[start].key.high >> lowestBit
            var end = start + 1
            while unsafe end < count && scratch[end].key.high >> lowestBit == top { end += 1 }
            if end - start > 1 {
                unsafe sortEqualTops(scratch + start, scratch: records + start, count: end - start)
            }
            start = end
        }
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

    /// Few: by insertion. Many (hashes that are no hashes): sixteen passes over all 128 bits.
    private static func sortEqualTops<Element: HashKeyed>(
        _ records: UnsafeMutablePointer<Element>, scratch: UnsafeMutablePointer<Element>, count: Int
    ) {
        if count <= insertionMax { return unsafe sortByInsertion(records, count: count) }
        for digit in 0..<16 {
            let shift = UInt64(digit % 8 * 8)
            var starts = [Int](repeating: 0, count: 257)
            for index in 0..<count { unsafe starts[byte(records[index].key, digit, shift) + 1] += 1 }
            for value in 1..<257 { starts[value] += starts[value - 1] }
            for index in 0..<count {
                let value = unsafe byte(records[index].key, digit, shift)
                unsafe scratch[starts[value]] = unsafe records[index]
                starts[value] += 1
            }
            unsafe records.update(from: scratch, count: count)
        }
    }

    private static func byte(_ key: Hash128, _ digit: Int, _ shift: UInt64) -> Int {
        Int((digit < 8 ? key.low : key.high) >> shift & 0xFF)
    }

    private static func sortByInsertion<Element: HashKeyed>(_ records: UnsafeMutablePointer<Element>, count: Int) {
        for index in 1..<count {
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
