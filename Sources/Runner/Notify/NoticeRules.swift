package import ProjectConfig
internal import Records
package import StateStore

/// What is not well with a sync and has been told: a state that lasts over runs until one ends it.
package struct NoticeState: Sendable, Hashable, Codable {
    package struct Open: Sendable, Hashable, Codable {
        /// The run that began it; 0 where it is that there was none.
        package var run: Int64
        /// How many rows were told.
        package var count = 0
        /// Whether there are rows among them that only a complete scan comes by again; nil in notes of before this was
        /// kept.
        package var needsCompleteScan: Bool?
    }

    /// By the event's word.
    package var open: [String: Open] = [:]

    package init() {}

    package subscript(_ event: NotifyDefinition.Event) -> Open? {
        get { open[event.rawValue] }
        set { open[event.rawValue] = newValue }
    }
}

/// Decides what is to be told. Knows no clock and sends nothing.
package enum NoticeRules {
    /// Rows that do not arrive are told once more when there are so many times as many.
    static let growthMin = 10
    /// A sync is not stale before the run that is due had so long to end.
    static let staleSecondsMin: Int64 = 3_600

    /// What `run`, which has ended, brings about. `state` is what it is once all of that was told.
    package static func notices(
        of run: RunRecord, _ notify: NotifyDefinition, state: inout NoticeState, at now: Moment
    ) -> [Notice] {
        // What a person tried on chosen records says nothing of the whole.
        guard !run.limited else { return [] }
        switch run.state {
        case .failed: return begin(.failure, run, notify, &state, now)
        case .stoppedByGuard: return begin(.guard, run, notify, &state, now)
        case .succeeded, .completedWithRejections: return finished(run, notify, &state, now)
        default: return []
        }
    }

    private static func finished(
        _ run: RunRecord, _ notify: NotifyDefinition, _ state: inout NoticeState, _ now: Moment
    ) -> [Notice] {
        var over: [NotifyDefinition.Event] = [.failure, .guard, .stale]
        var notices: [Notice] = []
        let missing = run.notArrived
        let share = Double(missing) * 100 / Double(max(1, run.rows.scanned + run.rows.carried))
        if missing > 0 && share >= notify.notArrivedPercentMin {
            notices += begin(.notArrived, run, notify, &state, now)
            let before = isRecent(run) && state[.notArrived]?.needsCompleteScan == true
            state[.notArrived]?.needsCompleteScan = before || needsCompleteScan(run)
        } else if !isRecent(run) || state[.notArrived]?.needsCompleteScan != true {
            over.append(.notArrived)
        }
        let recovered = over.filter { state[$0] != nil }
        for event in recovered { state[event] = nil }
        guard !recovered.isEmpty, notify.events.contains(.recovery) else { return notices }
        var notice = Notice(
            .recovery, sync: run.sync, run: run, message: "Sync \(run.sync) is well again: run \(run.id) finished.",
            hint: "", at: now)
        notice.recovered = recovered
        return notices + [notice]
    }

    private static func isRecent(_ run: RunRecord) -> Bool { run.effort?.scan == .recent }

    /// Whether rows did not arrive that no run carries on. Until a complete scan comes by them again, runs end as if they were
    /// not there.
    private static func needsCompleteScan(_ run: RunRecord) -> Bool {
        let operations = run.operations
        return run.rows.invalid + operations.inDoubt > 0 || operations.removals > 0 && operations.rejected > 0
            || run.reasons.contains { $0.code == RecordFilter.inDoubt.code }
    }

    private static func begin(
        _ event: NotifyDefinition.Event, _ run: RunRecord, _ notify: NotifyDefinition, _ state: inout NoticeState,
        _ now: Moment
    ) -> [Notice] {
        let missing = event == .notArrived ? run.notArrived : 0
        let told = state[event]
        let isGrown = told.map { $0.count > 0 && missing >= $0.count * growthMin } ?? false
        if told == nil || isGrown { state[event] = NoticeState.Open(run: run.id, count: missing) }
        guard notify.events.contains(event), told == nil || isGrown || notify.sendFor == .everyTime else { return [] }
        return [notice(event, run, now)]
    }

    private static func notice(_ event: NotifyDefinition.Event, _ run: RunRecord, _ now: Moment) -> Notice {
        let (message, hint): (String, String)
        switch event {
        case .guard:
            message =
                "A guard stopped run \(run.id) of sync \(run.sync) before it sent anything: "
                + (run.guard?.messages ?? "it would have done more than is allowed.")
            hint = run.guard?.hint ?? ""
        case .notArrived:
            let missing = run.notArrived
            message =
                "\(missing) row\(missing == 1 ? "" : "s") of sync \(run.sync) did not arrive with run \(run.id)"
                + (run.reasons.first.map { ", most for the reason \($0.code)." } ?? ".")
            hint = "sluice records \(run.id) lists them with what to do."
        default:
            message = "Run \(run.id) of sync \(run.sync) failed: " + (run.error?.message ?? "no reason is known.")
            hint = run.error?.hint ?? ""
        }
        return Notice(event, sync: run.sync, run: run, message: message, hint: hint, at: now)
    }

    // MARK: Stale

    /// When the sync will be stale if no run is complete until then; nil where nothing says so.
    ///
    /// By its own measure that is at the second time that it is due after its last complete run began, but not before
    /// the first of them had an hour.
    package static func staleAt(
        _ sync: SyncDefinition, _ notify: NotifyDefinition, _ promise: FreshnessPromise, completedAt: Moment?,
        seenAt: Moment
    ) -> Moment? {
        let last = completedAt ?? seenAt
        if let seconds = notify.staleAfterSeconds { return last.plus(seconds: Int64(seconds)) }
        guard let due = promise.due(sync.name, after: last) else { return nil }
        return max(due.second, due.first.plus(seconds: staleSecondsMin))
    }

    /// The notice that a sync is stale, the first time it is so.
    package static func stale(
        _ sync: SyncDefinition, _ notify: NotifyDefinition, completedAt: Moment?, state: inout NoticeState,
        at now: Moment
    ) -> Notice? {
        guard state[.stale] == nil else { return nil }
        state[.stale] = NoticeState.Open(run: 0)
        guard notify.events.contains(.stale) else { return nil }
        let since = completedAt.map { "since \($0.text)" } ?? "since Sluice follows its schedule"
        return Notice(
            .stale, sync: sync.name, run: nil, message: "No run of sync \(sync.name) was complete \(since).",
            hint: "sluice runs \(sync.name) shows what became of its runs.", at: now)
    }
}

extension Moment {
    package func plus(seconds: Int64) -> Moment { Moment(milliseconds: milliseconds + seconds * 1_000) }
}
