internal import Records

/// The bytes of a journal's frames.
///
/// frame:   body size 4 | kind 4 | number 8 | XXH3-64 of the body 8 | XXH3-64 of the 24 bytes before 8 | body
/// open:    batch 8 | entries 4 | for each: sequence 8, key hash 16, row hash 16
/// settled: batch 8 | counts 7 x 8 | effects 4, one byte each | others 4 | for each: entry 4, outcome 1, four texts
enum JournalCoding {
    static let frameHeaderSize = 32
    /// An entry's bytes in the file are those in memory: three fields without gaps, little-endian.
    static let entrySize = MemoryLayout<OpenEntry>.stride
    static let openKind: UInt32 = 1
    static let emptyOpenSize = 12
    static let settledKind: UInt32 = 2

    struct FrameHeader {
        var bodySize: Int
        var kind: UInt32
        var number: UInt64
        var bodyChecksum: UInt64

        /// nil where these are not the bytes of a frame's header.
        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= frameHeaderSize else { return nil }
            let covered = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<24])
            guard unsafe Checksum.of(covered) == bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self) else {
                return nil
            }
            bodySize = unsafe Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            kind = unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            number = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            bodyChecksum = unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        }
    }

    /// Fills in the header of the frame whose body follows its first 32 bytes.
    static func seal(_ frame: inout ByteWriter, kind: UInt32, number: Int) {
        let body = unsafe UnsafeRawBufferPointer(rebasing: frame.bytes[frameHeaderSize...])
        frame.replace(at: 0, with: UInt32(body.count))
        frame.replace(at: 4, with: kind)
        frame.replace(at: 8, with: UInt64(number))
        unsafe frame.replace(at: 16, with: Checksum.of(body))
        let header = unsafe UnsafeRawBufferPointer(rebasing: frame.bytes[..<24])
        unsafe frame.replace(at: 24, with: Checksum.of(header))
    }

    /// Leaves room for the header.
    static func begin(_ frame: inout ByteWriter) {
        frame.removeAll()
        for _ in 0..<4 { frame.append(littleEndian: UInt64(0)) }
    }

    static func encode(_ open: OpenFrame, into frame: inout ByteWriter) {
        begin(&frame)
        frame.append(littleEndian: Int64(open.batch))
        frame.append(littleEndian: UInt32(open.entries.count))
        unsafe open.entries.withUnsafeBytes { unsafe frame.append($0) }
    }

    static func decodeOpen(_ body: UnsafeRawBufferPointer) throws -> OpenFrame {
        var cursor = unsafe ByteCursor(body)
        let batch = try count(&cursor)
        let count = try cursor.count(ofAtLeast: entrySize)
        let bytes = try unsafe cursor.slice(count * entrySize)
        // The standard library writes a count of none into the one empty array that all share.
        guard count > 0 else { return OpenFrame(batch: batch, entries: []) }
        let entries = unsafe [OpenEntry](unsafeUninitializedCapacity: count) { buffer, initialized in
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
            initialized = count
        }
        guard entries.allSatisfy({ 0...countMax ~= $0.sequence }) else { throw ByteCursor.Malformed() }
        return OpenFrame(batch: batch, entries: entries)
    }

    static func encode(_ settled: SettleFrame, into frame: inout ByteWriter) {
        begin(&frame)
        frame.append(littleEndian: Int64(settled.batch))
        let counts = [
            settled.created, settled.updated, settled.alreadyEqual, settled.sent, settled.removed, settled.requests,
        ]
        for count in counts { frame.append(littleEndian: Int64(count)) }
        frame.append(littleEndian: settled.bytesSent)
        frame.append(littleEndian: UInt32(settled.effects.count))
        for effect in settled.effects { frame.append(effect.rawValue) }
        frame.append(littleEndian: UInt32(settled.others.count))
        for other in settled.others {
            frame.append(littleEndian: UInt32(other.entryIndex))
            frame.append(number(other.outcome))
            for text in [other.reason.code, other.reason.message, other.reason.hint, other.key] {
                frame.append(counted: text)
            }
        }
    }

    static func decodeSettled(_ body: UnsafeRawBufferPointer) throws -> SettleFrame {
        var cursor = unsafe ByteCursor(body)
        var frame = SettleFrame(batch: try count(&cursor), effects: [])
        frame.created = try count(&cursor)
        frame.updated = try count(&cursor)
        frame.alreadyEqual = try count(&cursor)
        frame.sent = try count(&cursor)
        frame.removed = try count(&cursor)
        frame.requests = try count(&cursor)
        frame.bytesSent = Int64(try count(&cursor))
        let effects = try cursor.count(ofAtLeast: 1)
        frame.effects = try unsafe cursor.slice(effects).map { byte in
            guard let effect = JournalEffect(rawValue: byte) else { throw ByteCursor.Malformed() }
            return effect
        }
        for _ in 0..<(try cursor.count(ofAtLeast: 21)) { frame.others.append(try decodeOther(&cursor)) }
        guard frame.others.count <= effects, frame.others.allSatisfy({ $0.entryIndex < effects }) else {
            throw ByteCursor.Malformed()
        }
        return frame
    }

    /// More than any run comes to, and so little that all sums of it stay far from what 64 bits hold: the journal may be of
    /// a backup that somebody handed over.
    private static let countMax = 1 << 40

    private static func count(_ cursor: inout ByteCursor) throws -> Int {
        let number = try cursor.number(Int64.self)
        guard 0...Int64(countMax) ~= number else { throw ByteCursor.Malformed() }
        return Int(number)
    }

    private static func decodeOther(_ cursor: inout ByteCursor) throws -> SettledOther {
        let entry = try Int(cursor.number(UInt32.self))
        let kind = try outcome(cursor.number(UInt8.self))
        let reason = Reason(code: try cursor.text(), message: try cursor.text(), hint: try cursor.text())
        return SettledOther(entryIndex: entry, outcome: kind, reason: reason, key: try cursor.text())
    }

    // The numbers are the file format's: they stay when cases are added or moved.
    private static func number(_ outcome: OutcomeKind) -> UInt8 {
        switch outcome {
        case .invalid: 0
        case .held: 1
        case .skipped: 2
        case .rejected: 3
        case .undelivered: 4
        case .inDoubt: 5
        }
    }

    private static func outcome(_ number: UInt8) throws -> OutcomeKind {
        switch number {
        case 0: .invalid
        case 1: .held
        case 2: .skipped
        case 3: .rejected
        case 4: .undelivered
        case 5: .inDoubt
        default: throw ByteCursor.Malformed()
        }
    }
}
