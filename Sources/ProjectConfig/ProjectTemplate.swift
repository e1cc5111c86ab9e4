package import ConnectorKit

/// What `sluice init` writes: a commented project made from what the connectors declare.
package enum ProjectTemplate {
    package static let projectFileName = "sluice.yaml"

    /// A project that loads as it is: the first kind of source and of destination, and one sync. The other kinds
    /// stand in it as comments.
    package static func project(catalog: ConnectorCatalog) -> String {
        var lines = [
            "# What goes from where to where. `sluice check` tests it, `sluice plan SYNC` shows what a run would do,",
            "# `sluice run SYNC` does it. `sluice schema` prints a JSON Schema for editors.",
            "version: 1",
            "",
            "# include: [syncs/*.yaml]      # further files, merged section by section",
            "",
            "sources:",
        ]
        for (index, source) in catalog.sources.enumerated() {
            lines += connection(source.declaration, name: name(of: source.declaration, index), isComment: index > 0)
        }
        lines += ["", "destinations:"]
        for (index, destination) in catalog.destinations.enumerated() {
            lines += connection(
                destination.declaration, name: destination.declaration.type, isComment: index > 0)
        }
        lines += ["", "datasets:"]
        if let source = catalog.sources.first {
            lines += [
                "  accounts:",
                "    source: \(name(of: source.declaration, 0))",
                "    table: accounts             # or schema.name; or a query:",
                "    # sql: |",
                "    #   select id, name from accounts where not internal",
            ]
        }
        lines += ["", "syncs:"]
        if let destination = catalog.destinations.first, let object = destination.objects.first {
            lines += sync(to: object, of: destination.declaration.type)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Keeps state and secrets out of version control.
    package static let gitignore = """
        # State of sluice: fingerprints, plans, history.
        .sluice/
        # Secrets.
        .env
        .env.*
        !.env.example

        """

    /// The variables that the project needs, without their values.
    package static func environmentExample(catalog: ConnectorCatalog) -> String {
        var lines = ["# Copy this file to .env and fill it in. The environment of the process wins over .env."]
        for (index, source) in catalog.sources.enumerated() {
            lines += variables(source.declaration, name: name(of: source.declaration, index), isComment: index > 0)
        }
        for (index, destination) in catalog.destinations.enumerated() {
            lines += variables(
                destination.declaration, name: destination.declaration.type, isComment: index > 0)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func variables(
        _ declaration: ConnectorDeclaration, name: String, isComment: Bool
    ) -> [String] {
        declaration.settings.filter(\.isSecret).map { setting in
            let isNeeded = setting.isRequired && !isComment
            return "\(isNeeded ? "" : "# ")\(ConnectionCheck.variableName(name, setting.name))="
        }
    }

    private static func name(of declaration: ConnectorDeclaration, _ index: Int) -> String {
        index == 0 ? "local" : declaration.type == "local" ? "local_2" : declaration.type
    }

    private static func connection(
        _ declaration: ConnectorDeclaration, name: String, isComment: Bool
    ) -> [String] {
        let mark = isComment ? "  # " : "  "
        var lines = ["\(mark)\(name):", "\(mark)  type: \(declaration.type)"]
        for setting in declaration.settings {
            let value = value(of: setting, connection: name)
            let isOptional = !setting.isRequired && !isComment
            let line = "\(mark)  \(isOptional ? "# " : "")\(setting.name): \(value)"
            let help = setting.help.split(separator: "\n").joined(separator: " ")
            lines.append(line + String(repeating: " ", count: max(1, 40 - line.count)) + "# " + help)
        }
        return lines
    }

    private static func value(of setting: SettingDeclaration, connection: String) -> String {
        if setting.isSecret { return "${\(ConnectionCheck.variableName(connection, setting.name))}" }
        let text = setting.example.isEmpty ? setting.defaultValue ?? example(of: setting.kind) : setting.example
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_./".unicodeScalars.contains(scalar)
            } && text.unicodeScalars.first != "-"
        return isPlain ? text : JSONText.quoted(text)
    }

    private static func example(of kind: SettingDeclaration.Kind) -> String {
        switch kind {
        case .integer(let range): String(range.lowerBound)
        case .boolean: "false"
        case .choice(let choices): choices.first ?? ""
        case .path: "data.db"
        case .text, .secret: "…"
        }
    }

    private static func sync(to object: DestinationObject, of destination: String) -> [String] {
        let behavior = object.behaviors.first ?? .updateOrCreate
        let key = object.keys.first { $0.canCreate } ?? object.keys.first
        var lines = [
            "  accounts:",
            "    from: accounts              # a dataset; or inline: {source: …, table: …}",
            "    to: \(destination).\(object.name)",
            "    behavior: \(behavior.rawValue)   # `sluice objects \(destination) \(object.name)` lists the others",
        ]
        if behavior == .send {
            lines.append("    key: {column: id}           # tells one row from another")
        } else {
            lines.append("    key: {column: id, field: \(key?.name ?? "id")}")
        }
        lines.append("    mappings:                   # field of the destination: column of the source")
        let fields = object.fields.filter { $0.isWritable && $0.name != key?.name }
        let needed = fields.filter(\.isRequiredOnCreate)
        for field in needed.isEmpty ? Array(fields.prefix(1)) : needed {
            if case .reference(_, let forms) = field.type, let word = forms.compactMap(\.lookup).first {
                lines.append("      \(field.name): {column: \(field.name), lookup: \(word)}")
            } else {
                lines.append("      \(field.name): \(field.name)")
            }
        }
        if let under = object.acceptsUnknownFieldsUnder { lines.append("      # \(under).Plan: plan") }
        lines.append("    # schedule: {every: 15m}    # or {cron: \"0 6 * * *\", timezone: Europe/Stockholm}")
        return lines
    }
}
