/// How the sandbox behaves where Planhat's pages are silent. Each switch's first case is the default.
package struct SandboxSwitches: Sendable, Equatable {
    package enum Errors: String, CaseIterable, Sendable { case object, string, anonymous, index }
    package enum Custom: String, CaseIterable, Sendable { case merge, replace }
    package enum Nulls: String, CaseIterable, Sendable { case clear, ignore }
    package enum UnknownCustom: String, CaseIterable, Sendable { case keep, drop }
    package enum RetryAfter: String, CaseIterable, Sendable { case send, omit }
    package enum NoCompany: String, CaseIterable, Sendable { case drop, error }
    package enum Keys: String, CaseIterable, Sendable { case echo, id }
    package enum UnknownID: String, CaseIterable, Sendable { case ignore, create, error }
    package enum Window: String, CaseIterable, Sendable { case fixed, sliding }

    /// `errors`: an entry of `createdErrors` and its kin is an object with message, keys and the row; the bare message;
    /// an object with the message only; or an object with message and the row's index.
    package var errors = Errors.object
    /// `custom`: a sent `custom` object changes only the names in it, or takes the place of the whole.
    package var custom = Custom.merge
    /// `nulls`: null clears a field, or is passed over.
    package var nulls = Nulls.clear
    /// `unknown-custom`: a custom name that the account does not define is kept, or dropped without a word.
    package var unknownCustom = UnknownCustom.keep
    /// `retry-after`: whether a 429 says how long to wait.
    package var retryAfter = RetryAfter.send
    /// `no-company`: a new end user that maps to no company is dropped without a word, or an error.
    package var noCompany = NoCompany.drop
    /// `keys`: `insertsKeys` and `updatesKeys` hold the sent keys beside `_id`, or `_id` alone.
    package var keys = Keys.echo
    /// `unknown-id`: a row whose only match would be an `_id` that does not exist is passed over (counted in
    /// `nonupdates`), makes a new record, or is an error.
    package var unknownID = UnknownID.ignore
    /// `window`: the minute of the rate limit starts with its first request, or ends now.
    package var window = Window.fixed

    package init() {}

    /// What can be said on the command line, as `name=value|value` lines.
    package static let forms = [
        form("errors", Errors.self), form("custom", Custom.self), form("nulls", Nulls.self),
        form("unknown-custom", UnknownCustom.self), form("retry-after", RetryAfter.self),
        form("no-company", NoCompany.self), form("keys", Keys.self), form("unknown-id", UnknownID.self),
        form("window", Window.self),
    ]

    /// Reads `name=value` texts, one switch each.
    /// - Throws: `switch_invalid`, with what was expected.
    package init(_ texts: [String]) throws(SandboxError) {
        for text in texts { try set(text) }
    }

    private mutating func set(_ text: String) throws(SandboxError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw SandboxError(
                .switchInvalid, "\"\(text)\" is not a switch", hint: "write it as name=value: \(Self.list)")
        }
        switch parts[0] {
        case "errors": errors = try Self.choice(text, parts[1])
        case "custom": custom = try Self.choice(text, parts[1])
        case "nulls": nulls = try Self.choice(text, parts[1])
        case "unknown-custom": unknownCustom = try Self.choice(text, parts[1])
        case "retry-after": retryAfter = try Self.choice(text, parts[1])
        case "no-company": noCompany = try Self.choice(text, parts[1])
        case "keys": keys = try Self.choice(text, parts[1])
        case "unknown-id": unknownID = try Self.choice(text, parts[1])
        case "window": window = try Self.choice(text, parts[1])
        default:
            throw SandboxError(
                .switchInvalid, "there is no switch \"\(parts[0])\"", hint: "the switches are \(Self.list)")
        }
    }

    private static var list: String { forms.joined(separator: ", ") }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ text: String,
        _ value: String
    ) throws(SandboxError) -> Choice where Choice.RawValue == String {
        if let choice = Choice(rawValue: value) { return choice }
        let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw SandboxError(.switchInvalid, "switch \"\(text)\": no such value", hint: "it takes \(choices)")
    }

    private static func form<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> String
    where Choice.RawValue == String {
        name + "=" + type.allCases.map(\.rawValue).joined(separator: "|")
    }
}
