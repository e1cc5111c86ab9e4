package import ProjectConfig
package import StateStore

/// Decides which syncs are due, from their schedules, what the history says of them, and the time it is told. It has no
/// clock of its own.
///
/// A schedule that was missed, however often, is due once. A run that anybody started since then counts for it.
package struct Timetable: Sendable {
    /// How a sync stands on its schedule.
    package enum Standing: Sendable, Hashable {
        /// It should have begun then.
        case due(since: Moment)
        case next(at: Moment)
        /// It begins once these have finished.
        case waiting(for: [String])
        case paused
        /// It has no schedule, or none that is ever due again.
        case byHand
    }

    private struct Entry {
        var definition: SyncDefinition
        var cron: CronTimes?
        /// What `cron` was asked last: for a line that is rarely due the answer takes a while, and pages ask for all syncs.
        var known: (after: Moment, next: Moment?)?
        /// Where the sync has no run, its schedule counts from here.
        var seenAt: Moment
        /// Where the schedule was changed while the service runs, times before it are not due.
        var changedAt: Moment?
        /// The last time that this service dealt with the schedule, also where no run came of it.
        var handledAt: Moment?
        /// A run of the history that lies in the future, since the clock was put back, and when that was noticed.
        var future: (run: Moment, noticedAt: Moment)?
        var notBefore: Moment?
    }

    private var entries: [String: Entry] = [:]
    private var order: [String] = []

    package init() {}

    /// Takes over the syncs of a project. One that is there already keeps its place in time unless its schedule differs.
    package mutating func replace(_ syncs: [SyncDefinition], at now: Moment) {
        var replaced: [String: Entry] = [:]
        for sync in syncs {
            var entry = entries[sync.name] ?? Entry(definition: sync, seenAt: now)
            if entries[sync.name] != nil, entry.definition.schedule?.trigger != sync.schedule?.trigger {
                entry.changedAt = now
            }
            entry.definition = sync
            entry.cron = Self.cron(sync.schedule)
            entry.known = nil
            replaced[sync.name] = entry
        }
        entries = replaced
        order = syncs.map(\.name)
    }

    package static func cron(_ schedule: ScheduleDefinition?) -> CronTimes? {
        guard case .cron(let cron, let zone) = schedule?.trigger else { return nil }
        return CronTimes(cron, zone: ZoneRules(zone))
    }

    /// Notes that what was due of the sync has been dealt with.
    package mutating func handled(_ sync: String, at now: Moment) { entries[sync]?.handledAt = now }

    /// Looks at the sync's schedule no earlier than that.
    package mutating func postpone(_ sync: String, until moment: Moment) { entries[sync]?.notBefore = moment }

    /// When the service began to follow the sync.
    package func seenAt(_ sync: String) -> Moment? { entries[sync]?.seenAt }

    /// Every sync that is due, in the order in which they became so, and when the next of the others is.
    package mutating func look(
        _ pasts: [String: SyncPast], now: Moment
    ) -> (due: [SyncDefinition], next: Moment?) {
        notice(pasts, now: now)
        for name in order { reckon(name, pasts[name]) }
        var due: [(sync: SyncDefinition, since: Moment)] = []
        var next: Moment?
        for name in order {
            guard let entry = entries[name] else { continue }
            switch standing(of: name, pasts, now: now) {
            case .due(let since): due.append((entry.definition, since))
            case .next(let at): next = min(next ?? at, at)
            case .waiting, .paused, .byHand: continue
            }
        }
        // The sort is not stable by itself, and the project's order puts parents where people want them.
        let sorted = due.enumerated().sorted { left, right in
            left.element.since == right.element.since
                ? left.offset < right.offset : left.element.since < right.element.since
        }
        return (sorted.map(\.element.sync), next)
    }

    /// Asks the sync's cron line once for all that follows, where that was not done before.
    private mutating func reckon(_ name: String, _ past: SyncPast?) {
        guard let entry = entries[name], let cron = entry.cron else { return }
        let after = anchor(entry, past) ?? entry.seenAt
        if entry.known?.after != after { entries[name]?.known = (after, cron.next(after: after)) }
    }

    /// A clock that was put back must not keep a sync waiting until it has caught up.
    private mutating func notice(_ pasts: [String: SyncPast], now: Moment) {
        for name in order {
            guard let run = pasts[name]?.handledAt, run > now else {
                entries[name]?.future = nil
                continue
            }
            if entries[name]?.future?.run != run { entries[name]?.future = (run, now) }
            if let handled = entries[name]?.handledAt, handled > now { entries[name]?.handledAt = now }
        }
    }

    package func standing(of name: String, _ pasts: [String: SyncPast], now: Moment) -> Standing {
        guard let entry = entries[name] else { return .byHand }
        let past = pasts[name]
        if entry.definition.paused || past?.isPaused == true { return .paused }
        switch entry.definition.schedule?.trigger {
        case .cron:
            let after = anchor(entry, past) ?? entry.seenAt
            let next = entry.known?.after == after ? entry.known?.next : entry.cron?.next(after: after)
            return next.map { decide($0, entry, now) } ?? .byHand
        case .every(let seconds):
            guard let last = anchor(entry, past, ignoresChange: true) else { return decide(entry.seenAt, entry, now) }
            return decide(Moment(milliseconds: last.milliseconds + Int64(seconds) * 1_000), entry, now)
        case .after(let parents):
            return follow(parents, entry, pasts, now)
        case nil:
            return .byHand
        }
    }

    private func decide(_ next: Moment, _ entry: Entry, _ now: Moment) -> Standing {
        let next = max(next, entry.notBefore ?? next)
        return next <= now ? .due(since: next) : .next(at: next)
    }

    /// The moment up to which the schedule has been dealt with; nil where it never was.
    private func anchor(_ entry: Entry, _ past: SyncPast?, ignoresChange: Bool = false) -> Moment? {
        let run = entry.future?.noticedAt ?? past?.handledAt
        return [run, entry.handledAt, ignoresChange ? nil : entry.changedAt].compactMap { $0 }.max()
    }

    private func follow(_ parents: [String], _ entry: Entry, _ pasts: [String: SyncPast], _ now: Moment) -> Standing {
        let begun = entry.future == nil ? pasts[entry.definition.name]?.begunAt : nil
        var since = Moment(milliseconds: Moment.range.lowerBound)
        var missing: [String] = []
        for parent in parents {
            guard let done = pasts[parent]?.completedAt, begun.map({ done > $0 }) ?? true else {
                missing.append(parent)
                continue
            }
            since = max(since, done)
        }
        return missing.isEmpty ? decide(since, entry, now) : .waiting(for: missing)
    }
}
