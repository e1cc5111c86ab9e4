/// Why the sandbox cannot start or go on.
package struct SandboxError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case switchInvalid = "sandbox_switch_invalid"
        case failRuleInvalid = "sandbox_fail_rule_invalid"
        case addressInvalid = "sandbox_address_invalid"
        case addressInUse = "sandbox_address_in_use"
        case dataCorrupt = "sandbox_data_corrupt"
        case dataUnreadable = "sandbox_data_unreadable"
        case dataUnwritable = "sandbox_data_unwritable"
    }

    /// In docs/errors.md.
    package let code: String
    package let message: String
    package let hint: String

    init(_ code: Code, _ message: String, hint: String) {
        self.code = code.rawValue
        self.message = message
        self.hint = hint
    }

    package var description: String { "\(message) (\(hint))" }
}
