package import StateStore

/// Turns what a run tells into lines for people: what it does, how fast, how much of how much, and what it waits for.
/// Asks no clock itself.
package struct ProgressText: Sendable {
    /// The sync and the number of the run that is told of.
    package private(set) var sync = ""
    package private(set) var run: Int64?
    private var isResumed = false
    private var stage: RunStage?
    private var since = Moment(milliseconds: 0)
    /// From where and when on speed is measured: what a resumed run had done before is none.
    private var first: (done: Int, at: Moment)?
    private var done = 0
    private var total: Int?
    /// When something was last told.
    private var heard = Moment(milliseconds: 0)
    /// How many operations the plan has.
    private var planned: Int?
    /// What the stage waits for at the moment, and until when.
    private var wait: (reason: String, until: Moment)?

    /// What the stage that has just ended came to, for programs; nil where nothing ended, or that says nothing.
    package private(set) var stageEnd: StageEnd?

    package struct StageEnd: Sendable, Hashable {
        package var stage: RunStage
        /// Rows read, or operations sent.
        package var done: Int
        package var milliseconds: Int64

        package init(stage: RunStage, done: Int, milliseconds: Int64) {
            (self.stage, self.done, self.milliseconds) = (stage, done, milliseconds)
        }
    }

    package init() {}

    /// Takes in what was told. Returns what the stage that this ended came to, where that says something.
    package mutating func note(_ progress: RunProgress, at now: Moment) -> String? {
        defer { heard = now }
        stageEnd = nil
        switch progress {
        case .started(let run, let sync, let isResumed):
            self = ProgressText()
            (self.run, self.sync, self.isResumed, since) = (run, sync, isResumed, now)
        case .stage(let next):
            let came = cameTo(at: now)
            if came != nil, let stage {
                stageEnd = StageEnd(
                    stage: stage, done: done, milliseconds: max(0, now.milliseconds - since.milliseconds))
            }
            (stage, since, first, done, wait) = (next, now, nil, 0, nil)
            total = next == .deliver && !isResumed ? planned : nil
            return came
        case .scanning(let rows): move(to: rows, of: nil, at: now)
        case .planned(let operations): (done, total, planned) = (operations, nil, operations)
        case .delivering(let done, let total): move(to: done, of: total, at: now)
        case .waiting(let reason, let duration):
            let until = now.milliseconds + Int64(duration / .milliseconds(1))
            wait = (Self.phrase(reason), Moment(milliseconds: until))
        case .ended, .gone, .warned, .notSwept: break
        }
        return nil
    }

    private mutating func move(to done: Int, of total: Int?, at now: Moment) {
        if first == nil { first = isResumed && total != nil ? (done, now) : (0, since) }
        (self.done, self.total, wait) = (done, total, nil)
    }

    /// What the run does at the moment; empty before it does anything.
    package func now(_ now: Moment) -> String {
        // Once it is over, what comes next is waited for.
        if let wait, wait.until > now {
            return "waits \(Self.duration(wait.until.milliseconds - now.milliseconds)): \(wait.reason)"
        }
        switch stage {
        case nil, .prepare: return "preparing" + silence(now)
        case .scan where done == 0: return "reading" + silence(now, "waits for the first rows, ")
        case .scan: return "reading  " + Wording.counted(done, "row") + rate(now) + silence(now, "none for ")
        case .plan:
            return (done > 0 ? "planned  " + Wording.counted(done, "operation") : "planning") + silence(now)
        case .deliver:
            guard let total else { return "sending" + silence(now, "no answer for ") }
            let percent = total > 0 ? done * 100 / total : 100
            return "sending  \(percent) %  \(Wording.grouped(done)) of \(Wording.grouped(total))" + rate(now)
                + left(now) + silence(now, "no answer for ")
        case .close: return "closing the books" + silence(now)
        }
    }

    /// For how long nothing was told, once that is worth a word.
    private func silence(_ now: Moment, _ words: String = "") -> String {
        let since = max(heard, wait?.until ?? heard)
        let milliseconds = now.milliseconds - since.milliseconds
        return milliseconds < Self.silenceMillisecondsMin ? "" : "  " + words + Self.duration(milliseconds)
    }

    private static let silenceMillisecondsMin: Int64 = 3_000

    /// Done and total, where there is a total.
    package var share: (done: Int, of: Int)? {
        guard wait == nil, stage == .deliver, let total else { return nil }
        return (done, total)
    }

    /// `read 12,408 rows in 1.2 s  10,340/s`.
    private func cameTo(at now: Moment) -> String? {
        let took = " in " + EffortText.seconds(now.milliseconds - since.milliseconds)
        switch stage {
        case .scan: return "read " + Wording.counted(done, "row") + took + rate(now)
        case .deliver where total != nil:
            return "sent \(Wording.grouped(done)) of \(Wording.grouped(total ?? done))" + took + rate(now)
        default: return nil
        }
    }

    private func perSecond(_ now: Moment) -> Double? {
        guard let first, done > first.done else { return nil }
        let milliseconds = now.milliseconds - first.at.milliseconds
        // Of less time a rate says nothing.
        guard milliseconds >= 200 else { return nil }
        return Double(done - first.done) * 1_000 / Double(milliseconds)
    }

    private func rate(_ now: Moment) -> String {
        perSecond(now).map { "  \(Wording.grouped(Int($0.rounded())))/s" } ?? ""
    }

    private func left(_ now: Moment) -> String {
        guard let total, done < total, let rate = perSecond(now), rate > 0 else { return "" }
        let seconds = (Double(total - done) / rate).rounded(.up)
        return "  about \(Self.duration(Int64(seconds) * 1_000)) left"
    }

    /// Whole seconds: nobody waits for tenths.
    static func duration(_ milliseconds: Int64) -> String {
        let seconds = (max(0, milliseconds) + 999) / 1_000
        return seconds < 120 ? "\(seconds) s" : EffortText.seconds(seconds * 1_000)
    }

    private static func phrase(_ reason: String) -> String {
        reason.hasSuffix(".") ? String(reason.dropLast()) : reason
    }
}
