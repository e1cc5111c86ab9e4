internal import Foundation

/// What a name and a password have to be.
package enum PasswordRules {
    package static let charactersMin = 12
    package static let bytesMax = 1_024
    package static let nameCharactersMax = 64
    static let differentCharactersMin = 5

    /// What is wrong with the password, for the person who chose it; nil if nothing.
    package static func problem(_ password: String, name: String) -> RunError? {
        if password.count < charactersMin {
            return weak("The password has fewer than \(charactersMin) characters.")
        }
        if password.utf8.count > bytesMax { return weak("The password is longer than \(bytesMax) bytes.") }
        let folded = password.lowercased()
        if Set(folded).count < differentCharactersMin { return weak("The password repeats a few characters.") }
        let bare = String(folded.filter { $0.isLetter || $0.isNumber })
        if !bare.isEmpty, bare == String(nameKey(name).filter { $0.isLetter || $0.isNumber }) {
            return weak("The password is the name.")
        }
        if common.contains(bare) { return weak("The password is one that everybody tries first.") }
        return nil
    }

    /// The name as it is kept. Throws `invalid_name`.
    static func name(_ typed: String) throws -> String {
        let name = typed.trimmingCharacters(in: .whitespacesAndNewlines).precomposedStringWithCanonicalMapping
        let isPlain = name.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
            default: true
            }
        }
        guard !name.isEmpty, name.count <= nameCharactersMax, isPlain else {
            throw RunError(
                code: "invalid_person_name", message: "That cannot be the name of a person.",
                hint: "Use 1 to \(nameCharactersMax) visible characters, such as an e-mail address.")
        }
        return name
    }

    /// The form in which names are compared.
    static func nameKey(_ typed: String) -> String {
        typed.trimmingCharacters(in: .whitespacesAndNewlines).precomposedStringWithCompatibilityMapping.lowercased()
    }

    private static func weak(_ message: String) -> RunError {
        RunError(
            code: "password_weak", message: message,
            hint: "Use at least \(charactersMin) characters, such as four words that do not belong together.")
    }

    /// Long enough, and in every list.
    private static let common: Set<String> = [
        "passwordpassword", "password1234", "password12345", "password123456", "123456789012", "1234567890123",
        "123456789abc", "qwertyuiop12", "qwertyuiop123", "qwertyuiopasdf", "administrator", "administrator1",
        "letmeinletmein", "changemechangeme", "changeme1234", "iloveyou1234", "welcome12345", "1q2w3e4r5t6y",
        "qwerty123456", "correcthorsebatterystaple", "adminadmin12", "adminadmin123", "sluicesluice",
    ]
}
