package import Logging
internal import Records
package import StateStore

/// What a log says of a run that has ended, `run` and `serve` alike: its state and its figures are fields of their own, for
/// programs that read the log.
package enum RunLog {
    package static func ended(_ run: RunRecord, to logger: Logger) {
        logger.log(level: level(run.state), "run ended", metadata: fields(run))
    }

    /// Whoever is woken by warnings is not to be woken by what a person asked for.
    private static func level(_ state: RunState) -> Logger.Level {
        switch state {
        case .failed: .error
        case .completedWithRejections, .stoppedByGuard: .warning
        case .cancelled: .notice
        default: .info
        }
    }

    private static func fields(_ run: RunRecord) -> Logger.Metadata {
        let (rows, operations) = (run.rows, run.operations)
        var fields: Logger.Metadata = [
            "sync": "\(run.sync)", "state": "\(run.state.rawValue)", "trigger": "\(run.trigger)",
            "full": .stringConvertible(run.full), "limited": .stringConvertible(run.limited),
        ]
        let numbers = [
            ("scanned", rows.scanned), ("carried", rows.carried), ("unchanged", rows.unchanged),
            ("invalid", rows.invalid), ("held", rows.held), ("skipped", rows.skipped), ("deferred", rows.deferred),
            ("planned", rows.planned), ("removals", operations.removals), ("accepted", operations.accepted),
            ("rejected", operations.rejected), ("undelivered", operations.undelivered),
            ("in_doubt", operations.inDoubt), ("not_arrived", run.notArrived), ("requests", run.requests),
        ]
        for (name, number) in numbers { fields[name] = .stringConvertible(number) }
        fields["run"] = .stringConvertible(run.id)
        fields["bytes_sent"] = .stringConvertible(run.bytesSent)
        if let end = run.endedAt {
            fields["duration_ms"] = .stringConvertible(max(0, end.milliseconds - run.startedAt.milliseconds))
        }
        if let error = run.error {
            fields["code"] = "\(error.code)"
            fields["error"] = "\(error.message)"
            fields["hint"] = "\(error.hint)"
        }
        if !run.warnings.isEmpty {
            fields["warnings"] = "\(run.warnings.map(\.code).joined(separator: ","))"
        }
        if let guards = run.guard?.all {
            fields["guard"] = "\(guards.map(\.name).joined(separator: ","))"
        }
        return fields
    }
}
