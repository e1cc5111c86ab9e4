package import ConnectorKit
internal import Foundation
package import ProjectConfig
internal import Records
internal import StateStore
package import SyncCore

/// One sync with all that its run needs, before anything is opened.
package struct PreparedSync: Sendable {
    package let definition: SyncDefinition
    package let source: any Source & Discoverable
    package let destination: any ConnectedDestination
    package let exchanges: ExchangeLog
    package let pace: ConnectionPace
    package let sourceIdentity: String
    package let destinationIdentity: String
    /// With the account's own fields once `discoverFields` has run.
    package private(set) var shape: SyncShape

    package init(_ definition: SyncDefinition, environment: RunEnvironment) throws {
        self.definition = definition
        let log = ExchangeLog(environment)
        let pace = try environment.connections.pace(definition)
        let time = environment.time
        let (progress, meter) = (environment.progress, environment.meter)
        exchanges = log
        self.pace = pace
        sourceIdentity = try environment.connections.sourceIdentity(definition.dataset)
        source = try environment.connections.source(definition.dataset)
        destination = try environment.connections.destination(
            definition,
            context: DestinationContext(
                permit: {
                    let begun = time.now()
                    defer { meter.waited(.rateLimit, from: begun, to: time.now()) }
                    try await pace.permit(time: time, progress: progress)
                    if let warning = pace.warning() {
                        meter.warned(warning)
                        progress(.warned(warning))
                    }
                },
                place: { try await pace.place(time: time) },
                observeLimit: { pace.observe($0, time: time) },
                record: { log.append($0) }))
        destinationIdentity = try environment.connections.identity(definition)
        shape = SyncShape(definition, object: try environment.connections.object(definition))
    }

    /// Lays the account's own fields over the declared ones and refuses what neither has, look-ups that a field does not
    /// have and constants that cannot be cast. Reads the destination only if the mapping names a field that is not
    /// declared.
    package mutating func discoverFields(environment: RunEnvironment, policy: RetryPolicy = .init()) async throws {
        for mapping in definition.mappings {
            guard let field = shape.object.field(mapping.field) else { continue }
            if let problem = KnownField(field, of: definition).problem(with: mapping) { throw problem }
        }
        let unknown = definition.mappings.filter { shape.object.field($0.field) == nil }
        guard !unknown.isEmpty else { return }
        let (destination, object) = (destination, shape.object)
        do {
            shape.discovered = try await Retrying(policy: policy, environment: environment).read {
                try await destination.discoveredFields(of: object)
            }
        } catch let error as ConnectorError where error.code == "forbidden" {
            // A key that may not list the fields can still write them: their types are then taken as they come.
            return
        }
        for mapping in unknown {
            if let problem = Self.problem(with: mapping, in: shape, definition) { throw problem }
        }
    }

    /// What is wrong with a mapping to a field that is not declared, or with what is written for it, once the account's own
    /// fields are known.
    static func problem(
        with mapping: MappingDefinition, in shape: SyncShape, _ definition: SyncDefinition
    ) -> Diagnostic? {
        if let field = shape.field(mapping.field) {
            guard !field.isWritable else { return KnownField(field, of: definition).problem(with: mapping) }
            return problem(
                mapping, "field_not_writable", "Field \(mapping.field) is computed by the destination.",
                "Leave it out of the mapping.")
        }
        guard !definition.allowUnknownCustom else { return nil }
        let near = NearestName.among(shape.discovered.map(\.name), to: mapping.field)
        return problem(
            mapping, "unknown_custom_field", "The account has no field \(mapping.field).",
            (near.map { "Did you mean \($0)? " } ?? "")
                + "Create the field there, correct the name, or set allow_unknown_custom: true.")
    }

    private static func problem(
        _ mapping: MappingDefinition, _ code: String, _ message: String, _ hint: String
    ) -> Diagnostic {
        Diagnostic(.error, code: code, message: message, hint: hint, at: mapping.location)
    }

    /// The columns that the scan reads, in order.
    package var scanColumns: [String] { shape.scanColumns }

    package var scanRequest: ScanRequest { ScanRequest(definition.dataset.relation, columns: scanColumns) }

    /// Source and relation, of a definition's text.
    static func datasetText(of definition: String) -> String {
        definition.split(separator: "\u{1F}", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
            .joined(separator: "\u{1F}")
    }

    /// What the text of a definition says of a sync that is defined nowhere any more; nil where it says nothing.
    static func origin(of definition: String) -> (source: String, behavior: Behavior?)? {
        let parts = definition.split(separator: "\u{1F}", omittingEmptySubsequences: false)
        guard parts.count > 5, !parts[0].isEmpty else { return nil }
        return (String(parts[0]), Behavior(rawValue: String(parts[5])))
    }

    /// Everything that decides what a plan holds. A plan made with another definition is never sent.
    package var definitionText: String {
        [
            definition.dataset.source, sourceIdentity, definition.dataset.relation.text, shape.mappingRevision,
            shape.keyRevision, shape.behavior.rawValue, destinationIdentity,
            shape.allowsUnknownChoices ? "any choice" : "", shape.removal.rawValue,
            shape.sendsChangesAgain ? "changes again" : "", definition.firstRun.rawValue,
            definition.dataset.incremental?.column ?? "",
        ].joined(separator: "\u{1F}")
    }
}

extension Dataset {
    /// For what is asked of a sync by key, without a run.
    init(_ definition: SyncDefinition, environment: RunEnvironment) throws {
        let shape = SyncShape(definition, object: try environment.connections.object(definition))
        let seed = try environment.database.memory(definition.name)?.seed ?? 0
        self.init(shape, scanColumns: shape.scanColumns, seed: seed)
    }
}

extension SyncShape {
    /// The engine's view of a sync of the project.
    init(_ definition: SyncDefinition, object: DestinationObject) {
        var rules = definition.mappings.map { MappingRule($0) }
        var key = KeyRule(
            columns: definition.key.columns, field: definition.key.field, within: definition.key.within)
        if definition.behavior == .send, let field = key.field.flatMap({ object.key($0) }) {
            // The key's column is the reference that is written; other columns make the row's identity with it.
            key.columns += Self.identityColumns(field, rules, object).filter { !key.columns.contains($0) }
            rules.append(MappingRule(field: field.name, source: .column(definition.key.columns[0])))
            key.field = nil
        }
        self.init(
            object: object.written(by: definition.behavior), behavior: definition.behavior, key: key, rules: rules)
        allowsUnknownChoices = definition.allowUnknownChoices
        sendsChangesAgain = definition.onChange == .sendAgain
        removal = definition.removal
    }

    /// The columns of the fields that make the identity of a sent row together with its key's. A constant makes none.
    private static func identityColumns(
        _ key: KeyField, _ rules: [MappingRule], _ object: DestinationObject
    ) -> [String] {
        key.identityFields.compactMap { name in
            guard let rule = rules.first(where: { (object.field($0.field)?.name ?? $0.field) == name }),
                case .column(let column) = rule.source
            else { return nil }
            return column
        }
    }
}

extension MappingRule {
    fileprivate init(_ definition: MappingDefinition) {
        switch definition.source {
        case .column(let name, let lookup, let nulls):
            self.init(
                field: definition.field, source: .column(name), lookup: lookup, nulls: nulls == .skip ? .skip : .clear)
        case .constant(let value):
            self.init(field: definition.field, source: .constant(value))
        }
    }
}
