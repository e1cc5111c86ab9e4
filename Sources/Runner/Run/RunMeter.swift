internal import ConnectorKit
internal import Records
package import StateStore
internal import Synchronization

/// The parts of a run, in their order.
package enum RunStage: String, Sendable, Hashable, CaseIterable {
    case prepare, scan, plan, deliver, close

    var effort: WritableKeyPath<RunEffort, Int64> {
        switch self {
        case .prepare: \.prepareMilliseconds
        case .scan: \.scanMilliseconds
        case .plan: \.planMilliseconds
        case .deliver: \.deliverMilliseconds
        case .close: \.closeMilliseconds
        }
    }
}

/// A piece of a run's time, for a trace.
package struct RunSpan: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case run, stage, wait
        case request(method: String, path: String, status: Int?, error: String?, batch: Int?, attempt: Int)
    }

    package var run: Int64
    package var sync: String
    package var kind: Kind
    package var name: String
    package var from: Moment
    package var milliseconds: Int64
}

/// Measures one run after the other: the time of its stages, the answers to its requests, what it waited for. Asks no
/// clock itself.
package final class RunMeter: Sendable {
    package enum Wait: Sendable, Hashable { case rateLimit, retry }

    private struct State {
        var run: Int64 = 0
        var sync = ""
        var effort = RunEffort()
        var begunAt = Moment(milliseconds: 0)
        var stage: RunStage?
        var since = Moment(milliseconds: 0)
    }

    private let state = Mutex<State?>(nil)
    private let trace: (@Sendable (RunSpan) -> Void)?

    /// - Parameter trace: told each piece as it ends.
    package init(trace: (@Sendable (RunSpan) -> Void)? = nil) { self.trace = trace }

    /// - Parameter effort: what an earlier process measured of the run.
    func begin(_ record: RunRecord, at now: Moment) {
        state.withLock { state in
            state = State(run: record.id, sync: record.sync, effort: record.effort ?? RunEffort(), begunAt: now)
        }
    }

    /// Ends the stage before.
    func enter(_ stage: RunStage, at now: Moment) {
        let span = state.withLock { state in
            let ended = Self.endStage(&state, at: now)
            state?.stage = stage
            state?.since = now
            return ended
        }
        if let span { trace?(span) }
    }

    /// What the run cost so far; nil where another run, or none, is measured.
    func effort(of run: Int64, at now: Moment) -> RunEffort? {
        state.withLock { state in
            guard let state, state.run == run else { return nil }
            var effort = state.effort
            if let stage = state.stage { effort[keyPath: stage.effort] += Self.between(state.since, now) }
            return effort
        }
    }

    /// Ends the run and returns what it cost.
    func end(_ run: Int64, at now: Moment) -> RunEffort? {
        let spans: (effort: RunEffort, ended: [RunSpan])? = state.withLock { state in
            guard state?.run == run else { return nil }
            let stage = Self.endStage(&state, at: now)
            guard let last = state else { return nil }
            state = nil
            let whole = Self.span(last, .run, "run \(last.run)", from: last.begunAt, to: now)
            return (last.effort, [stage, whole].compactMap { $0 })
        }
        for span in spans?.ended ?? [] { trace?(span) }
        return spans?.effort
    }

    func waited(_ wait: Wait, from: Moment, to: Moment) {
        let span = state.withLock { state -> RunSpan? in
            guard let current = state, from < to else { return nil }
            let milliseconds = Self.between(from, to)
            switch wait {
            case .rateLimit: state?.effort.rateLimitWaitMilliseconds += milliseconds
            case .retry: state?.effort.retryWaitMilliseconds += milliseconds
            }
            return Self.span(current, .wait, wait == .rateLimit ? "rate limit" : "before a retry", from: from, to: to)
        }
        if let span { trace?(span) }
    }

    func scanned(_ scan: RunEffort.Scan?) { state.withLock { $0?.effort.scan = scan } }

    func warned(_ warning: Reason) { state.withLock { $0?.effort.warn(warning) } }

    func retried() { state.withLock { $0?.effort.retries += 1 } }

    /// Takes in a request that has been answered, or was not.
    func answered(_ exchange: ExchangeRecord) {
        let span = state.withLock { state -> RunSpan? in
            guard let current = state else { return nil }
            state?.effort.answers[exchange.status.map { String($0) } ?? RunEffort.noAnswer, default: 0] += 1
            let kind = RunSpan.Kind.request(
                method: exchange.method, path: exchange.path, status: exchange.status, error: exchange.error,
                batch: exchange.batch, attempt: exchange.attempt)
            return RunSpan(
                run: current.run, sync: current.sync, kind: kind, name: exchange.method, from: exchange.at,
                milliseconds: Int64(exchange.milliseconds))
        }
        if let span { trace?(span) }
    }

    private static func endStage(_ state: inout State?, at now: Moment) -> RunSpan? {
        guard let current = state, let stage = current.stage else { return nil }
        state?.effort[keyPath: stage.effort] += between(current.since, now)
        state?.stage = nil
        return span(current, .stage, stage.rawValue, from: current.since, to: now)
    }

    private static func span(
        _ state: State, _ kind: RunSpan.Kind, _ name: String, from: Moment, to: Moment
    ) -> RunSpan {
        RunSpan(
            run: state.run, sync: state.sync, kind: kind, name: name, from: from, milliseconds: between(from, to))
    }

    /// A clock that was set back makes no time negative.
    private static func between(_ from: Moment, _ to: Moment) -> Int64 { max(0, to.milliseconds - from.milliseconds) }
}

extension RunEnvironment {
    /// Notes that the run's next stage begins, and tells it.
    func enter(_ stage: RunStage) {
        meter.enter(stage, at: time.now())
        progress(.stage(stage))
    }

    /// Tells something that a person should look at, and keeps it with the run.
    func warn(_ warning: Reason) {
        meter.warned(warning)
        progress(.warned(warning))
    }

    /// Sleeps before a request is repeated; where it is not, before the next one.
    func pause(_ wait: Duration, because error: ConnectorError, isRetry: Bool = true) async throws {
        progress(.waiting(reason: error.message, duration: wait))
        guard isRetry else { return try await time.sleep(wait) }
        meter.retried()
        let begun = time.now()
        let isLimit = error.code == "rate_limited"
        defer { meter.waited(isLimit ? .rateLimit : .retry, from: begun, to: time.now()) }
        try await time.sleep(wait)
    }
}
