internal import Records

/// Reads a journal's frames in order. A frame that was not written whole at the end ends the journal; one that is
/// damaged with good ones after it is `state_corrupt`, but for one case: a settle frame is synced together with the open
/// frame after it, so a power cut may leave the second and not the first. Then that last open frame is given, and the
/// batch before it counts as never settled.
struct JournalReader {
    enum Frame {
        case open(OpenFrame)
        case settled(SettleFrame)
    }

    /// The second number of the header; 0 says neither.
    static let (repeats, repeatsNothing): (UInt64, UInt64) = (1, 2)

    let file: StateFile
    let run: Int64
    /// Whether its batches may be sent once more; nil of a journal that an earlier program began.
    let mayRepeat: Bool?
    private let size: Int
    /// Where the next frame begins, which is how long the good part is once there is none.
    private(set) var offset = FileHeader.size
    private(set) var frames = 0
    private var body: [UInt8] = []
    /// Where a frame is missing before the last one, and its number.
    private(set) var lost: (offset: Int, frames: Int)?

    /// nil where there is no journal, or a kill came before its header was written.
    static func open(_ path: String, mode: StateFile.Mode = .read) throws -> JournalReader? {
        guard let file = try StateFile.openIfPresent(path, mode) else { return nil }
        return try JournalReader(file)
    }

    private init?(_ file: StateFile) throws {
        self.file = file
        size = try file.size()
        guard let header = try FileHeader.read(file, at: 0, as: .journal) else {
            // Frames are written only once the header is on the disk.
            if size <= FileHeader.size { return nil }
            throw StateError.corrupt(file.path, "its header is not right")
        }
        run = Int64(bitPattern: header.numbers[0])
        switch header.numbers[1] {
        case Self.repeats: mayRepeat = true
        case Self.repeatsNothing: mayRepeat = false
        default: mayRepeat = nil
        }
    }

    /// Bytes after the last whole frame; right once `next` has returned nil.
    var tornBytes: Int { size - offset }

    mutating func next() throws -> Frame? {
        let left = size - offset
        guard left > 0 else { return nil }
        let head = try file.bytes(at: offset, count: min(JournalCoding.frameHeaderSize, left))
        guard let header = unsafe head.withUnsafeBytes({ unsafe JournalCoding.FrameHeader($0) }) else {
            return try pastLost()
        }
        guard header.number == UInt64(frames) else { throw corrupt("a frame is missing") }
        guard header.bodySize <= left - JournalCoding.frameHeaderSize else { return nil }
        body = try file.bytes(at: offset + JournalCoding.frameHeaderSize, count: header.bodySize)
        guard unsafe body.withUnsafeBytes({ unsafe Checksum.of($0) }) == header.bodyChecksum else {
            return try pastLost()
        }
        let frame = try decode(header.kind)
        offset += JournalCoding.frameHeaderSize + header.bodySize
        frames += 1
        return frame
    }

    /// The next frame's kind, batch and position, its body unread and unchecked; nil where `next` would read on with
    /// care or stop.
    mutating func skip() throws -> (isOpen: Bool, isEmpty: Bool, batch: Int, position: Int)? {
        let head = try file.bytes(at: offset, count: JournalCoding.frameHeaderSize + 8)
        guard head.count == JournalCoding.frameHeaderSize + 8,
            let header = unsafe head.withUnsafeBytes({ unsafe JournalCoding.FrameHeader($0) }),
            header.number == UInt64(frames), header.bodySize <= size - offset - JournalCoding.frameHeaderSize
        else { return nil }
        let batch = unsafe head.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: JournalCoding.frameHeaderSize, as: Int64.self)
        }
        offset += JournalCoding.frameHeaderSize + header.bodySize
        frames += 1
        let isOpen = header.kind == JournalCoding.openKind
        return (isOpen, isOpen && header.bodySize == JournalCoding.emptyOpenSize, Int(batch), frames - 1)
    }

    private func decode(_ kind: UInt32) throws -> Frame {
        do {
            return try unsafe body.withUnsafeBytes { bytes in
                switch kind {
                case JournalCoding.openKind:
                    var frame = try unsafe JournalCoding.decodeOpen(bytes)
                    frame.position = frames
                    return .open(frame)
                case JournalCoding.settledKind:
                    var frame = try unsafe JournalCoding.decodeSettled(bytes)
                    frame.position = frames
                    return .settled(frame)
                default:
                    throw ByteCursor.Malformed()
                }
            }
        } catch is ByteCursor.Malformed {
            throw corrupt("frame \(frames) says something impossible")
        }
    }

    private func corrupt(_ detail: String) -> StateError { StateError.corrupt(file.path, detail) }

    /// A bad frame with a good one after it is damage, not a torn end: its batch may have been accepted. Unless that is one
    /// open frame, the last of all, which may have reached the disk before the one frame that it was synced with.
    private mutating func pastLost() throws -> Frame? {
        guard let found = try laterFrame(from: offset + 1) else { return nil }
        let head = try file.bytes(at: found, count: JournalCoding.frameHeaderSize)
        guard lost == nil, let header = unsafe head.withUnsafeBytes({ unsafe JournalCoding.FrameHeader($0) }),
            header.kind == JournalCoding.openKind, header.number == UInt64(frames) + 1,
            try laterFrame(from: found + 1) == nil
        else { throw corrupt("frame \(frames) is not right") }
        let start = found + JournalCoding.frameHeaderSize
        let left = size - start
        let bytes = try file.bytes(at: start, count: min(left, header.bodySize))
        // An open frame that is not whole either was not synced: its batch never left.
        guard bytes.count == header.bodySize,
            unsafe bytes.withUnsafeBytes({ unsafe Checksum.of($0) }) == header.bodyChecksum
        else { return nil }
        lost = (offset, frames)
        offset = found
        frames = Int(header.number)
        return try next()
    }

    /// Where the next good frame header with a later number begins.
    private func laterFrame(from first: Int) throws -> Int? {
        let piece = 1_024 * 1_024
        var start = first
        while start < size {
            let bytes = try file.bytes(at: start, count: piece + JournalCoding.frameHeaderSize - 1)
            let found = unsafe bytes.withUnsafeBytes { bytes in
                (0..<min(piece, bytes.count)).first { place in
                    unsafe isLaterFrame(UnsafeRawBufferPointer(rebasing: bytes[place...]))
                }
            }
            if let found { return start + found }
            start += piece
        }
        return nil
    }

    private func isLaterFrame(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= JournalCoding.frameHeaderSize else { return false }
        let kind = unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        guard kind == JournalCoding.openKind || kind == JournalCoding.settledKind else { return false }
        return unsafe JournalCoding.FrameHeader(bytes).map { $0.number > UInt64(frames) } ?? false
    }
}
