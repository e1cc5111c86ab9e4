internal import ArgumentParser
internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validates the project, then tests each source, destination and sync step by step.",
        discussion: """
            Example: sluice check crm companies

            Of a sync whose two ends passed it proves that the dataset has the columns and the account the fields that \
            the sync names. It reads no rows and changes nothing.

            Exit code: 0 all passed, 2 the project or the command line is wrong, 4 a connection or a sync did not pass.
            """)

    @Argument(help: "Sources, destinations and syncs; all if none is named.")
    var names: [String] = []

    @Flag(name: .long, help: "Validate the project only; connect to nothing.")
    var offline = false

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let report = CheckReport(options: common)
        let workspace: Workspace
        do {
            workspace = try Workspace.open(common)
        } catch let errors as ProjectErrors where common.json {
            try report.print(errors.diagnostics, [])
            throw ExitStatus.usage
        }
        let checks = CheckConnections(
            workspace.connections(state: workspace.stateIfAny()), time: .system, known: try known(workspace))
        try checks.refuseUnknown(names)
        let results = try await offline ? checks.formerNames(names) : checks.check(names)
        try report.print(workspace.warnings, results)
        if !results.allSatisfy(\.report.isOK) { throw ExitStatus.connection }
    }

    /// What is known of the syncs, where one of them says that it had another name.
    private func known(_ workspace: Workspace) throws -> RunEnvironment? {
        guard workspace.project.syncs.contains(where: { $0.renamedFrom != nil }), workspace.stateIfAny() != nil else {
            return nil
        }
        return try workspace.environment()
    }
}

/// What `check` found, as text or JSON.
private struct CheckReport {
    let options: ProjectOptions

    func print(_ diagnostics: [Diagnostic], _ results: [CheckConnections.Result]) throws {
        if options.json { return try Output.print(json: body(diagnostics, results)) }
        if diagnostics.allSatisfy({ $0.severity == .warning }) && !options.quiet {
            Output.text("The project is valid.")
        }
        for result in results { show(result) }
    }

    private func show(_ result: CheckConnections.Result) {
        guard !options.quiet || !result.report.isOK else { return }
        let address = result.report.address.isEmpty ? "" : ", \(result.report.address)"
        Output.text(result.type == "sync" ? "sync \(result.name)" : "\(result.name) (\(result.type)\(address))")
        for step in result.report.steps {
            Output.text("  \(Self.verdict(step)) \(step.step): \(step.message)")
            if !step.hint.isEmpty && !step.isOK { Output.text("         \(step.hint)") }
        }
        for warning in result.report.warnings {
            Output.text("  warning[\(warning.code)]: \(warning.message)")
            if !warning.hint.isEmpty { Output.text("         \(warning.hint)") }
        }
    }

    private static func verdict(_ step: ConnectionReport.Step) -> String {
        if !step.isOK { return "FAILED" }
        if !step.warnings.isEmpty { return "warn  " }
        return step.isTried ? "ok    " : "-     "
    }

    private func body(_ diagnostics: [Diagnostic], _ results: [CheckConnections.Result]) -> CheckBody {
        let isOK = diagnostics.allSatisfy { $0.severity == .warning } && results.allSatisfy(\.report.isOK)
        return CheckBody(
            ok: isOK, diagnostics: diagnostics.map { ErrorBody.Content($0) },
            connections: results.map { result in
                CheckBody.Connection(
                    name: result.name, type: result.type, address: result.report.address,
                    steps: result.report.steps.map {
                        CheckBody.Step(step: $0.step, ok: $0.isOK, message: $0.message, hint: $0.hint)
                    },
                    warnings: result.report.warnings.map {
                        ErrorBody.Content(Diagnostic(.warning, code: $0.code, message: $0.message, hint: $0.hint))
                    })
            })
    }
}

private struct CheckBody: Encodable {
    struct Step: Encodable {
        var step: String
        var ok: Bool
        var message: String
        var hint: String
    }

    struct Connection: Encodable {
        var name: String
        var type: String
        var address: String
        var steps: [Step]
        var warnings: [ErrorBody.Content]
    }

    var ok: Bool
    var diagnostics: [ErrorBody.Content]
    var connections: [Connection]
}
