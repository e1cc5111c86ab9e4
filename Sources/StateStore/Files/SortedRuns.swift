internal import Records

/// An external sort by hash, stable: records are gathered in memory, put in order of one byte of their hash and spilled
/// into a nameless file whenever `recordsMax` are together; at the end the records of a few values of that byte at a
/// time are read from all the spilled runs and sorted. Memory: twice `recordsMax` records; as much again, two or three
/// times, where more than that have one hash.
@safe
struct SortedRuns<Element: HashKeyed>: ~Copyable {
    /// A stretch of records in the file, in the order of the byte, and where the records of each of its values begin.
    private struct Run {
        var offset: Int
        var starts: [Int32]
    }

    /// What is sorted in one go stays in the processor's cache.
    private static var groupBytesWanted: Int { 512 << 10 }

    private let folder: String
    private let recordsMax: Int
    /// Which byte of the hash, from the first, the runs are in the order of.
    private let level: Int
    private var gathered: UnsafeMutablePointer<Element>
    private var scratch: UnsafeMutablePointer<Element>
    private var count = 0
    private var spilled: [Run] = []
    private var spilledCount = 0
    private var file: StateFile?

    init(folder: String, recordsMax: Int) { self.init(folder: folder, recordsMax: recordsMax, level: 0) }

    private init(folder: String, recordsMax: Int, level: Int) {
        self.folder = folder
        self.recordsMax = recordsMax
        self.level = level
        unsafe gathered = .allocate(capacity: recordsMax)
        unsafe scratch = .allocate(capacity: recordsMax)
    }

    deinit {
        unsafe gathered.deallocate()
        unsafe scratch.deallocate()
    }

    var isEmpty: Bool { total == 0 }
    var total: Int { count + spilledCount }

    @inline(__always)
    mutating func add(_ record: Element) throws {
        if count == recordsMax { try spill() }
        unsafe gathered[count] = record
        count += 1
    }

    /// Calls `body` with every record in the order of the hashes, equal ones in the order they were added; then the
    /// sort is empty again.
    mutating func merge(_ body: (Element) throws -> Void) throws {
        try unsafe mergeTogether { records in
            for index in 0..<records.count { try body(unsafe records[index]) }
        }
    }

    /// The same, with many records at a time.
    mutating func mergeTogether(_ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        if spilled.isEmpty {
            try unsafe sortGathered(body)
        } else {
            if count > 0 { try spill() }
            try unsafe mergeRuns(body)
        }
        count = 0
        spilled = []
        spilledCount = 0
        file = nil
    }

    private func sortGathered(_ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        guard count > 0 else { return }
        let sorted = unsafe RadixSort.sort(gathered, scratch: scratch, count: count, level: level)
        try unsafe body(UnsafeBufferPointer(start: sorted, count: count))
    }

    private mutating func spill() throws {
        let starts = unsafe RadixSort.part(gathered, into: scratch, count: count, level: level)
        let file = try file ?? StateFile.temporary(in: folder)
        self.file = file
        let offset = spilledCount * MemoryLayout<Element>.stride
        let bytes = unsafe UnsafeRawBufferPointer(start: scratch, count: count * MemoryLayout<Element>.stride)
        try unsafe file.write(bytes, at: offset)
        spilled.append(Run(offset: offset, starts: starts))
        spilledCount += count
        count = 0
    }

    private mutating func mergeRuns(_ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        let sizes = (0..<256).map { value in
            spilled.reduce(0) { $0 + Int($1.starts[value + 1] - $1.starts[value]) }
        }
        let wanted = min(recordsMax, max(Self.groupBytesWanted / MemoryLayout<Element>.stride, 1))
        var first = 0
        while first < 256 {
            var (end, size) = (first + 1, sizes[first])
            while end < 256 && size + sizes[end] <= wanted {
                size += sizes[end]
                end += 1
            }
            if size > recordsMax {
                try unsafe mergeLarge(first, body)
            } else if size > 0 {
                try gather(first..<end)
                try unsafe sortGathered(body)
            }
            first = end
        }
    }

    /// Reads the records of some values of the byte, in the order they were added.
    private mutating func gather(_ values: Range<Int>) throws {
        count = 0
        for run in spilled {
            let (start, end) = (Int(run.starts[values.lowerBound]), Int(run.starts[values.upperBound]))
            try unsafe read(run, start..<end, to: gathered + count)
            count += end - start
        }
    }

    private func read(_ run: Run, _ range: Range<Int>, to target: UnsafeMutablePointer<Element>) throws {
        guard let file, !range.isEmpty else { return }
        let size = MemoryLayout<Element>.stride
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: target, count: range.count * size)
        guard try unsafe file.read(into: buffer, at: run.offset + range.lowerBound * size) == buffer.count else {
            throw StateError.corrupt(file.path, "a sorted run ends too early")
        }
    }

    /// The records of one value are more than fit in memory: they are sorted by themselves, by the bytes that follow,
    /// unless they are all of one hash.
    private func mergeLarge(_ value: Int, _ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        if try isOneHash(value) {
            for run in spilled {
                let count = try readToScratch(run, value)
                try unsafe body(UnsafeBufferPointer(start: scratch, count: count))
            }
            return
        }
        var inner = SortedRuns(folder: folder, recordsMax: recordsMax, level: level + 1)
        for run in spilled {
            for index in 0..<(try readToScratch(run, value)) { try inner.add(unsafe scratch[index]) }
        }
        try unsafe inner.mergeTogether(body)
    }

    private func isOneHash(_ value: Int) throws -> Bool {
        if level == MemoryLayout<Hash128>.size - 1 { return true }
        var first: Hash128?
        for run in spilled {
            for index in 0..<(try readToScratch(run, value)) {
                let key = unsafe scratch[index].key
                if let first, first != key { return false }
                first = key
            }
        }
        return true
    }

    /// Returns how many records of the value the run has.
    private func readToScratch(_ run: Run, _ value: Int) throws -> Int {
        let (start, end) = (Int(run.starts[value]), Int(run.starts[value + 1]))
        try unsafe read(run, start..<end, to: scratch)
        return end - start
    }
}
