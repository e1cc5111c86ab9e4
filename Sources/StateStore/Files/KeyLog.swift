package import Records

/// What keys are called: the text of every key that a run is about to write, and the ids that the destination told
/// since, for syncs that may have to remove records later. A hash alone cannot be removed.
///
/// The keys of a batch are on the disk before the batch is sent, so whatever may be at the destination can be named.
/// Ids follow when they are told; one that is lost with a power cut is looked up again. `KeyFile.close` takes the log
/// into the key file. The caller holds the sync's lock.
///
/// header 64 | pieces: body size 4 | names 4 | XXH3-64 of the body 8 | body: for each: hash 16, sizes 2 + 2, key, id
package final class KeyLog {
    static let pieceHeaderSize = 16

    private let files: SyncFiles
    private let file: StateFile
    private var offset: Int
    private var piece = ByteWriter(capacity: 64 << 10)
    private var names = 0

    private init(files: SyncFiles, file: StateFile, offset: Int) {
        self.files = files
        self.file = file
        self.offset = offset
    }

    /// Begins the log, or goes on with it where an earlier run did not come to its end.
    package static func open(_ files: SyncFiles) throws -> KeyLog {
        try files.prepare()
        if let known = try KeyLogReader.open(files.keyLogPath, mode: .update) {
            var reader = known
            while try reader.next({ _, _, _, _ in }) {}
            try reader.file.truncate(to: reader.offset)
            return KeyLog(files: files, file: reader.file, offset: reader.offset)
        }
        let file = try StateFile.open(files.keyLogPath, .create)
        let header = FileHeader(kind: .keyLog, numbers: []).encoded()
        try unsafe header.withUnsafeBytes { try unsafe files.steps.write($0, to: file, at: 0, as: .keysLogged) }
        try file.synchronize()
        try files.synchronizeFolder()
        return KeyLog(files: files, file: file, offset: FileHeader.size)
    }

    /// Puts the keys of a batch on the disk. Returns when they are there: only then may the batch be sent.
    package func append(keysOf batch: OperationBatch) throws {
        for entry in batch.entries { add(entry.keyHash, key: batch.bytes[entry.key], id: "") }
        try write()
        try file.synchronize()
    }

    /// Adds what the destination calls the records of a batch; nil where it did not say.
    package func append(ids: [String?], of batch: OperationBatch) throws {
        for (entry, id) in zip(batch.entries, ids) {
            guard let id, !id.isEmpty else { continue }
            add(entry.keyHash, key: batch.bytes[entry.key], id: id)
        }
        try write()
    }

    private func add(_ hash: Hash128, key: [UInt8], id: String) {
        guard key.count <= Int(UInt16.max), id.utf8.count <= Int(UInt16.max) else { return }
        if names == 0 {
            piece.removeAll()
            piece.append(littleEndian: UInt64(0))
            piece.append(littleEndian: UInt64(0))
        }
        KeyName.append(hash, key: key, id: id, to: &piece)
        names += 1
    }

    private func write() throws {
        guard names > 0 else { return }
        piece.replace(at: 0, with: UInt32(piece.count - Self.pieceHeaderSize))
        piece.replace(at: 4, with: UInt32(names))
        let body = unsafe UnsafeRawBufferPointer(rebasing: piece.bytes[Self.pieceHeaderSize...])
        unsafe piece.replace(at: 8, with: Checksum.of(body))
        try unsafe files.steps.write(piece.bytes, to: file, at: offset, as: .keysLogged)
        offset += piece.count
        names = 0
    }
}

/// The bytes of one name: hash 16 | key size 2 | id size 2 | key | id.
enum KeyName {
    static let headerSize = 20

    static func append(_ hash: Hash128, key: some Collection<UInt8>, id: String, to writer: inout ByteWriter) {
        writer.append(hash)
        writer.append(littleEndian: UInt16(key.count))
        writer.append(littleEndian: UInt16(id.utf8.count))
        writer.append(Array(key))
        writer.append(id)
    }

    /// The name at `offset`, or nil where the bytes end before it does.
    static func read(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> (hash: Hash128, key: String, id: String, end: Int)? {
        do {
            var cursor = unsafe ByteCursor(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            let hash = try cursor.hash()
            let (keySize, idSize) = (try Int(cursor.number(UInt16.self)), try Int(cursor.number(UInt16.self)))
            let key = try unsafe String(decoding: cursor.slice(keySize), as: UTF8.self)
            let id = try unsafe String(decoding: cursor.slice(idSize), as: UTF8.self)
            return (hash, key, id, offset + cursor.offset)
        } catch {
            return nil
        }
    }
}

/// Reads a key log piece by piece. A torn last piece counts for nothing.
struct KeyLogReader {
    let file: StateFile
    /// Where the next piece begins.
    private(set) var offset = FileHeader.size

    /// nil where there is no log, or one whose header was never written whole.
    static func open(_ path: String, mode: StateFile.Mode = .read) throws -> KeyLogReader? {
        guard let file = try StateFile.openIfPresent(path, mode), try FileHeader.read(file, at: 0, as: .keyLog) != nil
        else { return nil }
        return KeyLogReader(file: file)
    }

    private init(file: StateFile) { self.file = file }

    /// Gives `body` the names of the next piece, each with its place in the file. False at the end.
    mutating func next(_ body: (Hash128, String, String, Int) throws -> Void) throws -> Bool {
        let header = try file.bytes(at: offset, count: KeyLog.pieceHeaderSize)
        guard header.count == KeyLog.pieceHeaderSize else { return false }
        let (size, names, checksum) = unsafe header.withUnsafeBytes { bytes in
            unsafe (
                Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)),
                Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        let start = offset + KeyLog.pieceHeaderSize
        guard names > 0, start + size <= (try file.size()) else { return false }
        let piece = try file.bytes(at: start, count: size)
        let isWhole = try unsafe piece.withUnsafeBytes { bytes in
            guard unsafe Checksum.of(bytes) == checksum else { return false }
            var place = 0
            for _ in 0..<names {
                guard let name = unsafe KeyName.read(bytes, at: place) else { return false }
                try body(name.hash, name.key, name.id, start + place)
                place = name.end
            }
            return true
        }
        guard isWhole else { return false }
        offset = start + size
        return true
    }
}
