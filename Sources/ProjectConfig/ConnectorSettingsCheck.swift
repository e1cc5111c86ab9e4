package import ConnectorKit

extension ConnectionDefinition {
    /// What the connector says of one setting, told where that setting stands; nil where it names none.
    package func diagnostic(_ error: ConnectorError) -> Diagnostic? {
        guard let setting = error.setting else { return nil }
        return Diagnostic(
            .error, code: error.code, message: error.message, hint: error.hint,
            at: settings[setting]?.location ?? settingLocations[setting] ?? location)
    }
}

/// What a connector itself makes of the settings that stand in the file; nothing is opened and nothing looked up.
struct ConnectorSettingsCheck {
    let connection: ConnectionDefinition
    let declaration: ConnectorDeclaration

    /// - Parameter make: makes the connector and lets it go.
    func problem(_ make: (ConnectorSettings) throws(ConnectorError) -> Void) -> Diagnostic? {
        guard let settings = literals() else { return nil }
        do throws(ConnectorError) {
            try make(settings)
            return nil
        } catch {
            return connection.diagnostic(error)
        }
    }

    /// The settings as far as the file says them; nil where one is wrong by itself, or known only when it is looked up
    /// and no secret. A secret that has to be looked up is taken for good, so that the others are judged.
    private func literals() -> ConnectorSettings? {
        var texts: [String: String] = [:]
        var secrets: [String: Secret] = [:]
        for setting in declaration.settings {
            guard let value = connection.settings[setting.name] else {
                if setting.isRequired && setting.defaultValue == nil { return nil }
                texts[setting.name] = setting.defaultValue
                continue
            }
            if setting.isSecret {
                secrets[setting.name] = Secret(value.literal.flatMap { $0.isEmpty ? nil : $0 } ?? "kept")
                continue
            }
            guard let text = value.literal, SettingCheck.problem(text, for: setting, isLiteral: true) == nil else {
                return nil
            }
            texts[setting.name] = setting.kind == .path ? FilePath.absolute(text, in: value.directory) : text
        }
        return ConnectorSettings(name: connection.name, texts: texts, secrets: secrets)
    }
}
