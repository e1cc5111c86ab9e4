public import Records

/// What an error means for the one question the runner asks: what now?
public enum Disposition: Sendable, Hashable {
    /// The same request may succeed later; not before `after`, where the other side said so.
    case retry(after: Duration?)
    /// Somebody has to change a setting, a credential or a permission first.
    case fixConfiguration
    /// Neither waiting nor configuration helps: the run ends.
    case stop
}

/// An error at one of the two edges. No text of it ever contains a secret or a row's data beyond its key.
public struct ConnectorError: Error, Sendable, Hashable {
    /// Stable, documented in docs/errors.md, also the metric's label.
    public var code: String
    /// One sentence for the owner of the data.
    public var message: String
    /// What to do now.
    public var hint: String
    public var disposition: Disposition
    /// True only if the request is known not to have been carried out (refused before it was read, rate limited,
    /// never connected). False means: it may have happened.
    public var isKnownUnsent: Bool
    /// The declared setting that is at fault, where it is one: a form says the message there.
    public var setting: String?

    public init(
        code: String, message: String, hint: String, disposition: Disposition, isKnownUnsent: Bool = false,
        setting: String? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.disposition = disposition
        self.isKnownUnsent = isKnownUnsent
        self.setting = setting
    }

    public var reason: Reason { Reason(code: code, message: message, hint: hint) }
}

public typealias SourceError = ConnectorError
public typealias DestinationError = ConnectorError

/// Is told of a connection test while it goes on: all that it has found so far, each time a step begins. Called from
/// whichever thread does the test, one call after the other.
public typealias CheckProgress = @Sendable (ConnectionReport) -> Void

/// What a connection test found, step by step. Later steps are left out once one has failed.
public struct ConnectionReport: Sendable, Hashable {
    public struct Step: Sendable, Hashable {
        /// What was tried, in a few words (`address resolves`, `token accepted`).
        public var step: String
        public var isOK: Bool
        public var message: String
        /// Empty where the step passed.
        public var hint: String
        /// False where it could not be tried, only looked at: a setting that nothing but writing would prove.
        public var isTried: Bool
        /// What of this step works but deserves a look: it did not simply pass.
        public var warnings: [Reason]

        public init(
            step: String, isOK: Bool, message: String, hint: String = "", isTried: Bool = true,
            warnings: [Reason] = []
        ) {
            self.step = step
            self.isOK = isOK
            self.message = message
            self.hint = hint
            self.isTried = isTried
            self.warnings = warnings
        }
    }

    /// Where the connection goes, without credentials.
    public var address: String
    public var steps: [Step]
    /// The step that is going on; nil once the test has ended.
    public var running: String?
    /// Things that work but deserve a look, those of the steps among them; never a refusal.
    public var warnings: [Reason]

    public init(address: String, steps: [Step] = [], warnings: [Reason] = []) {
        self.address = address
        self.steps = steps
        self.warnings = warnings
    }

    public var isOK: Bool { steps.allSatisfy(\.isOK) }

    /// Tells that a step begins, with all that was found before it.
    public mutating func begin(_ step: String, _ told: CheckProgress) {
        running = step
        told(self)
    }

    /// Notes how the step that was going on ended, with its warnings; one that is known already is not told twice.
    public mutating func end(_ step: Step) {
        running = nil
        steps.append(step)
        warnings += step.warnings.filter { !warnings.contains($0) }
    }
}
