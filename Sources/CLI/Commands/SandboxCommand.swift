internal import ArgumentParser
internal import PlanhatSandbox
internal import Runner
internal import StateStore

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Runs a local Planhat to try things on.",
        discussion: """
            Example: sluice sandbox --latency 50 --fail 'status=503 every=7'

            docs/sandbox.md has all of it. \(ProjectOptions.unread)
            """)

    @Option(name: .long, help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"))
    var listen: String = "127.0.0.1:8471"

    @Option(name: .long, help: ArgumentHelp("Keep what arrives in this file.", valueName: "file"))
    var data: String?

    @Option(name: .long, help: ArgumentHelp("Milliseconds before each answer.", valueName: "ms"))
    var latency: Int = 0

    @Option(name: .long, help: ArgumentHelp("Answer 429 beyond so many.", valueName: "n"))
    var requestsPerMinute: Int?

    @Option(name: .long, help: ArgumentHelp("A failure to play; repeat for more.", valueName: "rule"))
    var fail: [String] = []

    @Option(
        name: .customLong("switch"), help: ArgumentHelp("Another answer to an open question.", valueName: "name=value"))
    var switches: [String] = []

    @Option(name: .long, help: "The token to accept.")
    var token: String = SandboxConfiguration.defaultToken

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        try await SandboxFailure.translated { try await start() }
    }

    private func start() async throws {
        var configuration = SandboxConfiguration()
        try configuration.listen(on: listen)
        configuration.token = token
        configuration.latency = .milliseconds(max(0, latency))
        configuration.requestsPerMinute = requestsPerMinute
        configuration.dataFile = try data.map { try Self.place(for: $0) }
        configuration.failRules = try SandboxConfiguration.failRules(fail)
        configuration.switches = try SandboxSwitches(switches)
        let (sandbox, settings, common) = (try Sandbox(configuration), configuration, common)
        try await Interruption.watch(note: "The sandbox ends.") {
            do {
                try await sandbox.run { port in
                    Self.announce(settings, port: port, common)
                }
            } catch is CancellationError {
                // Stopped by hand: that is how a sandbox ends.
            }
        }
    }

    /// What it holds is looked at when it is read.
    private static func place(for data: String) throws -> String {
        do {
            return try NamedFile.place(data, for: NamedFile.Kind("data file", heads: nil))
        } catch {
            throw RunError(
                code: "sandbox_data_unwritable", message: "The data file cannot be written: \(error.why).",
                hint: "Name a file that is not there yet, or one of an earlier sandbox: --data FILE.")
        }
    }

    private static func announce(_ settings: SandboxConfiguration, port: Int, _ common: ProjectOptions) {
        let address = "http://\(settings.host):\(port)"
        if common.json {
            let fields = [
                "address": address, "token": settings.token, "tenant_uuid": settings.tenantUUID, "base_url": address,
                "analytics_url": address,
            ]
            do { try Output.print(json: fields) } catch { Output.errorText("\(error)") }
            return
        }
        if common.quiet { return }
        Output.text("A local Planhat listens on \(address)")
        Output.text("  api_key: \(settings.token)")
        Output.text("  tenant_uuid: \(settings.tenantUUID)")
        Output.text("  base_url: \(address)")
        Output.text("  analytics_url: \(address)")
        Output.text("What arrives is shown on \(address)/ . Ctrl-C ends it.")
    }
}
