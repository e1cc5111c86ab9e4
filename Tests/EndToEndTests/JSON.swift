/// A JSON value to look into: what is not there is null.
enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(parsing text: String) throws {
        var reader = JSONReader(bytes: Array(text.utf8))
        self = try reader.whole()
    }

    subscript(_ name: String) -> JSON {
        if case .object(let members) = self { return members[name] ?? .null }
        return .null
    }

    subscript(_ index: Int) -> JSON { list.indices.contains(index) ? list[index] : .null }

    var list: [JSON] {
        if case .array(let elements) = self { return elements }
        return []
    }

    var members: [String: JSON] {
        if case .object(let members) = self { return members }
        return [:]
    }

    var keys: Set<String> { Set(members.keys) }

    var int: Int? {
        if case .number(let value) = self { return Int(exactly: value) }
        return nil
    }

    var string: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }
}

/// What can be asked of one run of `run --json`, `runs --json` and `show --json`.
extension JSON {
    var state: String { self["state"].string ?? "?" }
    func rows(_ name: String) -> Int { self["rows"][name].int ?? -1 }
    func operations(_ name: String) -> Int { self["operations"][name].int ?? -1 }

    static let finalStates: Set<String> = [
        "succeeded", "completed_with_rejections", "stopped_by_guard", "failed", "cancelled", "skipped",
    ]

    /// Whether the figures of the run add up, as they must at the end of every run.
    var isBalanced: Bool {
        let rows = ["unchanged", "invalid", "held", "skipped", "deferred", "planned"].map { self.rows($0) }
        let ends = ["accepted", "rejected", "undelivered", "in_doubt"].map { operations($0) }
        let kinds = ["created", "updated", "already_equal", "sent", "removed"].map { operations($0) }
        return (rows + ends + kinds).allSatisfy { $0 >= 0 }
            && self.rows("scanned") + self.rows("carried") == rows.reduce(0, +)
            && operations("planned") + operations("removals") == ends.reduce(0, +)
            && operations("accepted") == kinds.reduce(0, +)
    }
}
