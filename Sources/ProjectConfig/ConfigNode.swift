/// A YAML node with its place: what the project is decoded from after includes and overrides.
struct ConfigNode: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var key: String
        var keyLocation: Location
        var value: ConfigNode
    }

    enum Content: Sendable, Hashable {
        /// `isPlain` is false for quoted and block texts, which are never a number, a boolean or null.
        case scalar(String, isPlain: Bool)
        case list([ConfigNode])
        case mapping([Entry])
    }

    var content: Content
    var location: Location

    /// What a scalar means; nil for lists and mappings.
    var scalar: CoreScalar? {
        guard case .scalar(let text, let isPlain) = content else { return nil }
        return isPlain ? CoreScalar(plain: text) : .text(text)
    }

    /// The text as it was written, for everything but lists, mappings and null.
    var text: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }

    var entries: [Entry]? {
        guard case .mapping(let entries) = content else { return nil }
        return entries
    }

    var isNull: Bool { scalar == .null }

    /// What a person would call it.
    var kindWord: String {
        switch content {
        case .mapping: "a mapping"
        case .list: "a list"
        case .scalar(let text, _):
            switch scalar {
            case .null: "nothing"
            case .boolean(let flag): flag ? "true" : "false"
            case .integer, .float: "the number \(text.prefix(40))"
            default: "the text `\(text.prefix(40))`"
            }
        }
    }
}

/// A plain scalar by the core schema of YAML 1.2.2 (section 10.3.2): `yes`, `no`, `on` and `off` are texts.
enum CoreScalar: Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Also whole numbers too large for 64 bits; the text as written.
    case float(String)
    case text(String)

    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .boolean(true)
        case "false", "False", "FALSE": self = .boolean(false)
        case ".nan", ".NaN", ".NAN": self = .float(text)
        default: self = Self.number(text) ?? .text(text)
        }
    }

    private static func number(_ text: String) -> CoreScalar? {
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return nil }
        if text.hasPrefix("0o") { return Int64(text.dropFirst(2), radix: 8).map { .integer($0) } }
        if text.hasPrefix("0x") { return Int64(text.dropFirst(2), radix: 16).map { .integer($0) } }
        let unsigned = first == UInt8(ascii: "+") || first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        if [".inf", ".Inf", ".INF"].contains(String(unsigned)) { return .float(text) }
        if !unsigned.isEmpty, unsigned.utf8.allSatisfy(isDigit) {
            return Int64(text).map { .integer($0) } ?? .float(text)
        }
        return isDecimal(unsigned) ? .float(text) : nil
    }

    /// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isDecimal(_ text: Substring) -> Bool {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard parts.count <= 2, let mantissa = parts.first else { return false }
        if parts.count == 2 {
            let exponent = parts[1].first == "+" || parts[1].first == "-" ? parts[1].dropFirst() : parts[1]
            if exponent.isEmpty || !exponent.utf8.allSatisfy(isDigit) { return false }
        }
        let halves = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, halves.allSatisfy({ $0.utf8.allSatisfy(isDigit) }) else { return false }
        return !halves[0].isEmpty || (halves.count == 2 && !halves[1].isEmpty)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}
