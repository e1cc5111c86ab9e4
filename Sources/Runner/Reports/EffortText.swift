package import StateStore

/// What a run cost, in words: by `sluice show` and the page of the run alike.
package enum EffortText {
    /// `prepare 0.1 s, scan 1.2 s, …`: in their order, without those that took no time at all.
    package static func stages(_ effort: RunEffort) -> String {
        let all = RunStage.allCases.map { ($0.rawValue, effort[keyPath: $0.effort]) }
        let shown = all.filter { $0.1 > 0 }
        return (shown.isEmpty ? Array(all.suffix(1)) : shown).map { "\($0.0) \(seconds($0.1))" }
            .joined(separator: ", ")
    }

    /// How much of an incremental dataset was read; nil for others.
    package static func scan(_ scan: RunEffort.Scan?) -> String? {
        switch scan {
        case .complete: "every row"
        case .recent: "recent rows only"
        case nil: nil
        }
    }

    /// `5 x 200, 1 x 429, 2 without an answer; 2 retries`; nil where no request was made.
    package static func answers(_ effort: RunEffort) -> String? {
        guard !effort.answers.isEmpty else { return nil }
        let parts = effort.answers.sorted { $0.key < $1.key }.map { status, count in
            status == RunEffort.noAnswer
                ? "\(Wording.grouped(count)) without an answer" : "\(Wording.grouped(count)) x \(status)"
        }
        let retries = effort.retries
        let again = retries == 0 ? "" : "; \(Wording.grouped(retries)) \(retries == 1 ? "retry" : "retries")"
        return parts.joined(separator: ", ") + again
    }

    /// `12.0 s for the rate limit, 0.9 s before retries`; nil where there was no wait.
    package static func waits(_ effort: RunEffort) -> String? {
        let waits = [
            (effort.rateLimitWaitMilliseconds, "for the rate limit"), (effort.retryWaitMilliseconds, "before retries"),
        ].filter { $0.0 >= 50 }
        guard !waits.isEmpty else { return nil }
        return waits.map { "\(seconds($0.0)) \($0.1)" }.joined(separator: ", ")
    }

    /// `4.2 s`, `3 min 20 s`, `2 h 5 min`.
    package static func seconds(_ milliseconds: Int64) -> String {
        if milliseconds < 120_000 {
            let tenths = (max(0, milliseconds) + 50) / 100
            return "\(tenths / 10).\(tenths % 10) s"
        }
        let seconds = milliseconds / 1_000
        if seconds < 7_200 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
    }
}
