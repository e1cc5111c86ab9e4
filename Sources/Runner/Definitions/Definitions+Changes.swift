internal import ConnectorKit
package import ProjectConfig
internal import Records
internal import StateStore

/// What became of a change to the definitions.
package enum DefinitionAnswer: Sendable, Hashable {
    /// - Parameter revision: to be given with the next change.
    case saved(revision: Int)
    /// Nothing was changed; each problem with the field that a form shows it at.
    case refused([FieldProblem])
}

package struct FieldProblem: Sendable, Hashable {
    /// The keys that lead to the field; empty for the whole definition.
    package var field: [String]
    package var diagnostic: Diagnostic
}

extension Definitions {
    /// Makes or changes a definition of the pages, checked exactly as a file's would be, together with all others.
    ///
    /// A secret setting holds its value as text, or an empty text for the one that is kept already.
    ///
    /// - Parameter revision: of the definition that the change was made from; nil for a new one. Throws
    ///   `definition_changed` where that is not the one there is, and the errors of the vault.
    package func save(
        _ kind: DefinitionKind, _ name: String, _ value: DefinitionValue, from revision: Int?, by actor: Actor
    ) throws -> DefinitionAnswer {
        let records = try store.all()
        let old = records.first { $0.kind == kind.rawValue && $0.name == name }
        guard old?.revision == revision else { throw Self.changed(kind, name) }
        let oldValue = old.flatMap { DefinitionValue.parse($0.text, file: name).value }
        var secrets = EnteredSecrets(kind: kind, name: name, old: oldValue)
        let safe = secrets.takeOut(of: value, catalog: catalog)
        if !secrets.problems.isEmpty { return .refused(secrets.problems) }
        let record = DefinitionRecord(
            kind: kind.rawValue, name: name, text: YAMLWriter.text(safe), revision: (old?.revision ?? 0) + 1,
            changedAt: time.now(), changedBy: AuditLog.plain(actor.name))
        let others = records.filter { $0 != old }
        if let problems = problems(with: record, instead: records, others: others) { return .refused(problems) }
        var change = DefinitionChange()
        change.known = [.init(kind: kind.rawValue, name: name, revision: old?.revision)]
        change.saved = [record]
        change.secretsRemoved = secrets.dropped
        try apply(
            change, secrets: secrets.entered, .definitionSaved, "\(kind.rawValue) \(name)",
            detail: old == nil ? "made" : Self.difference(oldValue, safe), by: actor)
        return .saved(revision: record.revision)
    }

    /// The same from YAML, the value below the name.
    package func save(
        _ kind: DefinitionKind, _ name: String, yaml: String, from revision: Int?, by actor: Actor
    ) throws -> DefinitionAnswer {
        let (value, diagnostics) = DefinitionValue.parse(yaml, file: "\(kind.rawValue) \(name)")
        guard let value else { return .refused(diagnostics.map { FieldProblem(field: [], diagnostic: $0) }) }
        return try save(kind, name, value, from: revision, by: actor)
    }

    /// Removes a definition and its secrets. What is known of a sync stays: it is an orphan then. Refused while
    /// another definition needs it.
    package func remove(
        _ kind: DefinitionKind, _ name: String, from revision: Int, by actor: Actor
    ) throws -> DefinitionAnswer {
        let records = try store.all()
        guard let old = records.first(where: { $0.kind == kind.rawValue && $0.name == name }),
            old.revision == revision
        else { throw Self.changed(kind, name) }
        let rest = records.filter { $0 != old }
        let (new, broken) = errors(records, rest)
        if let broken { return .refused([broken]) }
        if !new.isEmpty { return .refused(new.map { FieldProblem(field: [], diagnostic: $0) }) }
        var change = DefinitionChange()
        change.known = [.init(kind: kind.rawValue, name: name, revision: revision)]
        change.removed = [(kind.rawValue, name)]
        change.secretsRemoved = try ownSecrets(kind, name)
        try apply(change, secrets: [:], .definitionRemoved, "\(kind.rawValue) \(name)", by: actor)
        return .saved(revision: 0)
    }

    /// Gives a definition another name, everywhere in the pages' definitions. A sync takes its state along
    /// (`renamed_from`); a connection its secrets. Refused where a file uses the old name.
    package func rename(
        _ kind: DefinitionKind, _ name: String, to new: String, from revision: Int, by actor: Actor
    ) throws -> DefinitionAnswer {
        let records = try store.all()
        guard let old = records.first(where: { $0.kind == kind.rawValue && $0.name == name }),
            old.revision == revision
        else { throw Self.changed(kind, name) }
        guard !records.contains(where: { $0.kind == kind.rawValue && $0.name == new }) else {
            throw Self.exists(kind, new)
        }
        let renaming = Renaming(kind: kind, old: name, new: new)
        var change = DefinitionChange()
        change.known = records.map { .init(kind: $0.kind, name: $0.name, revision: $0.revision) }
        change.known.append(.init(kind: kind.rawValue, name: new, revision: nil))
        change.removed = [(kind.rawValue, name)]
        var changed: [DefinitionRecord] = []
        for record in records {
            guard let value = DefinitionValue.parse(record.text, file: record.name).value else { continue }
            let isIt = record == old
            let after = renaming.apply(to: value, of: record.kind, isIt: isIt)
            guard isIt || after != value else { continue }
            changed.append(
                DefinitionRecord(
                    kind: record.kind, name: isIt ? new : record.name, text: YAMLWriter.text(after),
                    revision: record.revision + 1, changedAt: time.now(), changedBy: AuditLog.plain(actor.name)))
        }
        change.saved = changed
        let untouched = records.filter { record in
            record != old && !changed.contains { $0.kind == record.kind && $0.name == record.name }
        }
        guard let record = changed.first(where: { $0.kind == kind.rawValue && $0.name == new }) else {
            throw Self.changed(kind, name)
        }
        if let problems = problems(
            with: record, instead: records, others: untouched + changed.filter { $0 != record })
        {
            return .refused(problems)
        }
        var moved: [String: Secret] = [:]
        for secret in try ownSecrets(kind, name) {
            moved[renaming.secret(secret)] = try vault.value(secret)
            change.secretsRemoved.append(secret)
        }
        try apply(
            change, secrets: moved, .definitionRenamed, "\(kind.rawValue) \(name)", detail: "to \(new)", by: actor)
        return .saved(revision: record.revision)
    }

    // MARK: Parts

    /// What is wrong that was not wrong before; nil if nothing.
    func problems(
        with record: DefinitionRecord, instead records: [DefinitionRecord], others: [DefinitionRecord]
    ) -> [FieldProblem]? {
        let (new, broken) = errors(records, others + [record])
        if let broken { return [broken] }
        let part = ProjectPart(
            unreadable: DefinitionKind(rawValue: record.kind) ?? .sync, record.name, text: record.text)
        var problems = new.map { FieldProblem(field: part.field(of: $0) ?? [], diagnostic: $0) }
        if let place = hiding(record, others) {
            problems.append(
                FieldProblem(
                    field: [],
                    diagnostic: Diagnostic(
                        .error, code: "defined_in_file",
                        message: "the \(record.kind) `\(record.name)` is defined at \(place)",
                        hint: "change it there, or choose another name")))
        }
        return problems.isEmpty ? nil : problems
    }

    /// What would be wrong that is not wrong now; and what is wrong with the project file, now and then. While that is so
    /// nothing new can be put in force, and much of what is new is only missing in the file.
    private func errors(
        _ before: [DefinitionRecord], _ after: [DefinitionRecord]
    ) -> (new: [Diagnostic], broken: FieldProblem?) {
        let known = Set(check(before).errors)
        let errors = check(after).errors
        let places = Set(after.map { Self.place($0) })
        let broken = errors.first { known.contains($0) && !places.contains($0.file ?? "") }
        return (errors.filter { !known.contains($0) }, broken.map { Self.broken($0) })
    }

    private static func broken(_ error: Diagnostic) -> FieldProblem {
        let line = error.rendered.split(separator: "\n").first.map(String.init) ?? error.message
        return FieldProblem(
            field: [],
            diagnostic: Diagnostic(
                .error, code: "project_file_broken",
                message: "the project file has errors, so nothing can be changed here: \(line)",
                hint: "correct the file first; what it said before is in force until then"))
    }

    private func hiding(_ record: DefinitionRecord, _ others: [DefinitionRecord]) -> Location? {
        check(others + [record]).parts.first {
            $0.isStored && $0.kind.rawValue == record.kind && $0.name == record.name
        }?.hiddenBy
    }

    private func ownSecrets(_ kind: DefinitionKind, _ name: String) throws -> [String] {
        let prefix = EnteredSecrets.prefix(kind, name)
        return try vault.list().map(\.name).filter { $0.hasPrefix(prefix) }
    }

    private func apply(
        _ change: DefinitionChange, secrets: [String: Secret], _ action: AuditAction, _ subject: String,
        detail: String = "", by actor: Actor
    ) throws {
        let entry = audit.entry(action, by: actor, subject: subject, detail: detail)
        var change = change
        guard !secrets.isEmpty else {
            guard try store.apply(change, noting: entry) == .done else { throw Self.changedMeanwhile(subject) }
            return
        }
        try vault.sealing { check in
            change.keyCheck = check
            change.secretsSet = try secrets.sorted { $0.key < $1.key }.map {
                try vault.sealed($0.key, $0.value, by: actor)
            }
            switch try store.apply(change, noting: entry) {
            case .done: return true
            case .changed: throw Self.changedMeanwhile(subject)
            case .otherKey: return false
            }
        }
    }

    /// The names of the keys that changed, never their values.
    private static func difference(_ old: DefinitionValue?, _ new: DefinitionValue) -> String {
        let keys = (new.entries + (old?.entries ?? [])).map(\.key)
        var seen: Set<String> = []
        let changed = keys.filter { seen.insert($0).inserted && old?[$0] != new[$0] }
        return "changed: " + changed.joined(separator: ", ")
    }

    private static func changed(_ kind: DefinitionKind, _ name: String) -> RunError {
        changedMeanwhile("\(kind.rawValue) \(name)")
    }

    private static func changedMeanwhile(_ subject: String) -> RunError {
        RunError(
            code: "definition_changed", message: "Somebody else has changed the \(subject) meanwhile.",
            hint: "Look at it again, then make your change anew.")
    }

    private static func exists(_ kind: DefinitionKind, _ name: String) -> RunError {
        RunError(
            code: "definition_exists", message: "There is a \(kind.rawValue) \(name) already.",
            hint: "Choose another name.")
    }
}
