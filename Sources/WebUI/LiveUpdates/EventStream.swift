internal import Records
internal import Runner
internal import StateStore

/// The live updates of one run: each event is the whole of what changes on its page, so that a reader who missed some
/// misses nothing. Its number says how far the run had come; a reader that comes back with that number
/// (`Last-Event-ID`) gets the next only when there is news.
struct EventStream: TextStream {
    /// At most four a second.
    static let interval = Duration.milliseconds(250)
    /// Where there is no news, for how long the run has gone on is told once a second: a reader sees that it is heard of.
    static let quietMax = 4
    /// An hour; the browser then connects again by itself.
    static let lookMax = 4 * 3_600

    private let site: Site
    private let run: Int64
    private var last: String?
    private var quiet = 0
    private var looks = 0
    private var hasEnded = false

    init(site: Site, run: Int64, lastEventID: String?) {
        self.site = site
        self.run = run
        last = lastEventID
    }

    mutating func next() async throws -> String? {
        if looks == 0 {
            looks = 1
            return "retry: 2000\n\n"
        }
        while looks <= Self.lookMax, !hasEnded {
            if looks > 1 { try await site.environment.time.sleep(Self.interval) }
            looks += 1
            guard let record = try site.runs.run(run) else { return nil }
            hasEnded = record.state.isFinal
            let live = site.board.run(run)
            let number = Self.number(record, live)
            if number != last {
                (last, quiet) = (number, 0)
                return try event(record, live, number: number)
            }
            quiet += 1
            if quiet >= Self.quietMax {
                quiet = 0
                return try event(record, live, number: number, isNews: false)
            }
        }
        return nil
    }

    /// How far a run has come. Its figures only grow.
    static func number(_ run: RunRecord, _ live: LiveRun?) -> String {
        let settled =
            run.operations.accepted + run.operations.rejected + run.operations.undelivered
            + run.operations.inDoubt
        return "\(run.state.rawValue)-\(run.rows.scanned)-\(settled)-\(run.requests)-\(live?.revision ?? 0)"
    }

    private func event(
        _ record: RunRecord, _ live: LiveRun?, number: String, isNews: Bool = true
    ) throws -> String {
        let model = RunProgressModel(record, live: live, now: site.now)
        var update = LiveUpdate(
            ended: record.state.isFinal, sentence: model.sentence, parts: ["live-progress": model.progress.source],
            state: record.state.rawValue, reload: record.state.isFinal)
        if isNews {
            let facts = RunFacts(run: record, sealedAt: try site.history.sealedAt(run: run), now: site.now)
            update.parts["live-head"] = model.head.source
            update.parts["live-ledgers"] = LedgerView.ledgers(record).source
            update.parts["live-facts"] = facts.list.source
        }
        return try update.text("run", id: number)
    }
}
