package import ConnectorKit
package import Records

/// Reads tables, views and queries of an SQLite database file.
///
/// Each call opens the database, reads in one transaction and closes it again, on a thread of its own: SQLite blocks.
package struct SQLiteSource: Source, Discoverable {
    package static let type = SourceType(SQLiteSettings.declaration) { settings throws(ConnectorError) in
        SQLiteSource(try SQLiteSettings(settings))
    }

    private let settings: SQLiteSettings

    package init(_ settings: SQLiteSettings) { self.settings = settings }

    // MARK: Source

    package func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        var report = ConnectionReport(address: settings.path)
        report.begin("file exists", told)
        do throws(SourceError) {
            try DatabaseFile.judge(settings.path)
            report.pass("file exists", "\(settings.path) is a file and may be read.")
        } catch {
            report.fail("file exists", error)
            return report
        }
        report.begin("database opens", told)
        do throws(SourceError) {
            let names = try await perform { connection in
                try SQLiteCatalog(connection: connection).listed().map(\.name)
            }
            report.pass("database opens", "It is an SQLite database and nobody has it locked.")
            let counted = names.count == 1 ? "table or view" : "tables and views"
            report.pass("tables can be read", "\(names.count) \(counted).", names.isEmpty ? [Self.empty] : [])
        } catch {
            report.fail("database opens", error)
        }
        return report
    }

    private static let empty = Reason(
        code: "source_empty", message: "The database has no tables and no views.",
        hint: "See whether this is the right file.")

    package func withScan<Result: Sendable>(
        _ request: ScanRequest, _ body: (RowBatches) async throws -> Result
    ) async throws -> Result {
        let control = ScanControl(busyTimeoutSeconds: settings.busyTimeoutSeconds)
        let columns = FirstAnswer<[Column]>()
        let thread = ScanThread(name: "sqlite scan") { [settings] sink in
            do {
                let query = try SQLiteQuery(request, on: SQLiteConnection(settings, control))
                columns.give(.success(query.columns))
                try query.rows.read(request, send: sink.send)
            } catch {
                columns.give(.failure(error))
                throw error
            }
        }
        do {
            let batches = RowBatches(columns: try await Self.await(columns, control)) { try await thread.next() }
            let result = try await body(batches)
            await thread.stop { control.stop() }
            return result
        } catch {
            await thread.stop { control.stop() }
            throw error
        }
    }

    // MARK: Discoverable

    package func tables() async throws(SourceError) -> [TableInfo] {
        try await perform { connection in try SQLiteCatalog(connection: connection).tables() }
    }

    package func columns(of relation: Relation) async throws(SourceError) -> [Column] {
        try await perform { connection in try SQLiteQuery(relation, columns: nil, on: connection).columns }
    }

    // MARK: The thread

    /// Runs `body` on a thread of its own with an open connection, which is closed when this returns. A cancelled
    /// task gets `source_interrupted`.
    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
    ) async throws(SourceError) -> Value {
        let control = ScanControl(busyTimeoutSeconds: settings.busyTimeoutSeconds)
        let answer = FirstAnswer<Value>()
        let thread = ScanThread(name: "sqlite") { [settings] _ in
            answer.give(Swift.Result { try body(SQLiteConnection(settings, control)) })
        }
        let result: Swift.Result<Value, any Error>
        do {
            result = .success(try await Self.await(answer, control))
        } catch {
            result = .failure(error)
        }
        await thread.stop { control.stop() }
        switch result {
        case .success(let value): return value
        case .failure(let error as SourceError): throw error
        case .failure: throw SQLiteFailure.interrupted(settings.path)
        }
    }

    /// Waits for the thread's answer; a cancelled task stops the thread, which then answers `CancellationError`.
    private static func await<Value: Sendable>(
        _ answer: FirstAnswer<Value>, _ control: ScanControl
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await answer.wait().get()
        } onCancel: {
            control.stop()
        }
    }
}

extension ConnectionReport {
    fileprivate mutating func pass(_ step: String, _ message: String, _ warnings: [Reason] = []) {
        end(Step(step: step, isOK: true, message: message, warnings: warnings))
    }

    fileprivate mutating func fail(_ step: String, _ error: SourceError) {
        end(Step(step: step, isOK: false, message: error.message, hint: error.hint))
    }
}
