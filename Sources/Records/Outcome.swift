/// Why a row or an operation did not simply arrive. `code` is stable (docs/errors.md), `message` says what is wrong
/// for the owner of the data, `hint` says what to do now. None of them contains a secret.
public struct Reason: Sendable, Hashable, Codable {
    public var code: String
    public var message: String
    public var hint: String

    public init(code: String, message: String, hint: String = "") {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

/// The one counted place in which a row that did not simply arrive ends.
public enum OutcomeKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// We stopped it before sending.
    case invalid
    /// Refused before and not yet due again, or in doubt and not yet decided.
    case held
    /// The behavior asks for nothing here.
    case skipped
    /// The destination read it and refused.
    case rejected
    /// No acceptance came and sending again is safe.
    case undelivered
    /// It may have arrived, and sending again might make a second one.
    case inDoubt = "in_doubt"
}

/// What became of one operation. Indirect, because a batch has thousands of them, nearly all accepted: so each is one
/// word instead of a reason's six.
public enum Outcome: Sendable, Hashable {
    case accepted
    indirect case rejected(Reason)
    indirect case undelivered(Reason)
    indirect case inDoubt(Reason)
}
