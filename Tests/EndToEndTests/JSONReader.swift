/// Reads JSON from bytes; tens of thousands of records are looked at many times in these tests.
struct JSONReader {
    private let bytes: [UInt8]
    private var place = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private func wrong() -> ChildError { ChildError(description: "not JSON, at byte \(place): \(excerpt)") }

    private var excerpt: String { String(decoding: bytes.prefix(400), as: UTF8.self) }

    mutating func whole() throws -> JSON {
        let value = try value()
        guard next() == nil else { throw wrong() }
        return value
    }

    /// The next byte that is not white space, not yet taken.
    private mutating func next() -> UInt8? {
        while place < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[place]) { place += 1 }
        return place < bytes.count ? bytes[place] : nil
    }

    private mutating func take(_ byte: UInt8) throws {
        guard next() == byte else { throw wrong() }
        place += 1
    }

    private mutating func value() throws -> JSON {
        switch next() {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws -> JSON {
        for offset in 0..<text.utf8CodeUnitCount { try takeExactly(text.utf8Start[offset]) }
        return value
    }

    private mutating func takeExactly(_ byte: UInt8) throws {
        guard place < bytes.count, bytes[place] == byte else { throw wrong() }
        place += 1
    }

    private mutating func object() throws -> [String: JSON] {
        var members: [String: JSON] = [:]
        try take(UInt8(ascii: "{"))
        if next() == UInt8(ascii: "}") {
            place += 1
            return members
        }
        while true {
            guard next() == UInt8(ascii: "\"") else { throw wrong() }
            let name = try string()
            try take(UInt8(ascii: ":"))
            guard members.updateValue(try value(), forKey: name) == nil else { throw wrong() }
            if next() == UInt8(ascii: "}") { break }
            try take(UInt8(ascii: ","))
        }
        place += 1
        return members
    }

    private mutating func array() throws -> [JSON] {
        var elements: [JSON] = []
        try take(UInt8(ascii: "["))
        if next() == UInt8(ascii: "]") {
            place += 1
            return elements
        }
        while true {
            elements.append(try value())
            if next() == UInt8(ascii: "]") { break }
            try take(UInt8(ascii: ","))
        }
        place += 1
        return elements
    }

    private mutating func number() throws -> JSON {
        let start = place
        while place < bytes.count,
            (0x30...0x39).contains(bytes[place]) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(bytes[place])
        {
            place += 1
        }
        guard let number = Double(String(decoding: bytes[start..<place], as: UTF8.self)) else { throw wrong() }
        return .number(number)
    }

    private mutating func string() throws -> String {
        place += 1
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\") { place += 1 }
        var text = bytes[start..<place]
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            guard bytes[place] == UInt8(ascii: "\\") else {
                text.append(bytes[place])
                place += 1
                continue
            }
            text += try escape()
        }
        try takeExactly(UInt8(ascii: "\""))
        return String(decoding: text, as: UTF8.self)
    }

    private static let plain: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
        UInt8(ascii: "\""): 34, UInt8(ascii: "\\"): 92, UInt8(ascii: "/"): 47,
    ]

    private mutating func escape() throws -> [UInt8] {
        guard place + 1 < bytes.count else { throw wrong() }
        let kind = bytes[place + 1]
        place += 2
        if let plain = Self.plain[kind] { return [plain] }
        var unit = try hexadecimal(kind)
        if (0xD800..<0xDC00).contains(unit), place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\") {
            place += 2
            unit = 0x10000 + (unit - 0xD800) << 10 + (try hexadecimal(bytes[place - 1]) - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(unit) else { throw wrong() }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal(_ kind: UInt8) throws -> UInt32 {
        guard kind == UInt8(ascii: "u"), place + 4 <= bytes.count,
            let unit = UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
        else { throw wrong() }
        place += 4
        return unit
    }
}
