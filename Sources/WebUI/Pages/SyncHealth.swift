internal import ProjectConfig
internal import Records
internal import Runner
package import StateStore

/// How a sync is, from its definition, its last run and the clock.
package struct SyncHealth: Sendable, Hashable {
    package enum Condition: String, Sendable, Hashable, Codable, Comparable {
        case failing, guarded, missing, stale, running, unknown, paused, good

        package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .failing: 0
            case .guarded: 1
            case .missing: 2
            case .stale: 3
            case .running: 4
            case .unknown: 5
            case .paused: 6
            case .good: 7
            }
        }
    }

    package var name: String
    package var source: String
    package var destination: String
    package var object: String
    package var isPaused: Bool
    package var lastRun: RunRecord?
    /// When the last complete run ended: until then everything in the source was looked at.
    package var freshAt: Moment?
    package var nextRun: Moment?
    package var condition: Condition
    /// The second time that the sync was due after that, with a little for the run itself; nil where no schedule says so.
    private let lateAt: Moment?

    init(
        _ sync: SyncDefinition, _ promise: FreshnessPromise, isPaused: Bool, lastRun: RunRecord?, freshAt: Moment?,
        nextRun: Moment?, now: Moment
    ) {
        name = sync.name
        source = sync.dataset.source
        destination = sync.destination
        object = sync.object
        self.isPaused = isPaused || sync.paused
        self.lastRun = lastRun
        self.freshAt = freshAt
        self.nextRun = nextRun
        lateAt = freshAt.flatMap { promise.due(sync.name, after: $0) }?.second.plus(seconds: 300)
        condition = .good
        condition = judge(now)
    }

    private func judge(_ now: Moment) -> Condition {
        guard let lastRun else { return isPaused ? .paused : .unknown }
        switch lastRun.state {
        case .failed, .interrupted: return .failing
        case .stoppedByGuard: return .guarded
        case .completedWithRejections: return .missing
        case .queued, .running, .closing: return .running
        case .succeeded, .cancelled, .skipped: break
        }
        if isPaused { return .paused }
        if isStale(now) { return .stale }
        return lastRun.state == .succeeded ? .good : .unknown
    }

    /// Whether what is in the source is at the destination, as far as is known. One that has never come to its end is not,
    /// whatever it is doing now.
    var isUpToDate: Bool {
        switch condition {
        case .good: true
        case .running, .paused: freshAt != nil
        case .failing, .guarded, .missing, .stale, .unknown: false
        }
    }

    private func isStale(_ now: Moment) -> Bool { lateAt.map { now > $0 } ?? false }

    var badge: HTML {
        switch condition {
        case .stale: StateView.badge("Late", .part, .clock)
        case .paused: StateView.badge("Paused", .calm, .pause)
        case .unknown where lastRun == nil: StateView.badge("Never run", .calm, .clock)
        case .good: StateView.badge("Up to date", .good, .ok)
        default: lastRun.map { StateView.badge($0.state) } ?? StateView.badge("Never run", .calm, .clock)
        }
    }

    /// What is wrong, in one sentence; empty where nothing is.
    var problem: String {
        guard let lastRun else { return "" }
        switch condition {
        case .failing where lastRun.state == .interrupted: return "run \(lastRun.id) was interrupted."
        case .failing: return "run \(lastRun.id) failed" + Self.because(lastRun.error?.message)
        case .guarded: return "a guard stopped run \(lastRun.id)" + Self.because(lastRun.guard?.messages)
        case .missing:
            let verb = lastRun.notArrived == 1 ? "row" : "rows"
            return "\(Wording.grouped(lastRun.notArrived)) \(verb) did not arrive in run \(lastRun.id)."
        case .stale: return "the last complete run is older than its schedule promises."
        default: return ""
        }
    }

    private static func because(_ message: String?) -> String { message.map { ": " + $0 } ?? "." }
}

/// The syncs of the project as they are, problems first.
struct SyncHealthList: Sendable {
    let all: [SyncHealth]

    init(site: Site) throws {
        let paused = try site.environment.paused(site.project().syncs)
        let history = site.history
        let last = try site.runs.current(try history.lastRunPerSync())
        let lastRuns = Dictionary(last.map { ($0.sync, $0) }, uniquingKeysWith: { first, _ in first })
        let fresh = try history.completeRuns()
        let next = site.engine.nextRuns()
        let now = site.now
        let syncs = site.project().syncs
        let promise = FreshnessPromise(syncs, paused: paused, kept: site.dueTimes)
        all = syncs.map { sync in
            SyncHealth(
                sync, promise, isPaused: paused.contains(sync.name), lastRun: lastRuns[sync.name],
                freshAt: fresh[sync.name],
                nextRun: next[sync.name], now: now)
        }.sorted { ($0.condition, $0.name) < ($1.condition, $1.name) }
    }

    init(_ all: [SyncHealth]) { self.all = all }

    /// `5 of 6 syncs are up to date.`
    var sentence: String {
        let good = all.count { $0.isUpToDate }
        if all.isEmpty { return "There are no syncs yet." }
        if good == all.count {
            return all.count == 1 ? "The one sync is up to date." : "All \(all.count) syncs are up to date."
        }
        if all.allSatisfy({ $0.condition == .unknown }) {
            return all.count == 1 ? "The one sync has never run." : "None of the \(all.count) syncs has run yet."
        }
        if good == 0 {
            return all.count == 1 ? "The one sync is not up to date." : "None of the \(all.count) syncs is up to date."
        }
        return "\(good) of \(all.count) syncs \(good == 1 ? "is" : "are") up to date."
    }
}
