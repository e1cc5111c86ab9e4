internal import Records
internal import StateStore
internal import Synchronization

/// The figures of `/metrics` in Prometheus' text format. Made once and kept: each text reads only the runs that ended since
/// the one before, and counters never fall, also when old runs are removed from the history.
package final class ServerMetrics: Sendable {
    private struct Key: Hashable {
        var sync: String
        var state: RunState
    }

    private struct State {
        var counted = CountedRuns()
        var totals: [Key: RunTotals] = [:]
    }

    private let environment: RunEnvironment
    private let service: ScheduleService?
    private let state = Mutex(State())

    /// - Parameter service: tells what runs and when the next run is due; nil where there is none.
    package init(environment: RunEnvironment, service: ScheduleService?) {
        self.environment = environment
        self.service = service
    }

    package func text() throws -> String {
        let history = RunHistory(environment.database)
        let totals = try state.withLock { state in
            for new in try history.totals(after: &state.counted) {
                let key = Key(sync: new.sync, state: new.state)
                state.totals[key] = state.totals[key].map { $0 + new } ?? new
            }
            return state.totals.values.sorted { ($0.sync, $0.state.rawValue) < ($1.sync, $1.state.rawValue) }
        }
        var text = MetricsText()
        Self.write(totals, to: &text)
        Self.write(try history.pasts(), now: environment.time.now(), to: &text)
        if let service { Self.write(try service.status(), isReady: service.isReady, to: &text) }
        return text.text
    }

    private static func write(_ totals: [RunTotals], to text: inout MetricsText) {
        text.begin("sluice_runs_total", .counter, "Runs that have ended, by the state in which they did.")
        for total in totals { text.add(total.runs, sync: total.sync, ("state", total.state.rawValue)) }
        text.begin("sluice_run_seconds_total", .counter, "How long the runs that have ended took.")
        for total in totals {
            text.add(Double(total.milliseconds) / 1_000, sync: total.sync, ("state", total.state.rawValue))
        }
        var syncs: [RunTotals] = []
        for total in totals {
            if let last = syncs.last, last.sync == total.sync {
                syncs[syncs.count - 1] = last + total
            } else {
                syncs.append(total)
            }
        }
        text.begin("sluice_rows_total", .counter, "Rows of the runs that have ended, by what became of them.")
        for total in syncs {
            for (kind, count) in total.rows.kinds { text.add(count, sync: total.sync, ("kind", kind)) }
        }
        text.begin(
            "sluice_operations_total", .counter, "Operations of the runs that have ended, by outcome and effect.")
        for total in syncs {
            for (kind, count) in total.operations.kinds { text.add(count, sync: total.sync, ("kind", kind)) }
        }
        text.begin("sluice_requests_total", .counter, "Requests that wrote.")
        for total in syncs { text.add(total.requests, sync: total.sync) }
        text.begin("sluice_sent_bytes_total", .counter, "Bytes of the requests that wrote.")
        for total in syncs { text.add(Int(total.bytesSent), sync: total.sync) }
    }

    private static func write(_ pasts: [String: SyncPast], now: Moment, to text: inout MetricsText) {
        let sorted = pasts.sorted { $0.key < $1.key }
        text.begin("sluice_last_complete_run_age_seconds", .gauge, "How long ago the last complete run ended.")
        for (sync, past) in sorted {
            guard let completed = past.completedAt else { continue }
            text.add(Double(max(0, now.milliseconds - completed.milliseconds)) / 1_000, sync: sync)
        }
        text.begin("sluice_last_complete_run_timestamp_seconds", .gauge, "When the last complete run ended.")
        for (sync, past) in sorted {
            guard let completed = past.completedAt else { continue }
            text.add(Double(completed.milliseconds) / 1_000, sync: sync)
        }
    }

    private static func write(_ standings: [SyncStanding], isReady: Bool, to text: inout MetricsText) {
        text.begin("sluice_scheduler_ready", .gauge, "Whether the schedules are followed.")
        text.add(isReady ? 1 : 0)
        text.begin("sluice_sync_running", .gauge, "Whether a run of the sync is going.")
        for standing in standings { text.add(standing.isRunning ? 1 : 0, sync: standing.sync) }
        text.begin("sluice_sync_queued", .gauge, "Whether a run of the sync waits for a free place.")
        for standing in standings { text.add(standing.isQueued ? 1 : 0, sync: standing.sync) }
        text.begin("sluice_sync_paused", .gauge, "Whether the sync is off its schedule.")
        for standing in standings { text.add(standing.pause == nil ? 0 : 1, sync: standing.sync) }
        text.begin("sluice_sync_next_run_timestamp_seconds", .gauge, "When the sync is due next.")
        for standing in standings {
            guard let at = standing.nextAt else { continue }
            text.add(Double(at.milliseconds) / 1_000, sync: standing.sync)
        }
    }
}

extension RunTotals {
    static func + (left: RunTotals, right: RunTotals) -> RunTotals {
        var sum = left
        sum.runs += right.runs
        sum.requests += right.requests
        sum.bytesSent += right.bytesSent
        sum.milliseconds += right.milliseconds
        for kind in RowLedger.kindPaths { sum.rows[keyPath: kind.path] += right.rows[keyPath: kind.path] }
        for kind in OperationLedger.kindPaths {
            sum.operations[keyPath: kind.path] += right.operations[keyPath: kind.path]
        }
        return sum
    }
}

extension RowLedger {
    fileprivate static let kindPaths: [(name: String, path: any WritableKeyPath<RowLedger, Int> & Sendable)] = [
        ("scanned", \.scanned), ("carried", \.carried), ("unchanged", \.unchanged), ("invalid", \.invalid),
        ("held", \.held), ("skipped", \.skipped), ("deferred", \.deferred), ("planned", \.planned),
    ]

    fileprivate var kinds: [(String, Int)] { Self.kindPaths.map { ($0.name, self[keyPath: $0.path]) } }
}

extension OperationLedger {
    fileprivate static let kindPaths: [(name: String, path: any WritableKeyPath<OperationLedger, Int> & Sendable)] = [
        ("planned", \.planned), ("removals", \.removals), ("accepted", \.accepted), ("rejected", \.rejected),
        ("undelivered", \.undelivered), ("in_doubt", \.inDoubt), ("created", \.created), ("updated", \.updated),
        ("already_equal", \.alreadyEqual), ("sent", \.sent), ("removed", \.removed),
    ]

    fileprivate var kinds: [(String, Int)] { Self.kindPaths.map { ($0.name, self[keyPath: $0.path]) } }
}

/// Writes the text format.
private struct MetricsText {
    enum Kind: String {
        case counter, gauge
    }

    private(set) var text = ""
    private var name = ""

    init() { text.reserveCapacity(64 << 10) }

    /// Begins a metric; its help is one line.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func add(_ value: Int) { text += "\(name) \(value)\n" }

    mutating func add(_ value: Int, sync: String, _ label: (String, String)? = nil) {
        add(String(value), sync: sync, label)
    }

    mutating func add(_ value: Double, sync: String, _ label: (String, String)? = nil) {
        add(value.description, sync: sync, label)
    }

    /// Appended piece by piece: with many syncs there are tens of thousands of lines, and each is made for every scrape.
    private mutating func add(_ value: String, sync: String, _ label: (String, String)?) {
        text += name
        text += "{sync=\""
        Self.appendEscaped(sync, to: &text)
        if let label {
            text += "\","
            text += label.0
            text += "=\""
            text += label.1
        }
        text += "\"} "
        text += value
        text += "\n"
    }

    private static func appendEscaped(_ name: String, to text: inout String) {
        guard name.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else {
            text += name
            return
        }
        text += name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
