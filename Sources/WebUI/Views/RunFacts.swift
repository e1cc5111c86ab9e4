internal import Records
internal import Runner
internal import StateStore

/// What is known of a run beside its sums: when, of which kind, what it took.
struct RunFacts {
    let run: RunRecord
    /// When its plan was complete.
    let sealedAt: Moment?
    /// Requests that were told to wait; counted once the run has ended.
    var refused = 0
    let now: Moment

    var list: HTML { facts.html { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" } }

    private var isLive: Bool { !run.state.isFinal && run.state != .interrupted }

    private var facts: [(String, HTML)] {
        var facts: [(String, HTML)] = [("Started", "\(TimeView.both(run.startedAt, now: now)), by \(run.trigger)")]
        // Whether all is sent is decided while it is planned.
        if !isLive || sealedAt != nil { facts.append(("Kind", kind)) }
        if let sealedAt { facts += stages(sealedAt) }
        if let ended = run.endedAt {
            facts.append(("Ended", "\(TimeView.both(ended, now: now)), after \(TimeView.took(run.startedAt, ended))"))
        }
        facts.append(("Writes", "\(Wording.counted(run.requests, "request")), \(Wording.bytes(run.bytesSent)) sent"))
        if let effort = run.effort { facts += Self.effort(effort) }
        if refused > 0, !isLive { facts.append(("Told to wait (429)", "\(Wording.counted(refused, "request"))")) }
        return facts
    }

    private func stages(_ sealedAt: Moment) -> [(String, HTML)] {
        let end = run.endedAt ?? now
        let rate = Self.rate(run.operations.accepted, sealedAt, end)
        let accepted = Wording.counted(run.operations.accepted, "record")
        return [
            (
                "Read and planned",
                "\(TimeView.took(run.startedAt, sealedAt)), \(Wording.counted(run.rows.scanned, "row"))"
            ), ("Sent", "\(TimeView.took(sealedAt, end)), \(accepted) accepted\(rate)"),
        ]
    }

    private static func effort(_ effort: RunEffort) -> [(String, HTML)] {
        [
            ("Read", EffortText.scan(effort.scan)), ("Stages", EffortText.stages(effort)),
            ("Answers", EffortText.answers(effort)), ("Waited", EffortText.waits(effort)),
        ].compactMap { name, text in text.map { (name, "\($0)") } }
    }

    private var kind: HTML {
        guard run.full else { return run.limited ? "chosen records only" : "only what has changed" }
        let reason = run.fullReason.map { ": " + $0.replacing("_", with: " ") } ?? ""
        return run.limited ? "chosen records only\(reason)" : "full, every record is sent again\(reason)"
    }

    private static func rate(_ count: Int, _ start: Moment, _ end: Moment) -> String {
        let milliseconds = end.milliseconds - start.milliseconds
        guard count > 0, milliseconds >= 100 else { return "" }
        return ", \(Wording.grouped(Int(Double(count) * 1_000 / Double(milliseconds)))) a second"
    }
}
