/// The value of a connection's setting as the project file says it: nothing is looked up yet.
package struct SettingValue: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case literal(String)
        /// `${NAME}` or `${NAME:-default}`; as in a shell the default also replaces an empty value.
        case variable(String, default: String?)
    }

    package enum Content: Sendable, Hashable {
        /// Text with references to variables in it.
        case text([Part])
        /// The content of a file, without its last line break.
        case file(String)
        /// A secret that is kept, sealed, in the state directory.
        case secret(String)
    }

    package var content: Content
    /// Where the value stands.
    package var location: Location
    /// The absolute directory of the file that says it; relative paths begin there.
    package var directory: String

    package init(_ content: Content, location: Location, directory: String) {
        self.content = content
        self.location = location
        self.directory = directory
    }

    /// The text where nothing has to be looked up for it.
    package var literal: String? {
        guard case .text(let parts) = content else { return nil }
        var text = ""
        for part in parts {
            guard case .literal(let piece) = part else { return nil }
            text += piece
        }
        return text
    }

    /// The variables that the value refers to.
    package var variableNames: [String] {
        guard case .text(let parts) = content else { return [] }
        return parts.compactMap { part in
            if case .variable(let name, _) = part { name } else { nil }
        }
    }
}

/// Reads `${NAME}`, `${NAME:-default}` and `$${` (which stands for `${`) in a text.
struct ReferenceText {
    struct Malformed: Error {
        var reference: String
        var message: String
    }

    static func parse(_ text: String) throws(Malformed) -> [SettingValue.Part] {
        var parts: [SettingValue.Part] = []
        var literal = ""
        var rest = text[...]
        while let start = rest.firstIndex(of: "$") {
            literal += rest[..<start]
            rest = rest[start...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Malformed(reference: String(rest.prefix(40)), message: "has no closing }")
                }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(try variable(rest[rest.index(rest.startIndex, offsetBy: 2)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty || parts.isEmpty { parts.append(.literal(literal)) }
        return parts
    }

    private static func variable(_ text: Substring) throws(Malformed) -> SettingValue.Part {
        let shown = "${\(text.prefix(40))}"
        var name = text
        var fallback: String?
        if let colon = text.firstIndex(of: ":") {
            name = text[..<colon]
            let tail = text[text.index(after: colon)...]
            guard tail.first == "-" else { throw Malformed(reference: shown, message: "is not understood") }
            fallback = String(tail.dropFirst())
        }
        guard isName(name) else {
            throw Malformed(
                reference: shown,
                message: name.isEmpty ? "names no variable" : "has a character that a variable's name cannot have")
        }
        return .variable(String(name), default: fallback)
    }

    /// Letters, digits and `_`, not beginning with a digit.
    static func isName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
    }
}
