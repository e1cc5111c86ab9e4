internal import Records
internal import Runner
internal import StateStore

/// Runs something that makes runs, shows their progress, prints their results and ends with the right exit code.
struct RunReport {
    private let common: ProjectOptions
    private let workspace: Workspace

    init(_ common: ProjectOptions, _ workspace: Workspace) {
        self.common = common
        self.workspace = workspace
    }

    func run(_ body: @escaping @Sendable (RunEnvironment) async throws -> [RunSyncs.Result]) async throws {
        let progress = ProgressLine(common)
        let environment = try workspace.environment { progress.show($0) }
        let results = try await Interruption.watch { try await body(environment) }
        try print(results, environment)
        let status = status(results)
        if status != .arrived { throw status }
    }

    private func status(_ results: [RunSyncs.Result]) -> ExitStatus {
        var statuses: [ExitStatus] = []
        for result in results {
            // A run that was resumed on the way counts too: its rows may not have arrived.
            statuses += result.records.map { ExitStatus.of($0) }
            if let error = result.error { statuses.append(ExitStatus.of(error)) }
        }
        return ExitStatus.worst(statuses)
    }

    private func print(_ results: [RunSyncs.Result], _ environment: RunEnvironment) throws {
        if common.json {
            try printJSON(results)
            return
        }
        let history = RunHistory(environment.database)
        for result in results {
            for record in result.records where !common.quiet || ExitStatus.of(record) != .arrived {
                RunText.summary(record, reasons: try history.reasons(run: record.id)).forEach(Output.text)
            }
            if let error = result.error { Output.fail(error) }
            if let why = result.leftOut, !common.quiet { Output.text("\(result.sync): left out, \(why)") }
        }
    }

    private func printJSON(_ results: [RunSyncs.Result]) throws {
        let records = results.flatMap(\.records)
        let errors = results.compactMap(\.error)
        // A run that could not be recorded is an error like any other.
        if records.isEmpty, let error = errors.first { return Output.fail(error) }
        for error in errors { Output.errorText("error[\(error.code)]: \(error.message)") }
        try Output.print(json: ["runs": records])
    }
}
