/// A JSON value as it stood in the text; numbers keep their digits.
package indirect enum JSONValue: Sendable, Hashable {
    package struct Member: Sendable, Hashable {
        package var name: String
        package var value: JSONValue
    }

    case null
    case boolean(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// A string's or number's text; nil for everything else.
    package var scalarText: String? {
        switch self {
        case .string(let text), .number(let text): text
        default: nil
        }
    }

    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// The text is not JSON; `offset` is the byte where it stops being so.
package struct JSONFault: Error, Hashable {
    package var offset: Int
}

/// Reads JSON from bytes without building what nobody asks for: an answer's long lists of ids are skipped, which is
/// many times faster than decoding them.
package struct JSONReader {
    /// Deeper nesting is refused, so that an answer cannot exhaust the stack.
    static let depthMax = 64

    package let bytes: [UInt8]
    package var position = 0
    private var depth = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { self.init(Array(text.utf8)) }

    /// The whole text as one value, with nothing after it.
    package static func value(_ bytes: [UInt8]) throws(JSONFault) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value()
        try reader.expectEnd()
        return value
    }

    /// The same, or nil where the text is not JSON.
    package static func valueIfAny(_ bytes: [UInt8]) -> JSONValue? {
        do { return try value(bytes) } catch { return nil }
    }

    /// Fails if anything but white space follows.
    package mutating func expectEnd() throws(JSONFault) {
        skipBlanks()
        if position != bytes.count { throw fault }
    }

    /// The first byte of the next value, or nil at the end.
    package mutating func peek() -> UInt8? {
        skipBlanks()
        return position < bytes.count ? bytes[position] : nil
    }

    package mutating func value() throws(JSONFault) -> JSONValue {
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [JSONValue.Member] = []
            try eachMember { (name, reader) throws(JSONFault) in
                members.append(JSONValue.Member(name: name, value: try reader.value()))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try eachElement { (reader) throws(JSONFault) in elements.append(try reader.value()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try skipWord("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try skipWord("false")
            return .boolean(false)
        case UInt8(ascii: "n"):
            try skipWord("null")
            return .null
        default:
            let start = position
            try skipNumber()
            return .number(String(decoding: bytes[start..<position], as: UTF8.self))
        }
    }

    /// Goes past one value, checking its structure.
    package mutating func skipValue() throws(JSONFault) {
        switch peek() {
        case UInt8(ascii: "{"):
            try members(readsNames: false) { (_, reader) throws(JSONFault) in try reader.skipValue() }
        case UInt8(ascii: "["): try eachElement { (reader) throws(JSONFault) in try reader.skipValue() }
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try skipWord("true")
        case UInt8(ascii: "f"): try skipWord("false")
        case UInt8(ascii: "n"): try skipWord("null")
        default: try skipNumber()
        }
    }

    /// Calls `body` for each member of an object; `body` reads or skips exactly the member's value.
    package mutating func eachMember(
        _ body: (String, inout JSONReader) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        try members(readsNames: true, body)
    }

    /// Calls `body` for each element of an array; `body` reads or skips exactly that element.
    package mutating func eachElement(_ body: (inout JSONReader) throws(JSONFault) -> Void) throws(JSONFault) {
        try open(UInt8(ascii: "["))
        if peek() == UInt8(ascii: "]") { return close() }
        while true {
            try body(&self)
            guard try isFollowed(endedBy: UInt8(ascii: "]")) else { return close() }
        }
    }

    private mutating func members(
        readsNames: Bool, _ body: (String, inout JSONReader) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        try open(UInt8(ascii: "{"))
        if peek() == UInt8(ascii: "}") { return close() }
        while true {
            guard peek() == UInt8(ascii: "\"") else { throw fault }
            let name = readsNames ? try string() : ""
            if !readsNames { try skipString() }
            guard peek() == UInt8(ascii: ":") else { throw fault }
            position += 1
            try body(name, &self)
            guard try isFollowed(endedBy: UInt8(ascii: "}")) else { return close() }
        }
    }

    private mutating func open(_ bracket: UInt8) throws(JSONFault) {
        guard peek() == bracket, depth < Self.depthMax else { throw fault }
        position += 1
        depth += 1
    }

    private mutating func close() {
        position += 1
        depth -= 1
    }

    /// True at a comma, which is passed; false at `end`, which is not.
    private mutating func isFollowed(endedBy end: UInt8) throws(JSONFault) -> Bool {
        switch peek() {
        case UInt8(ascii: ","):
            position += 1
            return true
        case end: return false
        default: throw fault
        }
    }
}

extension JSONReader {
    private var fault: JSONFault { JSONFault(offset: position) }

    private mutating func skipBlanks() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func skipWord(_ word: String) throws(JSONFault) {
        for byte in word.utf8 {
            guard position < bytes.count, bytes[position] == byte else { throw fault }
            position += 1
        }
    }

    private mutating func skipNumber() throws(JSONFault) {
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        try skipDigits()
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
        if position == start { throw fault }
    }

    private mutating func skipDigits() throws(JSONFault) {
        let start = position
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 { position += 1 }
        if position == start { throw fault }
    }

    /// From the opening quote to behind the closing one; escapes are not looked at.
    fileprivate mutating func skipString() throws(JSONFault) {
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") { position += 1 }
        }
        position = bytes.count
        throw fault
    }

    package mutating func string() throws(JSONFault) -> String {
        guard peek() == UInt8(ascii: "\"") else { throw fault }
        let start = position + 1
        try skipString()
        let raw = bytes[start..<(position - 1)]
        if !raw.contains(UInt8(ascii: "\\")) { return String(decoding: raw, as: UTF8.self) }
        return try Self.unescaped(raw)
    }

    private static func unescaped(_ raw: ArraySlice<UInt8>) throws(JSONFault) -> String {
        var units: [UInt8] = []
        units.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            let byte = raw[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                units.append(byte)
                continue
            }
            guard index < raw.endIndex else { throw JSONFault(offset: index) }
            let escape = raw[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(escape)
            case UInt8(ascii: "u"): units += String(try scalar(raw, &index)).utf8
            default: throw JSONFault(offset: index)
            }
        }
        return String(decoding: units, as: UTF8.self)
    }

    /// The character of `\uXXXX` or of a surrogate pair; half a pair becomes U+FFFD.
    private static func scalar(_ raw: ArraySlice<UInt8>, _ index: inout Int) throws(JSONFault) -> Character {
        let high = try unit(raw, &index)
        guard high >= 0xD800, high < 0xE000 else { return Unicode.Scalar(high).map { Character($0) } ?? "\u{FFFD}" }
        var next = index
        if high < 0xDC00, raw[next...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
            next += 2
            let low = try unit(raw, &next)
            if low >= 0xDC00, low < 0xE000 {
                index = next
                let code = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
                return Unicode.Scalar(code).map { Character($0) } ?? "\u{FFFD}"
            }
        }
        return "\u{FFFD}"
    }

    private static func unit(_ raw: ArraySlice<UInt8>, _ index: inout Int) throws(JSONFault) -> UInt32 {
        guard index + 4 <= raw.endIndex,
            let unit = UInt32(String(decoding: raw[index..<(index + 4)], as: UTF8.self), radix: 16)
        else { throw JSONFault(offset: index) }
        index += 4
        return unit
    }
}
