package import ConnectorKit
package import Records

/// Reads tables and queries of one PostgreSQL database. Holds settings; every call opens its own connection and
/// closes it before it returns.
package struct PostgresSource: Source, Discoverable {
    /// The one entry for the list of connectors.
    package static let type = SourceType(PostgresSettings.declaration) { settings throws(ConnectorError) in
        PostgresSource(try PostgresSettings(settings))
    }

    private let settings: PostgresSettings

    init(_ settings: PostgresSettings) { self.settings = settings }

    package func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        let settings = settings
        do {
            return try await runBlocking("postgres-check") { stop in
                try ConnectionCheck(settings: settings, told: told).run(stop: stop.check)
            }
        } catch {
            let step = ConnectionReport.Step(step: "connection", isOK: false, message: "The test was cancelled.")
            return ConnectionReport(address: "", steps: [step])
        }
    }

    package func withScan<Result: Sendable>(
        _ request: ScanRequest, _ body: (RowBatches) async throws -> Result
    ) async throws -> Result {
        let scan = PostgresScan(settings: settings, request: request)
        let stop = StopFlag()
        let columns = Promised<[Column]>()
        let thread = ScanThread(name: "postgres-scan") { sink in
            try scan.run(sink, stop: stop, columns: columns)
        }
        do {
            let known = try await withTaskCancellationHandler {
                try await columns.value()
            } onCancel: {
                stop.set()
            }
            let result = try await body(RowBatches(columns: known) { try await thread.next() })
            await thread.stop { stop.set() }
            return result
        } catch {
            await thread.stop { stop.set() }
            throw error
        }
    }

    package func tables() async throws(SourceError) -> [TableInfo] {
        try await inSession { session in
            let catalog = session.catalog
            let relations = try catalog.relations()
            let raw = try catalog.rawColumns(of: relations.map(\.oid))
            let all = relations.map { raw[$0.oid] ?? [] }
            var columns = try catalog.readColumns(all.flatMap { $0 }).map(\.column)[...]
            return relations.indices.map { index in
                let own = columns.prefix(all[index].count)
                columns = columns.dropFirst(all[index].count)
                let relation = relations[index]
                return TableInfo(
                    schema: relation.schema, name: relation.name, kind: relation.kind, columns: Array(own),
                    rowsEstimate: relation.rowsEstimate)
            }
        }
    }

    package func columns(of relation: Relation) async throws(SourceError) -> [Column] {
        try await inSession { session in try session.plan(ScanRequest(relation)).columns }
    }

    private func inSession<Result: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> Result
    ) async throws(SourceError) -> Result {
        let settings = settings
        do {
            return try await runBlocking("postgres-catalog") { stop in
                try PostgresSession.run(settings, stop: stop.check, body)
            }
        } catch let error as ConnectorError {
            throw error
        } catch {
            throw ConnectorError(
                code: "cancelled", message: "The question to the source was cancelled.", hint: "", disposition: .stop)
        }
    }
}
