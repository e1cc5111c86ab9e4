internal import Records

#if _endian(big)
    #error("The state files are little-endian and read in place; this machine is big-endian.")
#endif

/// The first 64 bytes of every state file (and the last 64 of a sealed plan): what it is, its format's version, five
/// numbers of the format's own, and a checksum. The layout of these 64 bytes is the same in every version, so that
/// "newer" and "damaged" can always be told apart.
///
/// magic 8 | version 4 | detail 4 | numbers 5 x 8 | XXH3-64 of the 56 bytes before
struct FileHeader {
    static let size = 64

    enum Kind: String {
        case snapshot = "SLUICESN"
        case journal = "SLUICEJR"
        case plan = "SLUICEPL"
        case planSeal = "SLUICEPS"
        case pending = "SLUICEPE"
        case closed = "SLUICECL"
        case keys = "SLUICEKY"
        case keyLog = "SLUICEKL"

        /// The version this program writes; it reads it and, but for plans, those below. An older plan counts as damaged:
        /// its run is planned anew.
        var version: UInt32 { self == .plan ? 2 : 1 }
        var oldestVersion: UInt32 { self == .plan ? 2 : 1 }
    }

    enum Reading {
        case good(FileHeader)
        /// Not 64 bytes, another magic or a wrong checksum.
        case damaged
        case newer(UInt32)
    }

    var kind: Kind
    var detail: UInt32 = 0
    var numbers: [UInt64]

    init(kind: Kind, detail: UInt32 = 0, numbers: [UInt64]) {
        self.kind = kind
        self.detail = detail
        self.numbers = numbers + Array(repeating: 0, count: 5 - numbers.count)
    }

    /// The 64 bytes.
    func encoded(version: UInt32? = nil) -> [UInt8] {
        var writer = ByteWriter(capacity: Self.size)
        writer.append(kind.rawValue)
        writer.append(littleEndian: version ?? kind.version)
        writer.append(littleEndian: detail)
        for number in numbers { writer.append(littleEndian: number) }
        let checksum = unsafe Checksum.of(writer.bytes)
        writer.append(littleEndian: checksum)
        return unsafe Array(writer.bytes)
    }

    static func read(_ bytes: UnsafeRawBufferPointer, as kind: Kind) -> Reading {
        guard bytes.count >= size, unsafe bytes.prefix(8).elementsEqual(kind.rawValue.utf8) else { return .damaged }
        let covered = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<56])
        let checksum = unsafe bytes.loadUnaligned(fromByteOffset: 56, as: UInt64.self)
        guard unsafe Checksum.of(covered) == checksum else { return .damaged }
        let version = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        guard version <= kind.version else { return .newer(version) }
        guard version >= kind.oldestVersion else { return .damaged }
        let numbers = (0..<5).map { unsafe bytes.loadUnaligned(fromByteOffset: 16 + $0 * 8, as: UInt64.self) }
        let detail = unsafe bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
        return .good(FileHeader(kind: kind, detail: detail, numbers: numbers))
    }

    /// nil where damaged; throws `state_newer`.
    static func read(_ bytes: UnsafeRawBufferPointer, as kind: Kind, path: String) throws -> FileHeader? {
        switch unsafe read(bytes, as: kind) {
        case .good(let header): return header
        case .damaged: return nil
        case .newer(let version): throw StateError.newer(path, version: version)
        }
    }

    /// The header at `offset` of an open file.
    static func read(_ file: StateFile, at offset: Int, as kind: Kind) throws -> FileHeader? {
        let bytes = try file.bytes(at: offset, count: size)
        return try unsafe bytes.withUnsafeBytes { try unsafe read($0, as: kind, path: file.path) }
    }
}
