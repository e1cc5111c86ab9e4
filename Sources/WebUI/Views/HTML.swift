/// A piece of a page. A literal is markup; whatever is put into it is text and is escaped, unless it is markup itself:
///
///     let cell: HTML = "<td>\(record.key)</td>"
///
/// So a value from outside never becomes markup. Attribute
/// values stand in double quotes, always.
package struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// As it goes over the wire.
    package private(set) var source: String

    package init(stringLiteral value: String) { source = value }

    package init(stringInterpolation: Interpolation) { source = stringInterpolation.source }

    /// Text, escaped.
    package init(_ text: String) { source = Self.escaped(text) }

    package static let empty: HTML = ""

    package var isEmpty: Bool { source.isEmpty }

    package static func + (left: HTML, right: HTML) -> HTML {
        var sum = left
        sum.source += right.source
        return sum
    }

    package static func += (left: inout HTML, right: HTML) { left.source += right.source }

    package struct Interpolation: StringInterpolationProtocol {
        fileprivate(set) var source = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            source.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        package mutating func appendLiteral(_ literal: String) { source += literal }
        package mutating func appendInterpolation(_ text: String) { source += HTML.escaped(text) }
        package mutating func appendInterpolation(_ number: Int) { source += String(number) }
        package mutating func appendInterpolation(_ number: Int64) { source += String(number) }
        package mutating func appendInterpolation(_ part: HTML) { source += part.source }
        package mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { source += part.source } }

        /// Nothing where there is no part.
        package mutating func appendInterpolation(_ part: HTML?) { source += part?.source ?? "" }
    }

    /// The five characters that mean something in HTML, in text as in quoted attribute values, and control characters,
    /// which a page may not hold.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { needsEscape($0) }) else { return text }
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): out += Array("&amp;".utf8)
            case UInt8(ascii: "<"): out += Array("&lt;".utf8)
            case UInt8(ascii: ">"): out += Array("&gt;".utf8)
            case UInt8(ascii: "\""): out += Array("&quot;".utf8)
            case UInt8(ascii: "'"): out += Array("&#39;".utf8)
            case _ where needsEscape(byte): out += [0xEF, 0xBF, 0xBD]
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"): true
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): false
        default: byte < 0x20 || byte == 0x7F
        }
    }
}

extension Sequence {
    /// Each element as markup, in order.
    func html(_ body: (Element) throws -> HTML) rethrows -> HTML {
        var all = HTML.empty
        for element in self { all += try body(element) }
        return all
    }
}
