package import ConnectorKit

/// Looks up what the settings of a connection refer to, only for the connection asked for.
///
/// It holds the values of variables, so it prints as nothing but its kind.
package struct SecretReferences: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package static let secretFileBytesMax = 64 << 10

    /// Why a kept secret cannot be had, in the words that every error has.
    package struct Failure: Error {
        package var code: String
        package var message: String
        package var hint: String

        package init(code: String, message: String, hint: String) {
            self.code = code
            self.message = message
            self.hint = hint
        }
    }

    private let variables: [String: String]
    /// Where `{secret: name}` is looked up; nil where no secrets are kept.
    package var kept: (@Sendable (String) throws(Failure) -> Secret)?

    package init(variables: [String: String]) { self.variables = variables }

    package var description: String { "SecretReferences" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// The settings of `connection` with their declared defaults, every reference replaced, paths absolute, numbers
    /// and choices checked. Throws every error at once; none of them shows a value of a secret.
    package func settings(
        for connection: ConnectionDefinition, declaration: ConnectorDeclaration
    ) throws(ProjectErrors) -> ConnectorSettings {
        let log = DiagnosticLog()
        var texts: [String: String] = [:]
        var secrets: [String: Secret] = [:]
        for setting in declaration.settings {
            guard let value = resolve(setting, of: connection, log: log) else { continue }
            if setting.isSecret { secrets[setting.name] = Secret(value) } else { texts[setting.name] = value }
        }
        guard !log.hasErrors else { throw ProjectErrors(log.diagnostics) }
        return ConnectorSettings(name: connection.name, texts: texts, secrets: secrets)
    }

    /// The text of a value outside of connections (whom to notify); `use` says in messages what it is for.
    package func text(of value: SettingValue, use: String) throws(ProjectErrors) -> Secret {
        let log = DiagnosticLog()
        let text = look(up: value, use: use, log: log)
        guard let text, !log.hasErrors else { throw ProjectErrors(log.diagnostics) }
        return Secret(text)
    }

    private func resolve(
        _ setting: SettingDeclaration, of connection: ConnectionDefinition, log: DiagnosticLog
    ) -> String? {
        let use = "`\(setting.name)` of `\(connection.name)`"
        guard let value = connection.settings[setting.name] else {
            if let fallback = setting.defaultValue {
                return setting.kind == .path ? FilePath.absolute(fallback, in: connection.directory) : fallback
            }
            if setting.isRequired {
                log.error(
                    code: "missing_setting", "`\(connection.name)` needs the setting `\(setting.name)`",
                    hint: setting.help, at: connection.location)
            }
            return nil
        }
        guard let text = look(up: value, use: use, log: log) else { return nil }
        if text.isEmpty, setting.isRequired || setting.isSecret {
            log.error(
                code: "missing_setting", "\(use) is empty", hint: emptyHint(value), at: value.location)
            return nil
        }
        if setting.kind == .path, !text.isEmpty { return FilePath.absolute(text, in: value.directory) }
        if let problem = SettingCheck.problem(text, for: setting, isLiteral: value.literal != nil) {
            log.error(code: "invalid_setting", "\(use) \(problem.message)", hint: problem.hint, at: value.location)
            return nil
        }
        return text
    }

    private func emptyHint(_ value: SettingValue) -> String {
        let names = value.variableNames
        return names.isEmpty ? "write its value" : "the variable \(names.joined(separator: ", ")) is set but empty"
    }

    private func look(up value: SettingValue, use: String, log: DiagnosticLog) -> String? {
        switch value.content {
        case .text(let parts):
            return text(parts, of: value, use: use, log: log)
        case .file(let path):
            return content(of: path, of: value, use: use, log: log)
        case .secret(let name):
            return secret(name, of: value, use: use, log: log)
        }
    }

    private func secret(
        _ name: String, of value: SettingValue, use: String, log: DiagnosticLog
    ) -> String? {
        guard let kept else {
            log.error(
                code: "secret_only_on_server", "\(use) is the secret `\(name)`, and no secrets are kept here",
                hint: "give the state directory that has it, or write ${NAME} or {file: path}", at: value.location)
            return nil
        }
        do throws(Failure) {
            return try kept(name).reveal()
        } catch {
            log.error(code: error.code, "\(use): \(error.message)", hint: error.hint, at: value.location)
            return nil
        }
    }

    private func text(
        _ parts: [SettingValue.Part], of value: SettingValue, use: String, log: DiagnosticLog
    ) -> String? {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .variable(let name, let fallback):
                let known = variables[name]
                if let known, !known.isEmpty || fallback == nil {
                    text += known
                } else if let fallback {
                    text += fallback
                } else {
                    log.error(
                        code: "missing_variable", "the variable \(name) is not set; \(use) needs it",
                        hint: missingHint(name), at: value.location)
                    return nil
                }
            }
        }
        return text
    }

    private func missingHint(_ name: String) -> String {
        let advice = "set it in the environment, or write \(name)=… into the file .env beside the project"
        return NearestName.among(variables.keys, to: name).map { "\(advice); did you mean \($0)?" } ?? advice
    }

    /// Without the last line break, which editors add.
    private func content(
        of path: String, of value: SettingValue, use: String, log: DiagnosticLog
    ) -> String? {
        do throws(TextFile.Failure) {
            let absolute = FilePath.absolute(path, in: value.directory)
            var text = try TextFile.read(absolute, shown: path, bytesMax: Self.secretFileBytesMax)
            if text.last?.isNewline ?? false { text.removeLast() }
            return text
        } catch {
            log.error(
                code: "unreadable_secret_file", "\(use) is in a file that cannot be used: \(error.message)",
                hint: error.hint.isEmpty ? "paths begin at the directory of the project file" : error.hint,
                at: value.location)
            return nil
        }
    }
}

/// Whether a text suits a setting.
struct SettingCheck {
    /// What is wrong, to be read after the setting's name; nil if nothing. Only a literal of the project file is shown:
    /// what a reference gives may be a secret in the wrong place. A literal is YAML, where a boolean is true or false;
    /// a variable may also say yes, no, on, off, 1 or 0.
    static func problem(
        _ text: String, for setting: SettingDeclaration, isLiteral: Bool
    ) -> (message: String, hint: String)? {
        let shown = isLiteral ? "`\(text.prefix(40))`" : "something else in what the reference gives"
        switch setting.kind {
        case .text, .path, .secret:
            return nil
        case .integer(let range):
            if let number = Int(text), range.contains(number) { return nil }
            let bounds = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            return ("expects \(bounds), found \(shown)", setting.help)
        case .boolean:
            let words = isLiteral ? ["true", "false"] : ["true", "false", "yes", "no", "on", "off", "1", "0"]
            if words.contains(text.lowercased()) { return nil }
            return ("expects true or false, found \(shown)", "YAML 1.2 knows only true and false")
        case .choice(let choices):
            if choices.contains(text) { return nil }
            let known = "it is one of: \(choices.joined(separator: ", "))"
            return ("expects a choice, found \(shown)", isLiteral ? NearestName.hint(for: text, among: choices) : known)
        }
    }
}
