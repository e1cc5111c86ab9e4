package import Records

/// The text of each key that a mirror has written, and the destination's own id where it was told: a sorted, mapped
/// file beside the snapshot.
///
/// header 64 (count, size of the names, checksum of all after the header) | for each, by hash: hash 16, place 8 | names
@safe
package final class KeyFile {
    static let indexSize = 24

    private let map: MappedFile
    package let count: Int

    private init(_ map: MappedFile, count: Int) {
        self.map = map
        self.count = count
    }

    /// nil where there is none. A damaged one counts as none: what is missing is then looked up at the destination.
    package static func open(_ files: SyncFiles) throws -> KeyFile? {
        guard let file = try StateFile.openIfPresent(files.keysPath, .read) else { return nil }
        let map = try MappedFile(file)
        guard let header = try unsafe FileHeader.read(map.bytes, as: .keys, path: files.keysPath),
            let count = Int(exactly: header.numbers[0]), let size = Int(exactly: header.numbers[1]),
            count <= Int(Int32.max), unsafe map.bytes.count == FileHeader.size + count * indexSize + size
        else { return nil }
        let body = unsafe UnsafeRawBufferPointer(rebasing: map.bytes[FileHeader.size...])
        guard unsafe BodyChecksum.of(body) == header.numbers[2] else { return nil }
        return KeyFile(map, count: count)
    }

    /// What the key is called; `id` is empty where the destination did not say.
    package func find(_ hash: Hash128) -> (key: String, id: String)? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self.hash(at: middle) < hash { low = middle + 1 } else { high = middle }
        }
        guard low < count, self.hash(at: low) == hash else { return nil }
        let found = name(at: low)
        return found.map { ($0.key, $0.id) }
    }

    func hash(at index: Int) -> Hash128 {
        unsafe map.bytes.loadUnaligned(fromByteOffset: FileHeader.size + index * Self.indexSize, as: Hash128.self)
    }

    func name(at index: Int) -> (hash: Hash128, key: String, id: String, end: Int)? {
        let place = unsafe map.bytes.loadUnaligned(
            fromByteOffset: FileHeader.size + index * Self.indexSize + 16, as: UInt64.self)
        guard let offset = Int(exactly: place), unsafe offset <= map.bytes.count else { return nil }
        return unsafe KeyName.read(map.bytes, at: offset)
    }

    /// Takes the log of the run that is being closed into the key file; names of keys that the newest snapshot does not
    /// have any more are left out. Nothing happens where there is no log. Doing it twice is doing it once.
    package static func close(_ files: SyncFiles) throws {
        guard let log = try KeyLogReader.open(files.keyLogPath) else {
            return try StateFolder.remove(files.keyLogPath)
        }
        let old = try open(files)
        let snapshot = try Snapshot.open(files).snapshot
        var names = try sorted(log, old, folder: files.folder)
        let aside = files.keysPath + ".new"
        do {
            let file = try StateFile.open(aside, .create)
            try KeyFileWriter(file, logFile: log.file, old: old, snapshot: snapshot).write(&names, steps: files.steps)
            try files.steps.reach(.keysRenamed)
            try StateFolder.rename(aside, to: files.keysPath)
            try files.synchronizeFolder()
        } catch let error as StateError {
            try StateFolder.remove(aside)
            throw error
        }
        try StateFolder.remove(files.keyLogPath)
    }

    /// Where each name stands, sorted by hash, later ones later: places in the log are as they are, those in the old
    /// file have the top bit set and come first.
    private static func sorted(
        _ log: KeyLogReader, _ old: KeyFile?, folder: String
    ) throws -> SortedRuns<SnapshotRecord> {
        var sorter = SortedRuns<SnapshotRecord>(folder: folder, recordsMax: JournalEffects.recordsInMemoryMax)
        if let old {
            for index in 0..<old.count {
                let place = Hash128(high: KeyFileWriter.isOld, low: UInt64(index))
                try sorter.add(SnapshotRecord(key: old.hash(at: index), row: place))
            }
        }
        var reader = log
        while try reader.next({ hash, _, _, place in
            try sorter.add(SnapshotRecord(key: hash, row: Hash128(high: 0, low: UInt64(place))))
        }) {}
        return sorter
    }

    /// Takes one key out, for a person's data that is to be forgotten. False where it is not there.
    package static func remove(_ hash: Hash128, from files: SyncFiles) throws -> Bool {
        guard let old = try open(files), old.find(hash) != nil else { return false }
        var sorter = SortedRuns<SnapshotRecord>(folder: files.folder, recordsMax: JournalEffects.recordsInMemoryMax)
        for index in 0..<old.count where old.hash(at: index) != hash {
            let place = Hash128(high: KeyFileWriter.isOld, low: UInt64(index))
            try sorter.add(SnapshotRecord(key: old.hash(at: index), row: place))
        }
        let aside = files.keysPath + ".new"
        let file = try StateFile.open(aside, .create)
        try KeyFileWriter(file, logFile: nil, old: old, snapshot: nil).write(&sorter, steps: files.steps)
        try StateFolder.rename(aside, to: files.keysPath)
        try files.synchronizeFolder()
        return true
    }
}

/// Writes a key file: of several names of one key the last has the text, and the last that has one the id.
private struct KeyFileWriter {
    static let isOld: UInt64 = 1 << 63

    private let file: StateFile
    private let log: MappedFile?
    private let old: KeyFile?
    private let snapshot: Snapshot?

    init(_ file: StateFile, logFile: StateFile?, old: KeyFile?, snapshot: Snapshot?) throws {
        self.file = file
        self.old = old
        self.snapshot = snapshot
        log = try logFile.map { try MappedFile($0) }
    }

    private struct Name {
        var hash: Hash128
        var key: String
        var id: String
    }

    /// The names go into a file of their own first: how many there are is known at the end only.
    func write(_ names: inout SortedRuns<SnapshotRecord>, steps: FileSteps) throws {
        let blob = try StateFile.temporary(in: StateFolder.parent(file.path))
        var index = Piece(file: file, offset: FileHeader.size)
        var text = Piece(file: blob, offset: 0)
        var count = 0
        var last: Name?
        try names.merge { record in
            let name = try read(record)
            if let known = last, known.hash == name.hash {
                last = Name(hash: name.hash, key: name.key, id: name.id.isEmpty ? known.id : name.id)
            } else {
                if let known = last, isWanted(known.hash) { try put(known, &index, &text, &count) }
                last = name
            }
        }
        if let known = last, isWanted(known.hash) { try put(known, &index, &text, &count) }
        try index.flush()
        try text.flush()
        try finish(blob, count: count, size: text.offset, steps: steps)
    }

    private func isWanted(_ hash: Hash128) -> Bool {
        guard let snapshot else { return true }
        var probes = [Probe.unknown]
        snapshot.probe([hash], into: &probes)
        return probes[0].index >= 0
    }

    private func read(_ record: SnapshotRecord) throws -> Name {
        let isOld = record.row.high == Self.isOld
        let found =
            if isOld {
                old?.name(at: Int(record.row.low))
            } else {
                log.flatMap { unsafe KeyName.read($0.bytes, at: Int(record.row.low)) }
            }
        guard let found else { throw StateError.corrupt(file.path, "a key's name cannot be read") }
        return Name(hash: record.key, key: found.key, id: found.id)
    }

    private func put(_ name: Name, _ index: inout Piece, _ text: inout Piece, _ count: inout Int) throws {
        index.bytes.append(name.hash)
        // Relative to the names until their beginning is known.
        index.bytes.append(littleEndian: UInt64(text.offset + text.bytes.count))
        KeyName.append(name.hash, key: name.key.utf8, id: name.id, to: &text.bytes)
        count += 1
        try index.flushIfFull()
        try text.flushIfFull()
    }

    /// Moves the places to where the names will stand, and puts the names behind them.
    private func finish(_ blob: StateFile, count: Int, size: Int, steps: FileSteps) throws {
        let start = FileHeader.size + count * KeyFile.indexSize
        var whole = Piece(file: file, offset: FileHeader.size)
        var checksum = BodyChecksum()
        for first in stride(from: 0, to: count, by: Piece.names) {
            let names = min(Piece.names, count - first)
            let bytes = try file.bytes(
                at: FileHeader.size + first * KeyFile.indexSize, count: names * KeyFile.indexSize)
            unsafe bytes.withUnsafeBytes { bytes in
                for name in 0..<names {
                    let at = name * KeyFile.indexSize
                    whole.bytes.append(unsafe bytes.loadUnaligned(fromByteOffset: at, as: Hash128.self))
                    let place = unsafe bytes.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
                    whole.bytes.append(littleEndian: place + UInt64(start))
                }
            }
            try whole.flush()
        }
        for offset in stride(from: 0, to: size, by: BodyChecksum.pieceBytes) {
            whole.bytes.append(try blob.bytes(at: offset, count: min(BodyChecksum.pieceBytes, size - offset)))
            try whole.flush()
        }
        let end = FileHeader.size + count * KeyFile.indexSize + size
        for offset in stride(from: FileHeader.size, to: end, by: BodyChecksum.pieceBytes) {
            let bytes = try file.bytes(at: offset, count: min(BodyChecksum.pieceBytes, end - offset))
            unsafe bytes.withUnsafeBytes { unsafe checksum.add($0) }
        }
        let header = FileHeader(kind: .keys, numbers: [UInt64(count), UInt64(size), checksum.value]).encoded()
        try unsafe header.withUnsafeBytes { try unsafe steps.write($0, to: file, at: 0, as: .keysWritten) }
        try file.synchronize()
    }
}

/// Bytes on their way to a file.
private struct Piece: ~Copyable {
    static let names = 32 << 10

    let file: StateFile
    var offset: Int
    var bytes = ByteWriter(capacity: 64 << 10)

    init(file: StateFile, offset: Int) {
        self.file = file
        self.offset = offset
    }

    mutating func flushIfFull() throws {
        if bytes.count >= BodyChecksum.pieceBytes { try flush() }
    }

    mutating func flush() throws {
        guard bytes.count > 0 else { return }
        try unsafe file.write(bytes.bytes, at: offset)
        offset += bytes.count
        bytes.removeAll()
    }
}
