/// Why a text is not JSON, and at which byte.
package struct JSONError: Error, Equatable {
    package let message: String
    package let offset: Int
}

/// What a JSON value is.
package enum JSONKind: UInt8, Sendable {
    case null, `false`, `true`, number, string, array, object
}

/// Reads JSON from bytes, value by value, without making objects. Values are copied out in a canonical form: no white
/// space, strings with the fewest possible escapes, numbers as they were written. So two values that say the same
/// (numbers aside) have the same bytes.
package struct JSONReader: ~Copyable {
    /// Arrays and objects nested deeper than this are refused.
    package static let depthMax = 64

    let bytes: [UInt8]
    private(set) var position = 0

    /// - Throws: where the bytes are not UTF-8.
    package init(_ bytes: [UInt8]) throws(JSONError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONError(message: "the text is not UTF-8", offset: 0)
        }
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The kind of the next value, which is not read yet.
    package mutating func peek() throws(JSONError) -> JSONKind {
        skipSpace()
        guard position < bytes.count else { throw failure("the text ends where a value should be") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"): return .true
        case UInt8(ascii: "f"): return .false
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw failure("no JSON value starts like this")
        }
    }

    /// Fails unless only white space is left.
    package mutating func expectEnd() throws(JSONError) {
        skipSpace()
        guard position == bytes.count else { throw failure("something follows the value") }
    }

    /// Copies the next value, in canonical form, behind what `out` holds.
    @discardableResult
    package mutating func copyValue(into out: inout [UInt8], depth: Int = 0) throws(JSONError) -> JSONKind {
        let kind = try peek()
        switch kind {
        case .null: try copyWord("null", into: &out)
        case .true: try copyWord("true", into: &out)
        case .false: try copyWord("false", into: &out)
        case .number: try copyNumber(into: &out)
        case .string: try copyString(into: &out)
        case .array: try copyArray(into: &out, depth: depth)
        case .object: try copyObject(into: &out, depth: depth)
        }
        return kind
    }

    /// Steps into an array or object. Returns false where it is empty and has been left again.
    package mutating func enter(_ kind: JSONKind) throws(JSONError) -> Bool {
        position += 1
        skipSpace()
        guard position < bytes.count else { throw failure("the text ends too early") }
        guard bytes[position] == Self.closing(kind) else { return true }
        position += 1
        return false
    }

    /// After an element: true where another follows, false where the array or object has been left.
    package mutating func hasNext(in kind: JSONKind) throws(JSONError) -> Bool {
        skipSpace()
        guard position < bytes.count else { throw failure("the text ends too early") }
        let byte = bytes[position]
        if byte == Self.closing(kind) {
            position += 1
            return false
        }
        guard byte == UInt8(ascii: ",") else {
            throw failure("expected a comma or \(kind == .array ? "]" : "}")")
        }
        position += 1
        return true
    }

    /// Copies a property's name (canonical, with its quotes) and steps over the colon.
    package mutating func copyName(into out: inout [UInt8]) throws(JSONError) {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw failure("expected a property name in quotes")
        }
        try copyString(into: &out)
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { throw failure("expected a colon") }
        position += 1
    }

    func failure(_ message: String) -> JSONError { JSONError(message: message, offset: position) }

    private static func closing(_ kind: JSONKind) -> UInt8 { kind == .array ? UInt8(ascii: "]") : UInt8(ascii: "}") }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func copyWord(_ word: StaticString, into out: inout [UInt8]) throws(JSONError) {
        let wanted = Array(word.description.utf8)
        let end = position + wanted.count
        guard end <= bytes.count, bytes[position..<end].elementsEqual(wanted) else {
            throw failure("expected \(word)")
        }
        out.append(contentsOf: wanted)
        position = end
    }

    private mutating func copyArray(into out: inout [UInt8], depth: Int) throws(JSONError) {
        guard depth < Self.depthMax else { throw failure("nested deeper than \(Self.depthMax) levels") }
        out.append(UInt8(ascii: "["))
        var isMore = try enter(.array)
        while isMore {
            try copyValue(into: &out, depth: depth + 1)
            isMore = try hasNext(in: .array)
            if isMore { out.append(UInt8(ascii: ",")) }
        }
        out.append(UInt8(ascii: "]"))
    }

    private mutating func copyObject(into out: inout [UInt8], depth: Int) throws(JSONError) {
        guard depth < Self.depthMax else { throw failure("nested deeper than \(Self.depthMax) levels") }
        out.append(UInt8(ascii: "{"))
        var isMore = try enter(.object)
        while isMore {
            try copyName(into: &out)
            out.append(UInt8(ascii: ":"))
            try copyValue(into: &out, depth: depth + 1)
            isMore = try hasNext(in: .object)
            if isMore { out.append(UInt8(ascii: ",")) }
        }
        out.append(UInt8(ascii: "}"))
    }

    private mutating func copyNumber(into out: inout [UInt8]) throws(JSONError) {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits()
        }
        out.append(contentsOf: bytes[start..<position])
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > start else { throw failure("expected a digit") }
    }

    private mutating func copyString(into out: inout [UInt8]) throws(JSONError) {
        out.append(UInt8(ascii: "\""))
        position += 1
        var run = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                out.append(contentsOf: bytes[run...position])
                position += 1
                return
            }
            guard byte >= 0x20 else { throw failure("a control character in a string must be escaped") }
            position += 1
            guard byte == UInt8(ascii: "\\") else { continue }
            out.append(contentsOf: bytes[run..<(position - 1)])
            JSONWriter.appendEscaped(try readEscape(), to: &out)
            run = position
        }
        throw failure("the text ends inside a string")
    }

    private mutating func readEscape() throws(JSONError) -> Unicode.Scalar {
        guard position < bytes.count else { throw failure("the text ends inside a string") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try readUnicodeEscape()
        default: throw failure("no such escape in a string")
        }
    }

    /// The four digits after `\u`, with the second half of a pair. Half a pair alone becomes U+FFFD, as in a database.
    private mutating func readUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let unit = try readHexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return "\u{FFFD}" }
        let mark = position
        position += 2
        let low = try readHexadecimal()
        guard (0xDC00...0xDFFF).contains(low) else {
            position = mark
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func readHexadecimal() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure("the text ends inside a string") }
        var unit: UInt32 = 0
        for byte in bytes[position..<(position + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }
}
