internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore
internal import Synchronization

/// Runs something that makes runs, shows their progress, prints their results and ends with the right exit code.
struct RunReport {
    private let common: ProjectOptions
    private let workspace: Workspace
    private let tracePath: String?

    /// - Parameter tracePath: where a trace of the runs is written; nil for none.
    init(_ common: ProjectOptions, _ workspace: Workspace, tracePath: String? = nil) {
        self.common = common
        self.workspace = workspace
        self.tracePath = tracePath
    }

    /// - Parameters:
    ///   - syncs: the syncs to run, whose settings are resolved first; nil for all that are not paused.
    ///   - tellsGone: whether the JSON lists the keys that were asked for and that the source does not have.
    ///   - tellsExchanges: whether the last run's requests that wrote are shown with their answers.
    func run(
        _ syncs: [SyncDefinition]?, tellsGone: Bool = false, tellsExchanges: Bool = false,
        _ body: @escaping @Sendable (RunEnvironment) async throws -> [RunSyncs.Result]
    ) async throws {
        let (line, seen) = (try ProgressLine(common, workspace), SeenProgress())
        var environment = try workspace.environment { progress in
            seen.note(progress)
            line.show(progress)
        }
        try resolveSettings(try syncs ?? unpaused(environment))
        let trace = try tracePath.map { try ChromeTrace(path: $0) }
        if let trace { environment.trace = { trace.add($0) } }
        let running = environment
        let results = try await line.ticking { try await Interruption.watch { try await body(running) } }
        close(trace)
        if common.json {
            var body = RunsBody(results, gone: tellsGone ? seen.gone : nil)
            if tellsExchanges { body.exchanges = try Self.writes(of: results, environment).map { .init($0) } }
            try printJSON(results, body)
        } else {
            try print(results, environment, resumed: seen.resumed)
        }
        let status = status(results)
        if !common.json && (!common.quiet || status != .arrived) { close(results) }
        if !common.json && tellsExchanges { try Self.writes(of: results, environment).forEach(Self.show) }
        if status != .arrived { throw status }
    }

    /// What went wrong with the trace is told, and is no matter of the runs.
    private func close(_ trace: ChromeTrace?) {
        do {
            try trace?.close()
        } catch {
            let failure = RunError(error)
            Output.note("warning[\(failure.code)]: \(failure.message) \(failure.hint)")
        }
    }

    /// The last line: what did not arrive.
    private func close(_ results: [RunSyncs.Result]) {
        let failed = results.filter { $0.error != nil }.map(\.sync)
        let runs = results.filter { $0.error == nil }.compactMap(\.records.last)
        let leftOut = results.filter { $0.leftOut != nil }.map(\.sync)
        if let line = RunSentence.closing(runs, failed: failed, leftOut: leftOut) { Output.text(line) }
    }

    private func unpaused(_ environment: RunEnvironment) throws -> [SyncDefinition] {
        let paused = try environment.paused(workspace.project.syncs)
        return workspace.project.syncs.filter { !$0.paused && !paused.contains($0.name) }
    }

    /// Throws what is wrong with the project's settings, before any run is recorded. What a connector says of no setting
    /// in particular is the run's to tell.
    private func resolveSettings(_ syncs: [SyncDefinition]) throws {
        let connections = workspace.connections(state: nil)
        var found: [Diagnostic] = []
        for sync in syncs {
            let ends: [() throws -> Void] = [
                { _ = try connections.source(sync.dataset) },
                { _ = try connections.destination(named: sync.destination, context: DestinationContext()) },
            ]
            for end in ends {
                do {
                    try end()
                } catch let error as Diagnostic {
                    found.append(error)
                } catch let errors as ProjectErrors {
                    found += errors.diagnostics
                } catch is ConnectorError {
                    continue
                }
            }
        }
        var told: Set<Diagnostic> = []
        found = found.filter { told.insert($0).inserted }
        if !found.isEmpty { throw ProjectErrors(found) }
    }

    private func status(_ results: [RunSyncs.Result]) -> ExitStatus {
        var statuses: [ExitStatus] = []
        for result in results {
            // A run that was resumed or closed on the way is shown; what of it did not arrive, the last one planned again.
            statuses += result.records.suffix(1).map { ExitStatus.of($0) }
            if let error = result.error { statuses.append(ExitStatus.of(error)) }
        }
        return ExitStatus.worst(statuses)
    }

    private func print(
        _ results: [RunSyncs.Result], _ environment: RunEnvironment, resumed: Set<Int64>
    ) throws {
        let history = RunHistory(environment.database)
        for result in results {
            for record in result.records where !common.quiet || ExitStatus.of(record) != .arrived {
                let remark = resumed.contains(record.id) ? " (resumed)" : ""
                RunText.summary(record, reasons: try history.boundedReasons(run: record.id), remark: remark)
                    .forEach(Output.text)
            }
            if let error = result.error { Output.fail(error) }
            if let why = result.leftOut, !common.quiet { Output.text("\(result.sync): left out, \(why)") }
        }
    }

    /// The requests of the last run that wrote, the first of them.
    private static func writes(
        of results: [RunSyncs.Result], _ environment: RunEnvironment
    ) throws -> [ExchangeRecord] {
        guard let run = results.last?.records.last else { return [] }
        return try RunHistory(environment.database).exchanges(run: run.id, limit: 20).filter(\.isWrite)
    }

    private static func show(_ exchange: ExchangeRecord) {
        Output.text("\(exchange.method) \(exchange.path)")
        Output.text(exchange.requestBody)
        Output.text("answer: \(exchange.status.map(String.init) ?? exchange.error ?? "none")")
        Output.text(exchange.responseBody)
    }

    private func printJSON(_ results: [RunSyncs.Result], _ body: RunsBody) throws {
        let records = body.runs
        let errors = results.compactMap(\.error)
        // A run that could not be recorded is an error like any other.
        if records.isEmpty, let error = errors.first { return Output.fail(error) }
        for error in errors { Output.errorText("error[\(error.code)]: \(error.message)") }
        try Output.print(json: body)
    }
}

private struct RunsBody: Encodable {
    struct LeftOut: Encodable {
        var sync: String
        var why: String
    }

    struct Exchange: Encodable {
        var method: String
        var path: String
        var status: Int?
        var error: String?
        var request: String
        var answer: String

        init(_ exchange: ExchangeRecord) {
            (method, path) = (exchange.method, exchange.path)
            (status, error) = (exchange.status, exchange.error)
            (request, answer) = (exchange.requestBody, exchange.responseBody)
        }
    }

    var runs: [RunRecord]
    /// Absent where no records were asked for by key.
    var gone: [String]?
    /// Absent where every sync was run.
    var leftOut: [LeftOut]?
    /// Absent where nobody asked for requests and answers.
    var exchanges: [Exchange]?

    private enum CodingKeys: String, CodingKey {
        case runs, gone, exchanges
        case leftOut = "left_out"
    }

    init(_ results: [RunSyncs.Result], gone: [String]?) {
        runs = results.flatMap(\.records)
        self.gone = gone
        let left = results.compactMap { result in result.leftOut.map { LeftOut(sync: result.sync, why: $0) } }
        leftOut = left.isEmpty ? nil : left
    }
}

/// What the progress told that the report needs at the end.
private final class SeenProgress: Sendable {
    private struct State {
        var resumed: Set<Int64> = []
        var gone: [String] = []
    }

    private let state = Mutex(State())

    /// The runs that were found interrupted and were finished.
    var resumed: Set<Int64> { state.withLock { $0.resumed } }

    var gone: [String] { state.withLock { $0.gone } }

    func note(_ progress: RunProgress) {
        switch progress {
        case .started(let run, _, isResumed: true): state.withLock { _ = $0.resumed.insert(run) }
        case .gone(let keys): state.withLock { $0.gone += keys }
        default: break
        }
    }
}
