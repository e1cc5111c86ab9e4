internal import Records
internal import Runner
internal import StateStore

/// What a run has come to, in one sentence, and what it is doing at the moment.
struct RunProgressModel: Sendable {
    let run: RunRecord
    let live: LiveRun?
    let now: Moment

    init(_ run: RunRecord, live: LiveRun?, now: Moment) {
        self.run = run
        self.live = live
        self.now = now
    }

    /// What did not arrive comes first.
    var sentence: String {
        switch run.state {
        case .queued: "The run waits for its turn."
        case .running: doing
        case .closing: "All is answered; the books are being closed."
        default: RunSentence.ended(run)
        }
    }

    private var settled: Int {
        let operations = run.operations
        return operations.accepted + operations.rejected + operations.undelivered + operations.inDoubt
    }

    private var doing: String {
        switch live?.doing {
        case .reading(let rows): "Reading the source: \(Wording.counted(rows, "row")) so far."
        case .planned(let operations): "Planned: \(Wording.counted(operations, "record")) to send."
        case .sending(let done, let total): "Sending: \(Wording.grouped(done)) of \(Wording.counted(total, "record"))."
        case .waiting(let reason, let until):
            "Waiting until \(TimeView.clock(until)): \(reason.hasSuffix(".") ? String(reason.dropLast()) : reason)."
        case .starting: "The run has started."
        case nil:
            run.operations.planned > 0
                ? "Sending: \(Wording.grouped(settled)) of \(Wording.counted(run.operations.planned, "record"))."
                : "Reading the source."
        }
    }

    /// State and sentence, as they stand below the heading.
    var head: HTML { "\(StateView.badge(run.state)) <span class=\"sentence\">\(sentence)</span>" }

    /// Done and total, where there is a total.
    var share: (done: Int, of: Int)? {
        guard !run.state.isFinal else { return nil }
        if case .sending(let done, let total) = live?.doing, total > 0 { return (done, total) }
        return run.operations.planned > 0 ? (settled, run.operations.planned) : nil
    }

    /// The bar of a run that goes on; empty once it has ended.
    var progress: HTML {
        guard !run.state.isFinal else { return .empty }
        let bar: HTML =
            share.map { done, total in
                "<progress max=\"\(total)\" value=\"\(min(done, total))\">\(sentence)</progress>"
            } ?? "<progress>\(sentence)</progress>"
        let took = TimeView.took(run.startedAt, now)
        return "\(bar)<p class=\"note\">Running for \(took)\(rate)\(remaining).</p>"
    }

    /// Of what it reads or sends, since it began to.
    private var rate: String {
        guard let live, let stage = live.stage, let perSecond = live.perSecond(now: now), perSecond >= 1 else {
            return ""
        }
        return ", \(Wording.counted(Int(perSecond), stage == .reading ? "row" : "record")) a second"
    }

    /// An estimate, and only where the total is known and a part of it done; none while it waits for something else.
    private var remaining: String {
        if case .waiting = live?.doing { return "" }
        guard let (done, total) = share, done > 0, done < total else { return "" }
        let elapsed = max(1, now.milliseconds - run.startedAt.milliseconds)
        let perSecond = live?.perSecond(now: now) ?? Double(done) * 1_000 / Double(elapsed)
        let left = Double(total - done) * 1_000 / perSecond
        return ", about \(TimeView.took(milliseconds: Int64(left))) left"
    }
}
