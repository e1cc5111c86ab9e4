/// Writes JSON bytes. Commas are the writer's business: `member`, `element` and their kin put them where they belong.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    package mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    /// Writes a property's name and its colon.
    package mutating func name(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Says that the raw bytes written last were a name with its colon.
    package mutating func continueMember() { needsComma = false }

    /// Says that an element stands before what this writer holds: the next one gets a comma.
    package mutating func continueList() { needsComma = true }

    package mutating func string(_ text: String) {
        separate()
        Self.appendString(text, to: &bytes)
        needsComma = true
    }

    package mutating func number(_ number: Int) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
        needsComma = true
    }

    /// Writes a value that is JSON already.
    package mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    package mutating func member(_ name: String, _ text: String) {
        self.name(name)
        string(text)
    }

    package mutating func member(_ name: String, _ number: Int) {
        self.name(name)
        self.number(number)
    }

    package mutating func member(_ name: String, raw json: some Collection<UInt8>) {
        self.name(name)
        raw(json)
    }

    /// A byte between two JSON values, as the line feed of JSON lines.
    package mutating func lineFeed() {
        bytes.append(0x0A)
        needsComma = false
    }

    /// Gives the bytes away and starts anew.
    package mutating func take() -> [UInt8] {
        defer {
            bytes.removeAll(keepingCapacity: true)
            needsComma = false
        }
        return bytes
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// Appends `text` as a JSON string with the fewest escapes.
    static func appendString(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars { appendEscaped(scalar, to: &out) }
        out.append(UInt8(ascii: "\""))
    }

    static func appendEscaped(_ scalar: Unicode.Scalar, to out: inout [UInt8]) {
        switch scalar {
        case "\"", "\\":
            out.append(UInt8(ascii: "\\"))
            out.append(UInt8(ascii: scalar))
        case "\n": out.append(contentsOf: [0x5C, UInt8(ascii: "n")])
        case "\r": out.append(contentsOf: [0x5C, UInt8(ascii: "r")])
        case "\t": out.append(contentsOf: [0x5C, UInt8(ascii: "t")])
        case "\u{8}": out.append(contentsOf: [0x5C, UInt8(ascii: "b")])
        case "\u{C}": out.append(contentsOf: [0x5C, UInt8(ascii: "f")])
        case "\u{0}"..<"\u{20}":
            let digits = String(scalar.value, radix: 16)
            out.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        default: out.append(contentsOf: UTF8.encode(scalar) ?? .init())
        }
    }
}
