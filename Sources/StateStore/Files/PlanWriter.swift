package import Records

/// Writes the plan of one run: its operations in the order they are found, in blocks of what makes a batch (at most some
/// MiB) with a checksum each, then a seal. A plan without its seal is one whose scan did not end. The first two and each
/// block are filled up with zeros to whole pages, so that blocks can go past the page cache.
///
/// header 64 | the caller's header | blocks | footer (struck, places of the blocks, summary) | seal 64
package struct PlanWriter: ~Copyable {
    /// One operation may not be larger: a block's size is written in four bytes.
    package static let operationBytesMax = 64 * 1_024 * 1_024

    private let file: PagedFile
    private let steps: FileSteps
    private var room: DiskRoom?
    /// The payloads of the block that is being filled; that of the operation that was begun is at its end.
    package var payload = ByteWriter.large(capacity: PlanBlock.bytesUsual)
    /// What will follow the payloads.
    private var entries = ByteWriter(capacity: 256 * 1_024)
    private var keys = ByteWriter(capacity: 64 * 1_024)
    /// What the block had before the operation that was begun, and where its payload starts.
    private var begun = (payload: 0, key: 0)
    private var payloadStart = 0
    private var operations = 0
    private let operationsMax: Int
    private var places: [PlanBlockPlace] = []
    private var offset: Int
    private var struck = SequenceSet()
    private var appended = 0
    package private(set) var isSealed = false

    /// Begins a plan; an old one of that path is overwritten. `header` is the caller's, any bytes.
    /// - Parameter batchItemsMax: how many operations will be read from it at a time: a block of just as many is taken as
    ///   it lies in memory.
    /// - Parameter leavesRoom: whether it stops with `disk_full` before the disk is full (`DiskRoom`).
    package init(
        path: String, header: [UInt8], batchItemsMax: Int = .max, leavesRoom: Bool = false, steps: FileSteps = .none
    ) throws {
        self.steps = steps
        room = leavesRoom ? DiskRoom(of: path, steps) : nil
        operationsMax = batchItemsMax
        let start = Self.start(header)
        let created = try PagedFile(path, .create)
        try unsafe start.withUnsafeBytes { try unsafe steps.write($0, to: created.plain, at: 0, as: .planCreated) }
        file = created
        offset = start.count
        PlanBlock.begin(&payload)
    }

    /// The file's header and the caller's, filled up with zeros to whole pages. The checksum covers the zeros too.
    private static func start(_ header: [UInt8]) -> [UInt8] {
        let pageBytes = StateFile.pageBytes
        let size = (FileHeader.size + header.count + pageBytes - 1) / pageBytes * pageBytes
        let padded = header + [UInt8](repeating: 0, count: size - FileHeader.size - header.count)
        let checksum = unsafe padded.withUnsafeBytes { unsafe Checksum.of($0) }
        return FileHeader(kind: .plan, numbers: [UInt64(header.count), checksum, UInt64(size)]).encoded() + padded
    }

    /// Operations written and not struck out.
    package var count: Int { appended - struck.count }

    /// The size of the plan so far.
    package var bytes: Int { offset + (operations > 0 ? blockBytes : 0) }

    /// Appends an operation and returns its sequence, which counts from 0 and includes the struck ones. Throws
    /// `operation_too_large`, `disk_full`, `state_unwritable`.
    package mutating func append(
        kind: OperationKind, isNew: Bool, keyHash: Hash128, rowHash: Hash128, key: UnsafeRawBufferPointer,
        payload bytes: UnsafeRawBufferPointer
    ) throws -> Int {
        let size = PlanBlock.entrySize + key.count + bytes.count
        guard size <= Self.operationBytesMax else { throw Self.tooLarge(file.path, size) }
        if operations > 0 && blockBytes + size > PlanBlock.bytesWanted { try flush() }
        unsafe begin(kind: kind, isNew: isNew, keyHash: keyHash, rowHash: rowHash, key: key)
        unsafe payload.append(bytes)
        return try commit()
    }

    /// Begins an operation, whose payload is then appended to `payload`; `commit` or `abandon` ends it.
    package mutating func begin(
        kind: OperationKind, isNew: Bool, keyHash: Hash128, rowHash: Hash128, key: UnsafeRawBufferPointer
    ) {
        precondition(!isSealed)
        begun = (payload.count, keys.count)
        if operations > 0 { payload.append(UInt8(ascii: ",")) }
        payloadStart = payload.count
        entries.reserve(PlanBlock.entrySize)
        let entry = unsafe entries.end
        unsafe entry.storeBytes(of: UInt32(kind.rawValue) | (isNew ? 1 << 8 : 0), as: UInt32.self)
        unsafe entry.storeBytes(of: UInt32(key.count), toByteOffset: 4, as: UInt32.self)
        unsafe entry.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
        unsafe entry.storeBytes(of: keyHash, toByteOffset: 12, as: Hash128.self)
        unsafe entry.storeBytes(of: rowHash, toByteOffset: 28, as: Hash128.self)
        unsafe entries.extend(to: entry + PlanBlock.entrySize)
        unsafe keys.append(key)
    }

    /// Leaves out the operation that was begun.
    package mutating func abandon() {
        payload.truncate(to: begun.payload)
        keys.truncate(to: begun.key)
        entries.truncate(to: operations * PlanBlock.entrySize)
    }

    /// Ends the operation that was begun, and returns its sequence. Throws as `append` does.
    package mutating func commit() throws -> Int {
        let size = payload.count - payloadStart
        guard size + keys.count - begun.key <= Self.operationBytesMax else {
            abandon()
            throw Self.tooLarge(file.path, size)
        }
        entries.replace(at: operations * PlanBlock.entrySize + 8, with: UInt32(size))
        operations += 1
        appended += 1
        if operations >= operationsMax || blockBytes > PlanBlock.bytesWanted { try flush() }
        return appended - 1
    }

    /// The size that the block has so far.
    private var blockBytes: Int { payload.count + entries.count + keys.count }

    private static func tooLarge(_ path: String, _ size: Int) -> StateError {
        StateError(
            code: "operation_too_large",
            message: "One row makes \(size / 1_048_576) MiB; the plan \(path) takes at most 64 MiB a row.",
            hint: "Leave the large column out of the mapping, or shorten it in the dataset's query.")
    }

    private mutating func flush() throws {
        guard operations > 0 else { return }
        let first = appended - operations
        let payloadBytes = payload.count - PlanBlock.headerSize
        unsafe payload.append(entries.bytes)
        unsafe payload.append(keys.bytes)
        payload.pad(toMultipleOf: StateFile.pageBytes)
        PlanBlock.seal(&payload, operations: operations, payloadBytes: payloadBytes, firstSequence: first)
        let (file, offset) = (file, offset)
        try unsafe steps.write(payload.bytes, as: .planBlock) { try unsafe file.write($0, at: offset) }
        places.append(
            PlanBlockPlace(offset: offset, size: payload.count, firstSequence: first, operations: operations))
        self.offset += payload.count
        operations = 0
        PlanBlock.begin(&payload)
        entries.removeAll()
        keys.removeAll()
        try room?.grown(to: self.offset)
    }

    /// Strikes out all operations that `isStruck` says so of, in one pass over what was written; those struck before
    /// are not shown again. Returns how many were struck.
    package mutating func strike(where isStruck: (PlannedOperation) throws -> Bool) throws -> Int {
        try strike(blocks: 0..<finishBlock(), where: isStruck)
    }

    /// Ends the block that is being filled. Returns how many there are.
    package mutating func finishBlock() throws -> Int {
        precondition(!isSealed)
        try flush()
        return places.count
    }

    /// The same for some of the blocks: what is to be written anew is struck out and appended block by block.
    package mutating func strike(
        blocks: Range<Int>, where isStruck: (PlannedOperation) throws -> Bool
    ) throws -> Int {
        precondition(!isSealed)
        let before = struck.count
        var block = PlanBlockMemory()
        for place in places[blocks] {
            try block.read(file, place)
            try unsafe block.withUnsafeBytes { bytes in
                guard var cursor = unsafe PlanBlockCursor(bytes, place) else {
                    throw PlanBlock.damaged(file.path, place)
                }
                while !cursor.isAtEnd {
                    guard let operation = unsafe cursor.next(bytes) else { throw PlanBlock.damaged(file.path, place) }
                    let sequence = operation.sequence
                    if try !struck.contains(sequence) && isStruck(operation) { struck.insert(sequence) }
                }
            }
        }
        return struck.count - before
    }

    /// Gives back the disk of the last blocks, as far as nothing is left in them. Their sequences are not used again.
    package mutating func dropStruckEnd() throws {
        _ = try finishBlock()
        let before = offset
        while let last = places.last, isStruck(last) {
            offset = last.offset
            places.removeLast()
        }
        if offset < before { try file.plain.truncate(to: offset) }
    }

    private func isStruck(_ place: PlanBlockPlace) -> Bool {
        (place.firstSequence..<place.firstSequence + place.operations).allSatisfy { struck.contains($0) }
    }

    /// Ends the plan: what was struck, where the blocks are and the caller's `summary`. Returns when all is on the
    /// disk; nothing may be appended after it.
    package mutating func seal(summary: [UInt8]) throws {
        precondition(!isSealed)
        try flush()
        var footer = ByteWriter()
        footer.append(littleEndian: UInt32(struck.words.count))
        for word in struck.words { footer.append(littleEndian: word) }
        footer.append(littleEndian: UInt32(places.count))
        for place in places {
            for number in [place.offset, place.size, place.firstSequence, place.operations] {
                footer.append(littleEndian: UInt64(number))
            }
        }
        footer.append(littleEndian: UInt32(summary.count))
        footer.append(summary)
        let checksum = unsafe Checksum.of(footer.bytes)
        let numbers = [UInt64(offset), UInt64(footer.count), checksum, UInt64(appended), UInt64(struck.count)]
        footer.append(FileHeader(kind: .planSeal, numbers: numbers).encoded())
        try unsafe steps.write(footer.bytes, to: file.plain, at: offset, as: .planSealed)
        try file.plain.synchronize()
        try StateFolder.synchronize(StateFolder.parent(file.path))
        offset += footer.count
        isSealed = true
    }
}
