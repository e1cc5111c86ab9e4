package import ConnectorKit
package import ProjectConfig
internal import Records
package import StateStore
internal import SyncCore

/// Makes the connections that a project defines, with the connectors that the program has.
package struct ProjectConnections: Connections {
    package let project: Project
    private let catalog: ConnectorCatalog
    private let state: StateDirectory?
    /// Where the account's rate limit is shared with other state directories; nil where it is not.
    private let machine: MachineLimits?
    /// Resolves a connection's settings: references to variables and files are read only for this one connection.
    private let settings: @Sendable (ConnectionDefinition, ConnectorDeclaration) throws -> ConnectorSettings
    /// Where the connections at those places may lead: those that were made in the pages. Nil where nothing is limited.
    package private(set) var outbound: OutboundPolicy?
    private var limited: Set<Location> = []

    /// - Parameter state: nil for commands that need no rate limit shared with others.
    package init(
        project: Project, catalog: ConnectorCatalog, state: StateDirectory?, machine: MachineLimits? = nil,
        settings: @escaping @Sendable (ConnectionDefinition, ConnectorDeclaration) throws -> ConnectorSettings
    ) {
        self.project = project
        self.catalog = catalog
        self.state = state
        self.machine = machine
        self.settings = settings
    }

    /// The same, where the definitions at these places may reach only what the policy allows.
    package func limiting(_ places: Set<Location>, to policy: OutboundPolicy) -> ProjectConnections {
        var connections = self
        (connections.outbound, connections.limited) = (policy, places)
        return connections
    }

    package var syncs: [SyncDefinition] { project.syncs }

    package func source(_ dataset: DatasetDefinition) throws -> any Source & Discoverable {
        try source(named: dataset.source)
    }

    package func sourceIdentity(_ dataset: DatasetDefinition) throws -> String {
        guard let definition = project.sources[dataset.source], let type = catalog.source(definition.type) else {
            throw unknown("source", dataset.source, Array(project.sources.keys))
        }
        let values = try settings(definition, type.declaration)
        let parts = type.declaration.settings.filter { !$0.isSecret }
            .map { "\($0.name)=\(values.text($0.name) ?? "")" }.sorted()
        // A hash, because it is kept with every plan and only ever compared.
        return definition.type + " " + Hash128.of(parts.joined(separator: "\u{1F}"), seed: 0).hexadecimal
    }

    package func source(named name: String) throws -> any Source & Discoverable {
        guard let definition = project.sources[name], let type = catalog.source(definition.type) else {
            throw unknown("source", name, Array(project.sources.keys))
        }
        let values = try settings(definition, type.declaration)
        let outbound = outbound(definition)
        try outbound?.check(source: definition, values, type.declaration)
        let made = try placed(definition) { () throws(ConnectorError) in try type.make(values) }
        guard let outbound else { return made }
        return AllowedSource(name: name, settings: values, policy: outbound, make: type.make)
    }

    /// Why a connection with these settings could not be used if it were made in the pages; nil where it could be, or where
    /// that cannot be told now.
    package func refusedHost(_ type: String, isSource: Bool, _ settings: ConnectorSettings) async -> RunError? {
        guard let outbound else { return nil }
        let place = Location(file: settings.name, line: 1, column: 1)
        let definition = ConnectionDefinition(
            name: settings.name, type: type, settings: [:], location: place, typeLocation: place, directory: "")
        do {
            if isSource, let type = catalog.source(type) {
                try outbound.check(source: definition, settings, type.declaration)
                _ = try await outbound.addresses(source: settings.name, settings)
            } else if let type = catalog.destination(type) {
                try outbound.check(destination: definition, settings, type)
                for host in try OutboundPolicy.hosts(settings, type) {
                    try await refuse(host, of: settings.name, outbound)
                }
            }
        } catch {
            let error = RunError(error)
            return error.code == "host_not_allowed" ? error : nil
        }
        return nil
    }

    /// A host that cannot be looked up now says nothing of those after it.
    private func refuse(_ host: String, of name: String, _ policy: OutboundPolicy) async throws {
        do throws(ConnectorError) {
            try await policy.check(destination: name, hosts: [host])
        } catch {
            guard error.code == "host_not_found" else { throw error }
        }
    }

    private func outbound(_ definition: ConnectionDefinition) -> OutboundPolicy? {
        limited.contains(definition.location) ? outbound : nil
    }

    package func destination(
        _ sync: SyncDefinition, context: DestinationContext
    ) throws -> any ConnectedDestination {
        try destination(named: sync.destination, context: context)
    }

    package func destination(named name: String, context: DestinationContext) throws -> any ConnectedDestination {
        let (definition, type) = try destinationType(name)
        let values = try settings(definition, type.declaration)
        let outbound = outbound(definition)
        try outbound?.check(destination: definition, values, type)
        let made = try placed(definition) { () throws(ConnectorError) in try type.make(values, context) }
        return outbound.map { allowed(made, name, $0, values, type) } ?? made
    }

    private func allowed(
        _ base: some ConnectedDestination, _ name: String, _ policy: OutboundPolicy, _ values: ConnectorSettings,
        _ type: DestinationType
    ) -> any ConnectedDestination {
        AllowedDestination(base: base, name: name, policy: policy) { (object) throws(ConnectorError) in
            var type = type
            // Nothing is sent to the host of an object that lacks its settings.
            type.objects = object.map { [$0] } ?? type.objects.filter { $0.hasSettings(values) }
            return try OutboundPolicy.hosts(values, type)
        }
    }

    /// What a connector says of a setting is told as the project's fault, at its place.
    private func placed<Made>(
        _ definition: ConnectionDefinition, _ make: () throws(ConnectorError) -> Made
    ) throws -> Made {
        do throws(ConnectorError) {
            return try make()
        } catch {
            if let diagnostic = definition.diagnostic(error) { throw diagnostic }
            throw error
        }
    }

    /// A destination for whoever asks it outside of a run, a check or a form: its requests take the connection's permits as
    /// those of runs do. They belong to no run, so none is kept.
    package func destination(named name: String, time: RunTime) throws -> any ConnectedDestination {
        let pace = try pace(connection: name)
        return try destination(
            named: name,
            context: DestinationContext(
                permit: { try await pace.permit(time: time, progress: { _ in }) },
                place: { try await pace.place(time: time) },
                observeLimit: { pace.observe($0, time: time) }))
    }

    /// The objects that a destination of the project takes.
    package func objects(of name: String) throws -> [DestinationObject] { try destinationType(name).type.objects }

    package func object(_ sync: SyncDefinition) throws -> DestinationObject {
        let objects = try objects(of: sync.destination)
        guard let object = objects.first(where: { $0.name == sync.object }) else {
            throw unknown("object", sync.object, objects.map(\.name))
        }
        return object
    }

    package func identity(_ sync: SyncDefinition) throws -> String {
        let (definition, type) = try destinationType(sync.destination)
        let values = try settings(definition, type.declaration)
        let parts =
            if let account = type.account {
                [try account(values, try object(sync))]
            } else {
                type.declaration.settings.filter { $0.identifies && !$0.isSecret }
                    .map { "\($0.name)=\(values.text($0.name) ?? "")" }
            }
        return ([type.declaration.type, sync.object] + parts).joined(separator: "|")
    }

    package func pace(_ sync: SyncDefinition) throws -> ConnectionPace {
        try pace(
            connection: sync.destination,
            turn: try state.map { WriteTurn(path: try $0.turnPath(connection: sync.destination, object: sync.object)) })
    }

    private func pace(connection: String, turn: WriteTurn? = nil) throws -> ConnectionPace {
        let (definition, type) = try destinationType(connection)
        let values = try settings(definition, type.declaration)
        let perMinute = values.integer("requests_per_minute") ?? 200
        let path = try state?.limitPath(connection: connection) ?? "/dev/null"
        return ConnectionPace(
            pacing: RequestPacing(requestsPerMinute: perMinute), shared: SharedNumber(path: path),
            account: accountPace(type, values), turn: turn)
    }

    private func accountPace(_ type: DestinationType, _ values: ConnectorSettings) -> ConnectionPace.AccountPace? {
        guard let machine, let key = type.rateLimitKey else { return nil }
        do throws(ConnectorError) {
            return ConnectionPace.AccountPace(
                limits: machine, type: type.declaration.type, key: try key(values),
                requestsAtOnceMax: type.requestsAtOnceMax)
        } catch {
            // Whoever makes the destination of these settings is told of the same error.
            return nil
        }
    }

    private func destinationType(_ name: String) throws -> (ConnectionDefinition, type: DestinationType) {
        guard let definition = project.destinations[name], let type = catalog.destination(definition.type) else {
            throw unknown("destination", name, Array(project.destinations.keys))
        }
        return (definition, type)
    }

    private func unknown(_ kind: String, _ name: String, _ known: [String]) -> RunError {
        let near = NearestName.among(known, to: name)
        return RunError(
            code: "unknown_\(kind)", message: "The project has no \(kind) \(name).",
            hint: near.map { "Did you mean \($0)?" } ?? "It has \(known.sorted().joined(separator: ", ")).")
    }
}

extension DestinationObject {
    fileprivate func hasSettings(_ settings: ConnectorSettings) -> Bool {
        requiredSettings.allSatisfy { settings.text($0) != nil || settings.secret($0)?.isEmpty == false }
    }
}
