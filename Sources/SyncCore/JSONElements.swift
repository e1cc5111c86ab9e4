internal import Records

/// The elements of a JSON array, one after the other and without a tree. What stands behind the array is an error too.
struct JSONElements {
    enum Element: Equatable {
        case null
        /// The bytes between the quotes, escapes and all.
        case text(ArraySlice<UInt8>)
        /// A number, `true` or `false` as it is written.
        case word(ArraySlice<UInt8>)
        /// An array or an object, as it stands.
        case nested(ArraySlice<UInt8>)
    }

    /// The bytes are no array of plain elements.
    struct Malformed: Error {}

    private let bytes: [UInt8]
    private var place = 0
    private var isFirst = true

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nil after the last.
    mutating func next() throws(Malformed) -> Element? {
        skipBlanks()
        if isFirst {
            try expect(UInt8(ascii: "["))
            skipBlanks()
        }
        if take(UInt8(ascii: "]")) {
            skipBlanks()
            guard place == bytes.count else { throw Malformed() }
            return nil
        }
        if !isFirst {
            try expect(UInt8(ascii: ","))
            skipBlanks()
        }
        isFirst = false
        return try element()
    }

    private mutating func element() throws(Malformed) -> Element {
        guard place < bytes.count else { throw Malformed() }
        switch bytes[place] {
        case UInt8(ascii: "["), UInt8(ascii: "{"): return .nested(try nested())
        case UInt8(ascii: "\""): return .text(try text())
        default:
            let start = place
            while place < bytes.count, Self.isWord(bytes[place]) { place += 1 }
            let word = bytes[start..<place]
            guard !word.isEmpty else { throw Malformed() }
            return word.elementsEqual("null".utf8) ? .null : .word(word)
        }
    }

    /// Up to the bracket that closes what opens here.
    private mutating func nested() throws(Malformed) -> ArraySlice<UInt8> {
        let start = place
        var depth = 0
        repeat {
            guard place < bytes.count else { throw Malformed() }
            switch bytes[place] {
            case UInt8(ascii: "\""):
                _ = try text()
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            place += 1
        } while depth > 0
        let found = bytes[start..<place]
        let isDocument = unsafe found.withUnsafeBytes { bytes in unsafe JSONSyntax.isDocument(bytes) }
        guard isDocument else { throw Malformed() }
        return found
    }

    private mutating func text() throws(Malformed) -> ArraySlice<UInt8> {
        place += 1
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard place < bytes.count else { throw Malformed() }
        place += 1
        return bytes[start..<place - 1]
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "E"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private mutating func skipBlanks() {
        while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(Malformed) {
        guard take(byte) else { throw Malformed() }
    }

    /// The text that the bytes between two quotes stand for. Half of a surrogate pair becomes U+FFFD.
    static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(decoding: bytes, as: UTF8.self) }
        var units: [UInt16] = []
        var rest = bytes
        while let slash = rest.firstIndex(of: UInt8(ascii: "\\")) {
            units += Array(String(decoding: rest[..<slash], as: UTF8.self).utf16)
            rest = rest[(slash + 1)...]
            guard let letter = rest.popFirst() else { break }
            switch letter {
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "u"):
                units.append(UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0xFFFD)
                rest = rest.dropFirst(4)
            default: units.append(UInt16(letter))
            }
        }
        units += Array(String(decoding: rest, as: UTF8.self).utf16)
        return String(decoding: units, as: UTF16.self)
    }
}
