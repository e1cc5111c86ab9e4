internal import Records

/// An external sort by hash, stable: records are gathered in memory, put in order of one byte of their hash and spilled
/// into a nameless file whenever there is no more room; at the end the records of a few values of that byte at a time
/// are read from all the spilled runs and sorted. Memory: twice a quarter of `recordsMax` records, and twice
/// `recordsMax` once more than that have come; as much again, two or three times, where more than that have one hash.
@safe
struct SortedRuns<Element: HashKeyed>: ~Copyable {
    /// A stretch of records in the file, in the order of the byte, and where the records of each of its values begin.
    private struct Run {
        var offset: Int
        var starts: [Int32]
    }

    /// What is sorted in one go stays in the processor's cache.
    private static var groupBytesWanted: Int { 512 << 10 }
    private static var size: Int { MemoryLayout<Element>.stride }

    private let folder: String
    private let recordsMax: Int
    /// Which byte of the hash, from the first, the runs are in the order of.
    private let level: Int
    private var memory: SortMemory<Element>
    private var count = 0
    private var spilled: [Run] = []
    private var spilledCount = 0
    private var fileBytes = 0
    private var file: PagedFile?

    init(folder: String, recordsMax: Int) { self.init(folder: folder, recordsMax: recordsMax, level: 0) }

    private init(folder: String, recordsMax: Int, level: Int) {
        self.folder = folder
        self.recordsMax = recordsMax
        self.level = level
        memory = SortMemory(capacity: max(recordsMax / 4, 1))
    }

    var isEmpty: Bool { total == 0 }
    var total: Int { count + spilledCount }

    @inline(__always)
    mutating func add(_ record: Element) throws {
        if count == memory.capacity { try spill() }
        unsafe memory.gathered[count] = record
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
        fileBytes = 0
        file = nil
    }

    private func sortGathered(_ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        guard count > 0 else { return }
        let sorted = unsafe RadixSort.sort(memory.gathered, scratch: memory.scratch, count: count, level: level)
        try unsafe body(UnsafeBufferPointer(start: sorted, count: count))
    }

    /// Writes what was gathered, filled up to whole pages.
    private mutating func spill() throws {
        let starts = unsafe RadixSort.part(memory.gathered, into: memory.scratch, count: count, level: level)
        let file = try file ?? PagedFile.temporary(in: folder)
        self.file = file
        let bytes = memory.pages(of: count * Self.size)
        try unsafe file.write(UnsafeRawBufferPointer(start: memory.scratch, count: bytes), at: fileBytes)
        spilled.append(Run(offset: fileBytes, starts: starts))
        fileBytes += bytes
        spilledCount += count
        count = 0
        if spilledCount >= recordsMax && memory.capacity < recordsMax { memory = SortMemory(capacity: recordsMax) }
    }

    /// Reads as many values of the byte as there is room for, and sorts as few of them at a time as stay in the cache.
    private mutating func mergeRuns(_ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        let sizes = (0..<256).map { value in
            spilled.reduce(0) { $0 + Int($1.starts[value + 1] - $1.starts[value]) }
        }
        var first = 0
        while first < 256 {
            let end = Self.end(of: sizes, from: first, atMost: memory.capacity)
            if sizes[first] > memory.capacity {
                try unsafe mergeLarge(first, body)
            } else {
                try gather(first..<end, sizes)
                try unsafe sortGroups(first..<end, sizes, body)
            }
            first = end
        }
    }

    /// The end of the values, from `first` on and at least one, that are no more than `limit` records together.
    private static func end(of sizes: [Int], from first: Int, atMost limit: Int) -> Int {
        var (end, size) = (first + 1, sizes[first])
        while end < sizes.count && size + sizes[end] <= limit {
            size += sizes[end]
            end += 1
        }
        return end
    }

    /// Reads the records of some values of the byte: value after value, those of one in the order they were added.
    private mutating func gather(_ values: Range<Int>, _ sizes: [Int]) throws {
        count = 0
        var targets: [Int] = []
        for value in values {
            targets.append(count)
            count += sizes[value]
        }
        for run in spilled {
            let (first, end) = (Int(run.starts[values.lowerBound]), Int(run.starts[values.upperBound]))
            guard first < end else { continue }
            let read = try unsafe read(run, first..<end)
            for (index, value) in values.enumerated() {
                let (start, end) = (Int(run.starts[value]), Int(run.starts[value + 1]))
                unsafe (memory.gathered + targets[index]).update(from: read + (start - first), count: end - start)
                targets[index] += end - start
            }
        }
    }

    /// Sorts what `gather` read.
    private func sortGroups(
        _ values: Range<Int>, _ sizes: [Int], _ body: (UnsafeBufferPointer<Element>) throws -> Void
    ) throws {
        let wanted = max(Self.groupBytesWanted / Self.size, 1)
        var (first, start) = (values.lowerBound, 0)
        while first < values.upperBound {
            let end = min(Self.end(of: sizes, from: first, atMost: wanted), values.upperBound)
            let size = sizes[first..<end].reduce(0, +)
            if size > 0 {
                let sorted = unsafe RadixSort.sort(
                    memory.gathered + start, scratch: memory.scratch, count: size, level: level)
                try unsafe body(UnsafeBufferPointer(start: sorted, count: size))
            }
            (first, start) = (end, start + size)
        }
    }

    /// Reads records of a run, and what else is on their pages, into the scratch memory; returns where they are there.
    private func read(_ run: Run, _ range: Range<Int>) throws -> UnsafeMutablePointer<Element> {
        let (start, end) = (range.lowerBound * Self.size, range.upperBound * Self.size)
        let page = start / StateFile.pageBytes * StateFile.pageBytes
        let bytes = memory.pages(of: end - page)
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: memory.scratch, count: bytes)
        guard let file, try unsafe file.read(into: buffer, at: run.offset + page) >= end - page else {
            throw StateError.corrupt(file?.path ?? folder, "a sorted run ends too early")
        }
        return unsafe (UnsafeMutableRawPointer(memory.scratch) + (start - page)).assumingMemoryBound(to: Element.self)
    }

    /// The records of one value are more than fit in memory: they are sorted by themselves, by the bytes that follow,
    /// unless they are all of one hash.
    private func mergeLarge(_ value: Int, _ body: (UnsafeBufferPointer<Element>) throws -> Void) throws {
        if try isOneHash(value) {
            for run in spilled { try unsafe body(UnsafeBufferPointer(readAll(run, value))) }
            return
        }
        var inner = SortedRuns(folder: folder, recordsMax: recordsMax, level: level + 1)
        for run in spilled {
            let records = try unsafe readAll(run, value)
            for index in 0..<records.count { try inner.add(unsafe records[index]) }
        }
        try unsafe inner.mergeTogether(body)
    }

    private func isOneHash(_ value: Int) throws -> Bool {
        if level == MemoryLayout<Hash128>.size - 1 { return true }
        var first: Hash128?
        for run in spilled {
            let records = try unsafe readAll(run, value)
            for index in 0..<records.count {
                let key = unsafe records[index].key
                if let first, first != key { return false }
                first = key
            }
        }
        return true
    }

    /// The run's records of one value, in the scratch memory.
    private func readAll(_ run: Run, _ value: Int) throws -> UnsafeMutableBufferPointer<Element> {
        let (start, end) = (Int(run.starts[value]), Int(run.starts[value + 1]))
        guard start < end else { return unsafe UnsafeMutableBufferPointer(start: nil, count: 0) }
        return try unsafe UnsafeMutableBufferPointer(start: read(run, start..<end), count: end - start)
    }
}

/// Two pieces of memory for as many records each, at whole pages; the second has room for what else is on the pages of
/// so many records in a file.
@safe
private struct SortMemory<Element: HashKeyed>: ~Copyable {
    let capacity: Int
    let gathered: UnsafeMutablePointer<Element>
    let scratch: UnsafeMutablePointer<Element>

    init(capacity: Int) {
        self.capacity = capacity
        let bytes = capacity * MemoryLayout<Element>.stride
        let pageBytes = StateFile.pageBytes
        unsafe gathered = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: pageBytes)
            .bindMemory(to: Element.self, capacity: capacity)
        unsafe scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes + 2 * pageBytes, alignment: pageBytes)
            .bindMemory(to: Element.self, capacity: capacity + 2 * pageBytes / MemoryLayout<Element>.stride)
    }

    deinit {
        unsafe UnsafeMutableRawPointer(gathered).deallocate()
        unsafe UnsafeMutableRawPointer(scratch).deallocate()
    }

    /// `bytes`, rounded up to whole pages.
    func pages(of bytes: Int) -> Int { (bytes + StateFile.pageBytes - 1) / StateFile.pageBytes * StateFile.pageBytes }
}
