package import ProjectConfig
package import StateStore
internal import Synchronization

/// How old the data of each sync may get by its schedule, if every run is complete.
///
/// An interval promises itself. A cron line promises the longest time between two moments at which it is due. A sync that
/// follows others begins once each of them has finished, so it promises what the slowest of them does. One that is run by
/// hand promises nothing, nor does what follows it or one that is paused.
package struct FreshnessPromise: Sendable {
    private let syncs: [String: SyncDefinition]
    private let paused: Set<String>
    private let kept: KeptDueTimes?

    /// - Parameters:
    ///   - paused: by a person; what the definitions say of it counts too.
    ///   - kept: for who asks again and again.
    package init(_ syncs: [SyncDefinition], paused: Set<String>, kept: KeptDueTimes? = nil) {
        self.kept = kept
        self.syncs = Dictionary(syncs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.paused = paused
    }

    /// The promise in seconds, for the year that begins at `start`; nil where there is none. Costs some milliseconds for a
    /// cron line in a zone whose clock changes.
    package func seconds(_ sync: String, from start: Moment) -> Int64? {
        var known: [String: Int64?] = [:]
        return slowest(
            sync, &known,
            every: { Int64($0) }, cron: { Timetable.cron($0)?.longestGapSeconds(from: start) }, of: { $0.max() })
    }

    /// When the sync has to have begun the first time after a moment, and the second time.
    package func due(_ sync: String, after moment: Moment) -> (first: Moment, second: Moment)? {
        var known: [String: Due?] = [:]
        let due = slowest(
            sync, &known,
            every: { Due(first: moment.plus(seconds: Int64($0)), second: moment.plus(seconds: Int64($0) * 2)) },
            cron: { schedule in
                guard let kept else { return Self.due(schedule, after: moment) }
                return kept.due(schedule, after: moment) { Self.due(schedule, after: moment) }
            },
            of: { all in
                guard let first = all.map(\.first).max(), let second = all.map(\.second).max() else { return nil }
                return Due(first: first, second: second)
            })
        return due.map { ($0.first, $0.second) }
    }

    private static func due(_ schedule: ScheduleDefinition, after moment: Moment) -> Due? {
        guard let times = Timetable.cron(schedule), let first = times.next(after: moment),
            let second = times.next(after: first)
        else { return nil }
        return Due(first: first, second: second)
    }

    fileprivate struct Due {
        var first: Moment
        var second: Moment
    }

    /// - Parameter known: of the syncs that were asked already, so that none is twice; one that is being asked promises
    ///   nothing, as in a circle.
    private func slowest<Value>(
        _ name: String, _ known: inout [String: Value?], every: (Int) -> Value?, cron: (ScheduleDefinition) -> Value?,
        of: ([Value]) -> Value?
    ) -> Value? {
        if let value = known[name] { return value }
        known[name] = .some(nil)
        let schedule = syncs[name]?.schedule
        let value: Value?
        switch schedule?.trigger {
        case .every(let seconds): value = every(seconds)
        case .cron: value = schedule.flatMap(cron)
        case .after(let parents):
            let all = parents.map { parent in
                isPaused(parent) ? nil : slowest(parent, &known, every: every, cron: cron, of: of)
            }
            value = all.contains { $0 == nil } ? nil : of(all.compactMap { $0 })
        case nil: value = nil
        }
        known[name] = .some(value)
        return value
    }

    private func isPaused(_ name: String) -> Bool { paused.contains(name) || syncs[name]?.paused == true }
}

/// What cron lines were asked last: the answer takes a while, and pages ask for all syncs each time.
package final class KeptDueTimes: Sendable {
    /// Of more the answers are forgotten and asked anew.
    private static let keptMax = 4_000

    private struct Question: Hashable {
        var trigger: ScheduleDefinition.Trigger
        var after: Moment
    }

    private let known = Mutex<[Question: FreshnessPromise.Due?]>([:])

    package init() {}

    fileprivate func due(
        _ schedule: ScheduleDefinition, after moment: Moment, _ ask: () -> FreshnessPromise.Due?
    ) -> FreshnessPromise.Due? {
        let question = Question(trigger: schedule.trigger, after: moment)
        if let answer = known.withLock({ $0[question] }) { return answer }
        let answer = ask()
        known.withLock { known in
            if known.count >= Self.keptMax { known.removeAll() }
            known[question] = .some(answer)
        }
        return answer
    }
}
