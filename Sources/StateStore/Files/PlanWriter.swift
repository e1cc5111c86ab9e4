package import Records

/// Writes the plan of one run: its operations in the order they are found, in blocks of about a MiB with a checksum
/// each, then a seal. A plan without its seal is one whose scan did not end.
///
/// header 64 | the caller's header | blocks | footer (struck, places of the blocks, summary) | seal 64
package struct PlanWriter: ~Copyable {
    /// One operation may not be larger: a block's size is written in four bytes.
    package static let operationBytesMax = 64 * 1_024 * 1_024

    private let file: StateFile
    private let steps: FileSteps
    private var block = ByteWriter(capacity: PlanBlock.bytesWanted + 64 * 1_024)
    private var operations = 0
    private var places: [PlanBlockPlace] = []
    private var offset: Int
    private var struck = StruckSet()
    private var appended = 0
    /// Up to where the disk has been asked to set room aside.
    private var reserved = 0
    package private(set) var isSealed = false

    /// Begins a plan; an old one of that path is overwritten. `header` is the caller's, any bytes.
    package init(path: String, header: [UInt8], steps: FileSteps = .none) throws {
        self.steps = steps
        let checksum = unsafe header.withUnsafeBytes { unsafe Checksum.of($0) }
        let bytes = FileHeader(kind: .plan, numbers: [UInt64(header.count), checksum]).encoded() + header
        let created = try StateFile.open(path, .create)
        try unsafe bytes.withUnsafeBytes { try unsafe steps.write($0, to: created, at: 0, as: .planCreated) }
        file = created
        offset = bytes.count
        PlanBlock.begin(&block)
    }

    /// Operations written and not struck out.
    package var count: Int { appended - struck.count }

    /// The size of the plan so far.
    package var bytes: Int { offset + (operations > 0 ? block.count : 0) }

    /// Appends an operation and returns its sequence, which counts from 0 and includes the struck ones. Throws
    /// `operation_too_large`, `disk_full`, `state_unwritable`.
    package mutating func append(
        kind: OperationKind, isNew: Bool, keyHash: Hash128, rowHash: Hash128, key: UnsafeRawBufferPointer,
        payload: UnsafeRawBufferPointer
    ) throws -> Int {
        let size = PlanBlock.operationHeaderSize + key.count + payload.count
        guard size <= Self.operationBytesMax else { throw Self.tooLarge(file.path, size) }
        precondition(!isSealed)
        if operations > 0 && block.count + size > PlanBlock.bytesWanted { try flush() }
        unsafe block.append(upTo: size) { place in
            unsafe place.storeBytes(of: UInt32(kind.rawValue) | (isNew ? 1 << 8 : 0), as: UInt32.self)
            unsafe place.storeBytes(of: UInt32(key.count), toByteOffset: 4, as: UInt32.self)
            unsafe place.storeBytes(of: UInt32(payload.count), toByteOffset: 8, as: UInt32.self)
            unsafe place.storeBytes(of: keyHash, toByteOffset: 12, as: Hash128.self)
            unsafe place.storeBytes(of: rowHash, toByteOffset: 28, as: Hash128.self)
            let start = unsafe place + PlanBlock.operationHeaderSize
            if let bytes = key.baseAddress { unsafe start.copyMemory(from: bytes, byteCount: key.count) }
            if let bytes = payload.baseAddress {
                unsafe (start + key.count).copyMemory(from: bytes, byteCount: payload.count)
            }
            return size
        }
        operations += 1
        appended += 1
        return appended - 1
    }

    /// Appends an operation whose payload `body` writes straight into the plan's block. Where `body` returns false the
    /// operation is left out, and nil is returned instead of its sequence.
    package mutating func append(
        kind: OperationKind, isNew: Bool, keyHash: Hash128, rowHash: Hash128, key: UnsafeRawBufferPointer,
        payload body: (inout ByteWriter) throws -> Bool
    ) throws -> Int? {
        precondition(!isSealed)
        let start = block.count
        block.append(littleEndian: UInt32(kind.rawValue) | (isNew ? 1 << 8 : 0))
        block.append(littleEndian: UInt32(key.count))
        block.append(littleEndian: UInt32(0))
        block.append(keyHash)
        block.append(rowHash)
        unsafe block.append(key)
        let payloadStart = block.count
        guard try body(&block) else {
            block.truncate(to: start)
            return nil
        }
        let size = block.count - start
        guard size <= Self.operationBytesMax else {
            block.truncate(to: start)
            throw Self.tooLarge(file.path, size)
        }
        block.replace(at: start + 8, with: UInt32(block.count - payloadStart))
        operations += 1
        appended += 1
        if block.count > PlanBlock.bytesWanted { try flush() }
        return appended - 1
    }

    private static func tooLarge(_ path: String, _ size: Int) -> StateError {
        StateError(
            code: "operation_too_large",
            message: "One row makes \(size / 1_048_576) MiB; the plan \(path) takes at most 64 MiB a row.",
            hint: "Leave the large column out of the mapping, or shorten it in the dataset's query.")
    }

    /// A plan that has grown to some MiB will probably grow on.
    private mutating func reserve() {
        guard places.count >= 4, offset + block.count > reserved else { return }
        file.reserve(from: offset, count: Self.reservedBytes)
        reserved = offset + Self.reservedBytes
    }

    private static let reservedBytes = 16 << 20

    private mutating func flush() throws {
        guard operations > 0 else { return }
        reserve()
        let first = appended - operations
        PlanBlock.seal(&block, operations: operations, firstSequence: first)
        try unsafe steps.write(block.bytes, to: file, at: offset, as: .planBlock)
        places.append(
            PlanBlockPlace(offset: offset, size: block.count, firstSequence: first, operations: operations))
        offset += block.count
        operations = 0
        PlanBlock.begin(&block)
    }

    /// Strikes out all operations that `isStruck` says so of, in one pass over what was written; those struck before
    /// are not shown again. Returns how many were struck.
    package mutating func strike(where isStruck: (PlannedOperation) throws -> Bool) throws -> Int {
        precondition(!isSealed)
        try flush()
        let before = struck.count
        for place in places {
            let block = try PlanBlock.read(file, place)
            try unsafe block.withUnsafeBytes { bytes in
                var offset = PlanBlock.headerSize
                for sequence in place.firstSequence..<place.firstSequence + place.operations {
                    guard let next = unsafe PlanBlock.operation(bytes, at: offset, sequence: sequence) else {
                        throw PlanBlock.damaged(file.path, place)
                    }
                    if try !struck.contains(sequence) && isStruck(next.operation) { struck.insert(sequence) }
                    offset = next.end
                }
            }
        }
        return struck.count - before
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
        try unsafe steps.write(footer.bytes, to: file, at: offset, as: .planSealed)
        if reserved > 0 { try file.truncate(to: offset + footer.count) }
        try file.synchronize()
        try StateFolder.synchronize(StateFolder.parent(file.path))
        offset += footer.count
        isSealed = true
    }
}
