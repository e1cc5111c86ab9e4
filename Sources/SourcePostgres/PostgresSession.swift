internal import ConnectorKit
internal import Records

/// One connection inside one read-only, repeatable-read transaction: everything the source does happens in such a
/// session, so nothing can be changed and all it reads is of one moment.
struct PostgresSession {
    let settings: PostgresSettings
    let connection: PostgresConnection

    var catalog: SourceCatalog { SourceCatalog(connection: connection) }

    /// Opens a session, runs `body` and closes it. Throws `ConnectorError` or `CancellationError`.
    static func run<Result>(
        _ settings: PostgresSettings, stop: @escaping () throws -> Void, _ body: (PostgresSession) throws -> Result
    ) throws -> Result {
        let connection: PostgresConnection
        do {
            connection = try ConnectionAttempt(settings: settings, stop: stop).open()
        } catch let failure as ConnectionAttempt.Failure {
            throw ConnectErrors.error(failure)
        }
        defer { connection.close() }
        let session = PostgresSession(settings: settings, connection: connection)
        do {
            try session.begin()
            return try body(session)
        } catch let failure as ServerFailure {
            throw session.errors(sql: nil).error(failure)
        } catch let malformed as MalformedRow {
            throw ConnectorError(
                code: "malformed_answer", message: "The server sent data that cannot be understood: \(malformed.what).",
                hint: "Check that it is PostgreSQL 12 or later and no proxy changes the data.", disposition: .stop)
        }
    }

    func begin() throws {
        let timeout = settings.statementTimeoutSeconds
        // Text forms must be the same whatever the role's own settings and the environment are, because fingerprints are
        // made of them; those of ranges and of casts to text have the time zone in them.
        try connection.execute(
            """
            begin transaction isolation level repeatable read read only;
            set local datestyle = 'ISO, YMD'; set local intervalstyle = 'iso_8601'; set local extra_float_digits = 1;
            set local bytea_output = 'hex'; set local xmlbinary = 'base64'; set local timezone = 'UTC'; \
            \(timeout > 0 ? "set local statement_timeout = '\(timeout)s'" : "")
            """)
    }

    func errors(sql: String?) -> StatementErrors {
        StatementErrors(sql: sql, statementTimeoutSeconds: settings.statementTimeoutSeconds)
    }

    /// Plans a scan; failures of the user's own SQL say what is missing.
    func plan(_ request: ScanRequest) throws -> ScanPlan {
        do {
            return try ScanPlan.make(request, catalog)
        } catch let failure as ServerFailure {
            throw try explained(failure, request.relation, isPlanned: false)
        }
    }

    /// Looks up what an error of the server leaves unsaid: the grant that is missing, the name that was meant.
    func explained(_ failure: ServerFailure, _ relation: Relation, isPlanned: Bool) throws -> ConnectorError {
        var sql: String?
        if case .query(let text) = relation { sql = isPlanned ? nil : text }
        let plain = errors(sql: sql).error(failure)
        guard !failure.isConnectionLost else { return plain }
        if isPlanned, failure.sqlState == "42601", sql == nil, case .query = relation {
            // It was parsed by itself, so it is a statement, but not one that can be read from.
            return StatementErrors.notReadOnly("it is not a SELECT")
        }
        guard failure.sqlState == "42501" || failure.sqlState == "42P01" else { return plain }
        try connection.execute("rollback")
        try begin()
        if failure.sqlState == "42501" { return try permission(relation) ?? plain }
        guard let sql, let position = failure.position else { return plain }
        guard let name = SQLText.dottedName(at: position, in: sql).last else { return plain }
        let schema = SQLText.dottedName(at: position, in: sql).dropLast().last
        return try ScanPlan.notFound(schema: schema, name: name, catalog)
    }

    private func permission(_ relation: Relation) throws -> ConnectorError? {
        let unreadable: [SourceCatalog.Relation]
        switch relation {
        case .table(let schema, let name):
            unreadable = try catalog.relation(schema: schema, name: name).map { [$0] }?.filter { !$0.maySelect } ?? []
        case .query(let sql):
            unreadable = try MissingGrants.namedIn(sql, catalog: catalog)
        }
        return unreadable.isEmpty ? nil : MissingGrants.error(unreadable, role: connection.user)
    }
}
