internal import Records

/// An external sort by hash, stable: records are gathered in memory, sorted and spilled into a nameless file whenever
/// `recordsMax` are together, and merged at the end. Memory: twice `recordsMax` records.
@safe
struct SortedRuns<Element: HashKeyed>: ~Copyable {
    /// A stretch of sorted records: in the file, or (without a file) the last one in memory.
    private struct Run {
        var offset: Int
        var count: Int
    }

    private let folder: String
    private let recordsMax: Int
    private var gathered: UnsafeMutablePointer<Element>
    private var scratch: UnsafeMutablePointer<Element>
    private var count = 0
    private var spilled: [Run] = []
    private var file: StateFile?

    init(folder: String, recordsMax: Int) {
        self.folder = folder
        self.recordsMax = recordsMax
        unsafe gathered = .allocate(capacity: recordsMax)
        unsafe scratch = .allocate(capacity: recordsMax)
    }

    deinit {
        unsafe gathered.deallocate()
        unsafe scratch.deallocate()
    }

    var isEmpty: Bool { count == 0 && spilled.isEmpty }
    var total: Int { count + spilled.count * recordsMax }

    mutating func add(_ record: Element) throws {
        if count == recordsMax { try spill() }
        unsafe gathered[count] = record
        count += 1
    }

    /// Calls `body` with every record in the order of the hashes, equal ones in the order they were added; then the
    /// sort is empty again.
    mutating func merge(_ body: (Element) throws -> Void) throws {
        sort()
        if spilled.isEmpty {
            for index in 0..<count { try body(unsafe gathered[index]) }
        } else {
            try mergeRuns(body)
        }
        count = 0
        spilled = []
        file = nil
    }

    private mutating func sort() {
        unsafe RadixSort.sort(gathered, scratch: scratch, count: count)
        unsafe swap(&gathered, &scratch)
    }

    private mutating func spill() throws {
        sort()
        let file = try file ?? StateFile.temporary(in: folder)
        self.file = file
        let size = recordsMax * MemoryLayout<Element>.stride
        let offset = spilled.count * size
        try unsafe file.write(UnsafeRawBufferPointer(start: gathered, count: size), at: offset)
        spilled.append(Run(offset: offset, count: recordsMax))
        count = 0
    }

    /// `scratch` is cut into a reading window for each spilled run.
    private mutating func mergeRuns(_ body: (Element) throws -> Void) throws {
        guard let file else { return }
        if spilled.count > recordsMax {
            unsafe scratch.deallocate()
            unsafe scratch = .allocate(capacity: spilled.count)
        }
        let window = max(recordsMax / spilled.count, 1)
        var cursors = unsafe [Cursor]()
        for (number, run) in spilled.enumerated() {
            var cursor = unsafe Cursor(window: scratch + number * window, windowMax: window)
            unsafe cursor.offset = run.offset
            unsafe cursor.left = run.count
            try unsafe cursor.fill(from: file)
            unsafe cursors.append(cursor)
        }
        var last = unsafe Cursor(window: gathered, windowMax: 0)
        unsafe last.end = count
        unsafe cursors.append(last)
        try unsafe Self.drain(&cursors, file, body)
    }

    /// A tournament of the runs: each inner node keeps the run that lost there, so that a record that is taken out
    /// costs one comparison a level. An earlier run wins over a later one of the same key.
    private static func drain(_ cursors: inout [Cursor], _ file: StateFile, _ body: (Element) throws -> Void) throws {
        let count = unsafe cursors.count
        try unsafe cursors.withUnsafeMutableBufferPointer { cursors in
            try unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { losers in
                unsafe losers.initialize(repeating: -1)
                var winner = 0
                for run in 0..<count { winner = unsafe enter(run, losers, cursors) ?? winner }
                while unsafe !cursors[winner].hasEnded {
                    try body(unsafe cursors[winner].window[cursors[winner].next])
                    try unsafe cursors[winner].advance(file)
                    winner = unsafe replay(winner, losers, cursors)
                }
            }
        }
    }

    /// Lets a run play up to the first node that nobody has reached yet, and wait there. The last to enter reaches the
    /// top: then the winner is returned.
    private static func enter(
        _ run: Int, _ losers: UnsafeMutableBufferPointer<Int>, _ cursors: UnsafeMutableBufferPointer<Cursor>
    ) -> Int? {
        var winner = run
        var node = (run + losers.count) / 2
        while node > 0 {
            let other = unsafe losers[node]
            if other < 0 {
                unsafe losers[node] = winner
                return nil
            }
            if unsafe precedes(other, winner, cursors) {
                unsafe losers[node] = winner
                winner = other
            }
            node /= 2
        }
        return winner
    }

    @inline(__always)
    private static func replay(
        _ run: Int, _ losers: UnsafeMutableBufferPointer<Int>, _ cursors: UnsafeMutableBufferPointer<Cursor>
    ) -> Int {
        var winner = run
        var node = (run + losers.count) / 2
        while node > 0 {
            let other = unsafe losers[node]
            if unsafe precedes(other, winner, cursors) {
                unsafe losers[node] = winner
                winner = other
            }
            node /= 2
        }
        return winner
    }

    @inline(__always)
    private static func precedes(_ one: Int, _ other: Int, _ cursors: UnsafeMutableBufferPointer<Cursor>) -> Bool {
        let (high, otherHigh) = unsafe (cursors[one].high, cursors[other].high)
        if high != otherHigh { return high < otherHigh }
        return unsafe precedesSlowly(one, other, cursors)
    }

    @inline(never)
    private static func precedesSlowly(
        _ one: Int, _ other: Int, _ cursors: UnsafeMutableBufferPointer<Cursor>
    ) -> Bool {
        if unsafe cursors[one].hasEnded || cursors[other].hasEnded { return unsafe !cursors[one].hasEnded }
        let (key, otherKey) = unsafe (cursors[one].key, cursors[other].key)
        return key == otherKey ? one < other : key < otherKey
    }

    /// The place in one run, and the window of it that is in memory.
    @unsafe
    private struct Cursor {
        let window: UnsafeMutablePointer<Element>
        let windowMax: Int
        /// The first half of the next record's key; the greatest there is once the run has ended.
        var high = UInt64.max
        var next = 0
        var end = 0 {
            didSet { unsafe note() }
        }
        var offset = 0
        var left = 0

        init(window: UnsafeMutablePointer<Element>, windowMax: Int) {
            unsafe self.window = window
            unsafe self.windowMax = windowMax
        }

        var hasEnded: Bool { unsafe next == end }
        var key: Hash128 { unsafe window[next].key }

        private mutating func note() { unsafe high = unsafe hasEnded ? .max : window[next].key.high }

        @inline(__always)
        mutating func advance(_ file: StateFile) throws {
            unsafe next += 1
            if unsafe hasEnded { return try unsafe fill(from: file) }
            unsafe high = unsafe window[next].key.high
        }

        /// Reads on, if there is more.
        mutating func fill(from file: StateFile) throws {
            let wanted = unsafe min(left, windowMax)
            if wanted > 0 {
                let size = wanted * MemoryLayout<Element>.stride
                let buffer = unsafe UnsafeMutableRawBufferPointer(start: window, count: size)
                guard try unsafe file.read(into: buffer, at: offset) == size else {
                    throw StateError.corrupt(file.path, "a sorted run ends too early")
                }
                unsafe offset += size
                unsafe left -= wanted
            }
            unsafe next = 0
            unsafe end = wanted
        }
    }
}
