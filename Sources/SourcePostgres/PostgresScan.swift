internal import ConnectorKit
internal import Records

/// The blocking side of one scan: runs on the scan's own thread from the first byte of the connection to the last.
struct PostgresScan: Sendable {
    let settings: PostgresSettings
    let request: ScanRequest

    private static let fewRows = 10_000

    /// Fulfils `columns` as soon as they are known, then hands over all batches.
    func run(_ sink: BatchSink, stop: StopFlag, columns: Promised<[Column]>) throws {
        do {
            let heed = {
                try stop.check()
                try sink.checkWanted()
            }
            try PostgresSession.run(settings, stop: heed) { session in
                let plan = try session.plan(request)
                columns.fulfil(.success(plan.columns))
                do {
                    try read(plan, session, sink)
                } catch let failure as ServerFailure {
                    throw try session.explained(failure, request.relation, isPlanned: true)
                } catch let error as CancellationError {
                    // The server may be in the middle of a long query: it is not to go on for nobody.
                    session.connection.cancelRunning()
                    throw error
                }
            }
        } catch {
            columns.fulfil(.failure(error))
            throw error
        }
    }

    private func read(_ plan: ScanPlan, _ session: PostgresSession, _ sink: BatchSink) throws {
        let connection = session.connection
        let checksText = connection.parameter("server_encoding") == "SQL_ASCII"
        var decoder = RowDecoder(plan.rules, checksText: checksText)
        var builder = RowBatchBuilder(
            columnCount: plan.rules.count, rowsMax: request.batchRowsMax, bytesMax: request.batchBytesMax)
        if request.rowsMax ?? .max > Self.fewRows { try connection.readMoreAtOnce() }
        var messages = try connection.startCopy(plan.copySQL)
        while let message = try unsafe messages.next() {
            var offset = 0
            while offset < message.count {
                offset = try unsafe decoder.decode(message, at: offset, into: &builder)
                if builder.isFull { try sink.send(builder.finish()) }
            }
        }
        let rowsSent = messages.rowsSent
        guard decoder.hasEnded, rowsSent == decoder.rowCount else {
            throw ConnectorError(
                code: "connection_lost",
                message: "The server says it sent \(rowsSent ?? 0) rows, but \(decoder.rowCount) arrived.",
                hint: "Nothing was planned from this scan. Run again.", disposition: .retry(after: nil))
        }
        if !builder.isEmpty { try sink.send(builder.finish()) }
        try connection.execute("commit")
    }
}
