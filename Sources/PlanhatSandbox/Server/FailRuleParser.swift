/// Reads a `--fail` text.
struct FailRuleParser {
    private struct Word {
        let column: Int
        let name: String
        let value: String?
    }

    private static let actions =
        "status=CODE, html, hang, hang-before, drop-before, drop-after, cut-answer, drip, refuse"

    private let text: String
    private var words: [Word]

    static func rule(_ text: String) throws(SandboxError) -> FailRule {
        var parser = FailRuleParser(text: text, words: try words(text))
        return try parser.parse()
    }

    private mutating func parse() throws(SandboxError) -> FailRule {
        var rule = FailRule(action: try action())
        rule.method = try takeText("method")?.uppercased()
        rule.path = try takeText("path")
        if let path = rule.path, !path.hasPrefix("/") { throw failure("path must start with /, as path=/companies") }
        rule.every = try takeNumber("every", from: 1) ?? 1
        rule.times = try takeNumber("times", from: 1)
        rule.after = try takeNumber("after", from: 0) ?? 0
        if case .status = rule.action { rule.retryAfter = try takeNumber("retry-after", from: 0) }
        if let left = words.first {
            throw failure("\"\(left.name)\" (column \(left.column)) says nothing here")
        }
        return rule
    }

    private mutating func action() throws(SandboxError) -> FailRule.Action {
        let names = ["html", "hang", "hang-before", "drop-before", "drop-after", "cut-answer", "drip", "refuse"]
        let found = words.filter { $0.value == nil && names.contains($0.name) }
        guard found.count <= 1 else {
            throw failure("\"\(found[1].name)\" (column \(found[1].column)) is a second action; a rule has one")
        }
        guard let name = found.first?.name else {
            guard let status = try takeNumber("status", from: 100) else { throw failure("no action") }
            guard status < 600 else { throw failure("status must be from 100 to 599") }
            return .status(status, isProcessed: takeWord("processed"), message: try takeText("message"))
        }
        _ = takeWord(name)
        switch name {
        case "html": return .html(status: try takeNumber("status", from: 200) ?? 200)
        case "hang", "hang-before": return .hang(seconds: try takeSeconds(), isProcessed: name == "hang")
        case "drip": return .drip(seconds: try takeSeconds())
        case "drop-before", "drop-after": return .drop(isProcessed: name == "drop-after")
        case "refuse": return try refusal()
        default: return .cutAnswer
        }
    }

    private mutating func takeSeconds() throws(SandboxError) -> Double {
        let text = try takeText("seconds") ?? "30"
        guard let seconds = Double(text), seconds >= 0, seconds <= 3_600 else {
            throw failure("seconds must be a number from 0 to 3600, not \"\(text)\"")
        }
        return seconds
    }

    /// `refuse field=NAME value=TEXT`, `refuse where NAME=TEXT`, or `refuse all`.
    private mutating func refusal() throws(SandboxError) -> FailRule.Action {
        let isPermission = takeWord("permission")
        let message = try takeText("message")
        if let index = words.firstIndex(where: { $0.value == nil && $0.name == "where" }) {
            guard index + 1 < words.count, let value = words[index + 1].value else {
                throw failure("after \"where\" (column \(words[index].column)) FIELD=VALUE is expected")
            }
            let field = words[index + 1].name
            words.removeSubrange(index...(index + 1))
            return .refuse(field: field, value: value, message: message, isPermission: isPermission)
        }
        if takeWord("all") { return .refuse(field: "", value: "", message: message, isPermission: isPermission) }
        guard let field = try takeText("field"), let value = try takeText("value") else {
            throw failure("refuse needs where FIELD=VALUE, field=NAME value=TEXT, or all")
        }
        return .refuse(field: field, value: value, message: message, isPermission: isPermission)
    }

    private mutating func takeWord(_ name: String) -> Bool {
        guard let index = words.firstIndex(where: { $0.name == name && $0.value == nil }) else { return false }
        words.remove(at: index)
        return true
    }

    private mutating func takeText(_ name: String) throws(SandboxError) -> String? {
        guard let index = words.firstIndex(where: { $0.name == name }) else { return nil }
        let word = words.remove(at: index)
        guard let value = word.value else {
            throw failure("\(name) (column \(word.column)) needs a value: \(name)=…")
        }
        return value
    }

    private mutating func takeNumber(_ name: String, from least: Int) throws(SandboxError) -> Int? {
        guard let text = try takeText(name) else { return nil }
        guard let number = Int(text), number >= least else {
            throw failure("\(name) must be a whole number from \(least), not \"\(text)\"")
        }
        return number
    }

    private func failure(_ what: String) -> SandboxError { Self.failure(text, what) }

    private static func failure(_ text: String, _ what: String) -> SandboxError {
        SandboxError(
            .failRuleInvalid, "fail rule \"\(text)\": \(what)",
            hint: "a rule is one of \(actions), then method= path= every= times= after=; see docs/sandbox.md")
    }

    /// Splits at spaces outside quotes; a word's name ends at its first `=`.
    private static func words(_ text: String) throws(SandboxError) -> [Word] {
        var words: [Word] = []
        var name = ""
        var value: String?
        var start: Int?
        var isQuoted = false
        for (index, character) in (text + " ").enumerated() {
            if character == "\"" {
                isQuoted.toggle()
                start = start ?? index
            } else if character == " " && !isQuoted {
                if let column = start { words.append(Word(column: column + 1, name: name, value: value)) }
                (name, value, start) = ("", nil, nil)
            } else {
                start = start ?? index
                if character == "=" && value == nil {
                    value = ""
                } else if value != nil {
                    value?.append(character)
                } else {
                    name.append(character)
                }
            }
        }
        guard !isQuoted else { throw failure(text, "a quote is not closed") }
        return words
    }
}
