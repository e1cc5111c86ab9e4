internal import ConnectorKit
internal import Records
internal import Runner
internal import StateStore

/// A connection test: each step with how it ended, the one that is going on with how long it has taken.
struct CheckView {
    /// The elements that live updates change.
    static let id = "check"
    static let timeID = "check-time"

    private let progress: BackgroundWork.Progress?
    private let now: Moment

    init(_ progress: BackgroundWork.Progress?, now: Moment) {
        self.progress = progress
        self.now = now
    }

    var isGoingOn: Bool { if case .working = progress { true } else { false } }

    /// What it found, nil while it goes on or where it could not be made.
    var report: ConnectionReport? { if case .done(.check(let result), _) = progress { result.report } else { nil } }

    /// Changes with every step.
    var number: String {
        switch progress {
        case .working(_, let found): "\(found?.report.steps.count ?? 0)-\(found?.report.running ?? "")"
        case .done(_, let at), .failed(_, let at): "ended-\(at.milliseconds)"
        case nil: "none"
        }
    }

    /// How long the step that is going on has taken; empty where none is.
    var stepTime: String {
        guard case .working(let since, let found) = progress else { return "" }
        let begun = found?.stepSince ?? since
        return TimeView.span(seconds: (now.milliseconds - begun.milliseconds) / 1_000)
    }

    /// For those who do not see the page.
    var sentence: String {
        switch progress {
        case nil: return "Not checked since the server was started."
        case .failed(let error, _): return "The check could not be made: \(error.message)"
        case .working(_, let found):
            guard let found, let running = found.report.running else { return "The check has begun." }
            return "\(Wording.counted(found.report.steps.count, "step")) done; \(running) is going on."
        case .done:
            guard let report else { return "" }
            if let failed = report.steps.first(where: { !$0.isOK }) {
                return "The check failed at the step \(failed.step): \(failed.message)"
            }
            return report.warnings.isEmpty
                ? "The check has passed."
                : "The check has passed, with \(Wording.counted(report.warnings.count, "warning"))."
        }
    }

    func html() -> HTML {
        switch progress {
        case nil:
            "<section><h2>Check</h2><p class=\"empty\">Not checked since the server was started.</p></section>"
        case .working(let since, let found): running(since, found)
        case .failed(let error, _): ReasonView.box(error.code, error.message, error.hint, tone: "bad")
        case .done(.check(let result), let at): ended(result.report, at)
        case .done: .empty
        }
    }

    private func running(_ since: Moment, _ found: BackgroundWork.Findings?) -> HTML {
        let steps = (found?.report.steps ?? []).html { Self.step($0) }
        let name = found?.report.running ?? "settings"
        let time: HTML = "<span class=\"reason\" id=\"\(Self.timeID)\">\(stepTime)</span>"
        return """
            <section class="card" aria-busy="true"><h2>Check\(Self.address(found?.report.address ?? ""))</h2><p class="detail">Since \(TimeView.clock(since)). You can leave this page: the check goes on, and what it finds stays here.</p><ol class="steps">\(steps)<li><span class="step">\(name)</span>\(StateView.badge("going on", .live, .live))\(time)</li></ol></section>
            """
    }

    private func ended(_ report: ConnectionReport, _ at: Moment) -> HTML {
        let steps = report.steps.html { Self.step($0) }
        let told = report.steps.flatMap(\.warnings)
        let more = report.warnings.filter { !told.contains($0) }
            .html { ReasonView.box($0.code, $0.message, $0.hint, tone: "part") }
        return """
            <section class="card"><h2>Check\(Self.address(report.address))</h2><p class="detail">\(TimeView.both(at, now: now))</p><ol class="steps">\(steps)</ol>\(more)</section>
            """
    }

    private static func address(_ address: String) -> HTML {
        address.isEmpty ? .empty : " of <code>\(address)</code>"
    }

    private static func step(_ step: ConnectionReport.Step) -> HTML {
        let hint = step.isOK ? HTML.empty : ReasonView.doLine(Prose.html(step.hint))
        let warnings = step.warnings.html { warning in
            """
            <span class="also"><span class="reason">\(Prose.html(warning.message))</span>\(ReasonView.doLine(PageHint.html(warning.code, warning.hint)))<span class="detail">\(ReasonView.codeLink(warning.code))</span></span>
            """
        }
        return
            "<li><span class=\"step\">\(step.step)</span>\(badge(step))<span class=\"reason\">\(Prose.html(step.message))</span>\(hint)\(warnings)</li>"
    }

    /// What works but deserves a look has not simply passed, and what cannot be tried has not passed at all.
    private static func badge(_ step: ConnectionReport.Step) -> HTML {
        if !step.isOK { return StateView.badge("failed", .bad, .bad) }
        if !step.warnings.isEmpty { return StateView.badge("warning", .part, .part) }
        return step.isTried ? StateView.badge("passed", .good, .ok) : StateView.badge("not tried", .calm, .stopped)
    }

    /// The whole of a test in one word, for lists.
    func badge() -> HTML? {
        switch progress {
        case nil: return nil
        case .working: return StateView.badge("Checking", .live, .live)
        case .failed: return StateView.badge("Failed", .bad, .bad)
        case .done:
            guard let report else { return nil }
            if !report.isOK { return StateView.badge("Failed", .bad, .bad) }
            return report.warnings.isEmpty
                ? StateView.badge("Passed", .good, .ok) : StateView.badge("Passed, with warnings", .part, .part)
        }
    }

    var body: CheckBody? {
        switch progress {
        case nil: nil
        case .working(_, let found): CheckBody(state: "working", found?.report)
        case .failed(let error, _): CheckBody(state: "failed", nil, error)
        case .done: CheckBody(state: report?.isOK == true ? "passed" : "failed", report)
        }
    }
}

/// A connection test for programs.
struct CheckBody: Encodable {
    struct Step: Encodable {
        var step: String
        var ok: Bool
        var tried: Bool
        var message: String
        var hint: String
    }

    /// `working`, `passed`, `failed`.
    var state: String
    /// The step that is going on.
    var running: String?
    var steps: [Step]
    var warnings: [Reason]
    var error: Reason?

    init(state: String, _ report: ConnectionReport?, _ error: RunError? = nil) {
        self.state = state
        running = report?.running
        steps = (report?.steps ?? []).map {
            Step(step: $0.step, ok: $0.isOK, tried: $0.isTried, message: $0.message, hint: $0.hint)
        }
        warnings = report?.warnings ?? []
        self.error = error.map { Reason(code: $0.code, message: $0.message, hint: $0.hint) }
    }
}
