package import Records

/// An operation that was not accepted, so that it is tried again, or decided, although its row did not change.
package struct PendingEntry: Sendable, Hashable {
    package enum Kind: UInt32, Sendable, Hashable {
        case rejected = 0
        case inDoubt = 1
        case undelivered = 2
    }

    package var keyHash: Hash128
    /// The row's hash when it was tried last.
    package var rowHash: Hash128
    package var kind: Kind
    /// How often in a row it was not accepted.
    package var tries: UInt32
    /// From when on it is tried again, in seconds since 1970.
    package var dueAt: Int64
    /// When it was refused first, in seconds since 1970.
    package var heldSince: Int64
    /// The run that tried it last.
    package var run: Int64

    /// Whether it was to be removed for its row had vanished: of such a record there is no row to send.
    package var isRefusedRemoval: Bool { kind == .rejected && rowHash == .void }

    package init(
        keyHash: Hash128, rowHash: Hash128, kind: Kind, tries: UInt32, dueAt: Int64, heldSince: Int64, run: Int64
    ) {
        self.keyHash = keyHash
        self.rowHash = rowHash
        self.kind = kind
        self.tries = tries
        self.dueAt = dueAt
        self.heldSince = heldSince
        self.run = run
    }
}

/// The pending operations of a sync: 64 bytes each, sorted by key, memory-mapped.
///
/// header 64 | entries of 64: key hash 16, row hash 16, kind 4, tries 4, due at 8, held since 8, run 8
@safe
package final class PendingFile: Sendable {
    fileprivate static let entrySize = 64

    package let count: Int
    /// Of all entries; 0 where there is no file.
    package let checksum: UInt64
    private let file: MappedFile?

    /// No file is no entry. Throws `state_corrupt` or `state_newer`.
    package static func open(_ files: SyncFiles) throws -> PendingFile {
        guard let file = try StateFile.openIfPresent(files.pendingPath, .read) else { return PendingFile() }
        return try PendingFile(file)
    }

    /// Without an entry.
    package init() {
        count = 0
        checksum = 0
        file = nil
    }

    private init(_ file: StateFile) throws {
        let map = try MappedFile(file)
        guard let header = try unsafe FileHeader.read(map.bytes, as: .pending, path: file.path),
            let count = Int(exactly: header.numbers[0]),
            unsafe (map.bytes.count - FileHeader.size).isMultiple(of: Self.entrySize),
            unsafe (map.bytes.count - FileHeader.size) / Self.entrySize == count
        else { throw StateError.corrupt(file.path, "its header or its length is not right") }
        let body = unsafe UnsafeRawBufferPointer(rebasing: map.bytes[FileHeader.size...])
        guard unsafe BodyChecksum.of(body) == header.numbers[1] else {
            throw StateError.corrupt(file.path, "its checksum is not right")
        }
        self.count = count
        checksum = header.numbers[1]
        self.file = map
    }

    /// The entry at a place from 0 to `count`, in the order of the keys.
    package func entry(at index: Int) -> PendingEntry {
        precondition(index >= 0 && index < count)
        let start = FileHeader.size + index * Self.entrySize
        func number<Number: BitwiseCopyable>(_ offset: Int, _ type: Number.Type) -> Number {
            guard let file else { preconditionFailure("a file without entries has no entry") }
            return unsafe file.bytes.loadUnaligned(fromByteOffset: start + offset, as: type)
        }
        return PendingEntry(
            keyHash: number(0, Hash128.self), rowHash: number(16, Hash128.self),
            kind: PendingEntry.Kind(rawValue: number(32, UInt32.self)) ?? .inDoubt, tries: number(36, UInt32.self),
            dueAt: number(40, Int64.self), heldSince: number(48, Int64.self), run: number(56, Int64.self))
    }

    package func find(_ keyHash: Hash128) -> PendingEntry? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if key(at: middle) < keyHash { low = middle + 1 } else { high = middle }
        }
        guard low < count, key(at: low) == keyHash else { return nil }
        return entry(at: low)
    }

    /// All entries in the order of the keys, read one at a time.
    package var entries: some Sequence<PendingEntry> { (0..<count).lazy.map { [self] in entry(at: $0) } }

    private func key(at index: Int) -> Hash128 {
        guard let file else { return .void }
        let offset = FileHeader.size + index * Self.entrySize
        return unsafe file.bytes.loadUnaligned(fromByteOffset: offset, as: Hash128.self)
    }

    /// Puts `entries`, in any order, in the place of all there were; of several with one key the last counts. A reader
    /// sees the old or the new ones, also after a kill.
    package static func write(_ files: SyncFiles, _ entries: some Sequence<PendingEntry>) throws {
        var latest: [Hash128: PendingEntry] = [:]
        for entry in entries { latest[entry.keyHash] = entry }
        var writer = PendingWriter(capacity: latest.count)
        for entry in latest.values.sorted(by: { $0.keyHash < $1.keyHash }) { writer.append(entry) }
        try writer.write(files)
    }

    fileprivate static func append(_ entry: PendingEntry, to body: inout ByteWriter) {
        body.append(entry.keyHash)
        body.append(entry.rowHash)
        body.append(littleEndian: entry.kind.rawValue)
        body.append(littleEndian: entry.tries)
        body.append(littleEndian: entry.dueAt)
        body.append(littleEndian: entry.heldSince)
        body.append(littleEndian: entry.run)
    }
}

/// Writes a pending file whose entries come in the order of their keys, each key once.
package struct PendingWriter: ~Copyable {
    private var file: ByteWriter
    private var count = 0

    package init(capacity: Int) {
        file = ByteWriter(capacity: capacity * PendingFile.entrySize + FileHeader.size)
        file.append([UInt8](repeating: 0, count: FileHeader.size))
    }

    package mutating func append(_ entry: PendingEntry) {
        PendingFile.append(entry, to: &file)
        count += 1
    }

    /// Puts the entries in the place of all there were. A reader sees the old or the new ones, also after a kill.
    package mutating func write(_ files: SyncFiles) throws {
        let body = unsafe UnsafeRawBufferPointer(rebasing: file.bytes[FileHeader.size...])
        let checksum = unsafe BodyChecksum.of(body)
        let header = FileHeader(kind: .pending, numbers: [UInt64(count), checksum]).encoded()
        unsafe header.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: FileHeader.size, by: 8) {
                unsafe file.replace(at: offset, with: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
        }
        try unsafe files.replace(
            files.pendingPath, with: file.bytes, written: .pendingWritten, renamed: .pendingRenamed)
    }
}
