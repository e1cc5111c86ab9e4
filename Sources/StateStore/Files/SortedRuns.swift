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

    /// A binary heap of the runs by their next record; `scratch` is cut into a reading window for each spilled run.
    private mutating func mergeRuns(_ body: (Element) throws -> Void) throws {
        guard let file else { return }
        if spilled.count > recordsMax {
            unsafe scratch.deallocate()
            unsafe scratch = .allocate(capacity: spilled.count)
        }
        let window = max(recordsMax / spilled.count, 1)
        var cursors = unsafe [Cursor]()
        for (number, run) in spilled.enumerated() {
            var cursor = unsafe Cursor(window: scratch + number * window, windowMax: window, run: number)
            unsafe cursor.offset = run.offset
            unsafe cursor.left = run.count
            if try unsafe cursor.fill(from: file) { unsafe cursors.append(cursor) }
        }
        if count > 0 {
            var cursor = unsafe Cursor(window: gathered, windowMax: 0, run: spilled.count)
            unsafe cursor.end = count
            unsafe cursors.append(cursor)
        }
        try unsafe Self.drain(&cursors, file, body)
    }

    private static func drain(_ cursors: inout [Cursor], _ file: StateFile, _ body: (Element) throws -> Void) throws {
        var live = unsafe cursors.count
        try unsafe cursors.withUnsafeMutableBufferPointer { heap in
            for root in stride(from: live / 2 - 1, through: 0, by: -1) { unsafe sift(heap, root, live) }
            while live > 0 {
                try body(unsafe heap[0].window[heap[0].next])
                unsafe heap[0].next += 1
                if unsafe heap[0].next == heap[0].end {
                    if try unsafe !heap[0].fill(from: file) {
                        live -= 1
                        unsafe heap[0] = unsafe heap[live]
                    }
                }
                unsafe sift(heap, 0, live)
            }
        }
    }

    private static func sift(_ heap: UnsafeMutableBufferPointer<Cursor>, _ start: Int, _ count: Int) {
        guard start < count else { return }
        var root = start
        let moving = unsafe heap[root]
        let key = unsafe moving.window[moving.next].key
        while true {
            var child = 2 * root + 1
            guard child < count else { break }
            if unsafe child + 1 < count && heap[child + 1].precedes(heap[child]) { child += 1 }
            let other = unsafe heap[child]
            let otherKey = unsafe other.window[other.next].key
            guard unsafe otherKey < key || (otherKey == key && other.run < moving.run) else { break }
            unsafe heap[root] = unsafe heap[child]
            root = child
        }
        unsafe heap[root] = unsafe moving
    }

    /// The place in one run, and the window of it that is in memory. There is always a next record.
    @unsafe
    private struct Cursor {
        let window: UnsafeMutablePointer<Element>
        let windowMax: Int
        let run: Int
        var next = 0
        var end = 0
        var offset = 0
        var left = 0

        init(window: UnsafeMutablePointer<Element>, windowMax: Int, run: Int) {
            unsafe self.window = window
            unsafe self.windowMax = windowMax
            unsafe self.run = run
        }

        func precedes(_ other: Cursor) -> Bool {
            let key = unsafe window[next].key
            let otherKey = unsafe other.window[other.next].key
            return unsafe key < otherKey || (key == otherKey && run < other.run)
        }

        /// Reads on; false where the run has ended.
        mutating func fill(from file: StateFile) throws -> Bool {
            let wanted = unsafe min(left, windowMax)
            guard wanted > 0 else { return false }
            let size = wanted * MemoryLayout<Element>.stride
            let buffer = unsafe UnsafeMutableRawBufferPointer(start: window, count: size)
            guard try unsafe file.read(into: buffer, at: offset) == size else {
                throw StateError.corrupt(file.path, "a sorted run ends too early")
            }
            unsafe offset += size
            unsafe left -= wanted
            unsafe next = 0
            unsafe end = wanted
            return true
        }
    }
}
