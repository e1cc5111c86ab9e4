internal import ConnectorKit
internal import Records

/// A source that was defined in the pages. What its host's name leads to is looked up and judged before each use, and it
/// is connected to exactly that.
struct AllowedSource: Source, Discoverable {
    let name: String
    let settings: ConnectorSettings
    let policy: OutboundPolicy
    let make: @Sendable (ConnectorSettings) throws(ConnectorError) -> any Source & Discoverable

    private func looked() async throws(ConnectorError) -> any Source & Discoverable {
        var known = settings
        known.addresses = try await policy.addresses(source: name, settings)
        return try make(known)
    }

    func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        do throws(ConnectorError) {
            return await (try await looked()).check(told)
        } catch {
            return ConnectionReport(refused: error)
        }
    }

    func withScan<Result: Sendable>(
        _ request: ScanRequest, _ body: (RowBatches) async throws -> Result
    ) async throws -> Result {
        let source: any Source & Discoverable
        do {
            source = try await looked()
        } catch {
            // Whoever stops asking gets no addresses: that says nothing of the name.
            try Task.checkCancellation()
            throw error
        }
        return try await source.withScan(request, body)
    }

    func tables() async throws(SourceError) -> [TableInfo] { try await looked().tables() }

    func columns(of relation: Relation) async throws(SourceError) -> [Column] {
        try await looked().columns(of: relation)
    }
}

/// A destination that was defined in the pages. What its hosts' names lead to is looked up and judged before each use.
struct AllowedDestination<Base: ConnectedDestination>: ConnectedDestination, ReadBack {
    static var objects: [DestinationObject] { Base.objects }

    let base: Base
    let name: String
    let policy: OutboundPolicy
    /// Those that an object is written to; for nil those of every object that the connection has the settings for.
    let hosts: @Sendable (DestinationObject?) throws(ConnectorError) -> [String]

    private func look(_ object: DestinationObject?) async throws(ConnectorError) {
        try await policy.check(destination: name, hosts: try hosts(object))
    }

    func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        do throws(ConnectorError) {
            try await look(nil)
        } catch {
            return ConnectionReport(refused: error)
        }
        return await base.check(told)
    }

    func write(
        _ batch: OperationBatch, to object: DestinationObject
    ) async throws(DestinationError) -> BatchOutcome {
        try await look(object)
        return try await base.write(batch, to: object)
    }

    func discoveredFields(of object: DestinationObject) async throws(DestinationError) -> [DestinationField] {
        try await look(object)
        return try await base.discoveredFields(of: object)
    }

    func readRecords(
        of object: DestinationObject, fields: [String], _ page: ([[String]]) async throws -> Void
    ) async throws {
        do {
            try await look(object)
        } catch {
            try Task.checkCancellation()
            throw error
        }
        try await base.readRecords(of: object, fields: fields, page)
    }

    func read(key: String, keyField: String, of object: DestinationObject) async throws(DestinationError) -> String? {
        try await look(object)
        return try await base.read(key: key, keyField: keyField, of: object)
    }

    /// Nothing is known of any where the destination cannot tell.
    func haveArrived(
        _ batch: OperationBatch, object: DestinationObject
    ) async throws(DestinationError) -> [Bool?] {
        guard let base = base as? any ReadBack else { return batch.entries.map { _ in nil } }
        try await look(object)
        return try await base.haveArrived(batch, object: object)
    }
}

extension ConnectionReport {
    /// Of a connection that was not opened.
    fileprivate init(refused error: ConnectorError) {
        let isUnknown = error.code == "host_not_found"
        self.init(
            address: "",
            steps: [
                Step(
                    step: isUnknown ? "address resolves" : "address allowed", isOK: false, message: error.message,
                    hint: error.hint)
            ])
    }
}
