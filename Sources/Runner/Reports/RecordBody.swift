internal import Records
internal import StateStore

/// The life of a record for programs: `record --json` and the page's JSON.
package struct RecordBody: Sendable, Encodable {
    package struct Step: Sendable, Encodable {
        var run: Int64
        var at: Moment
        var outcome: String
        var reason: Reason?
        var payload: String?
        /// What would have been sent of a record that never left.
        var unsent: String?
        var exchanges: [Exchange]

        init(_ step: RecordLife.Step) {
            run = step.run.id
            at = step.run.startedAt
            outcome = step.outcome
            reason = step.reason
            payload = step.payload
            unsent = step.unsent
            exchanges = step.exchanges.map { Exchange($0) }
        }
    }

    /// Without the bodies: they hold the other records of the batch too.
    package struct Exchange: Sendable, Encodable {
        var at: Moment
        var method: String
        var path: String
        var status: Int?
        var error: String?
        var milliseconds: Int

        init(_ exchange: ExchangeRecord) {
            at = exchange.at
            method = exchange.method
            path = exchange.path
            status = exchange.status
            error = exchange.error
            milliseconds = exchange.milliseconds
        }
    }

    var sync: String
    var key: String
    var steps: [Step]

    package init(sync: String, key: String, steps: [RecordLife.Step]) {
        self.sync = sync
        self.key = key
        self.steps = steps.map { Step($0) }
    }
}
