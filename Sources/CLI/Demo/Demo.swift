internal import ArgumentParser
internal import Foundation
internal import PlanhatSandbox
internal import Records
internal import Runner
internal import StateStore

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows a sync from start to end: a local Planhat, a sample database, two runs.",
        discussion: """
            Example: sluice demo --keep /tmp/sluice-demo

            Needs no account and no set-up. --json prints {"runs": [RUN…]}, --quiet only what did not arrive. \
            \(ProjectOptions.unread)
            """)

    @Option(name: .long, help: ArgumentHelp("Keep project, database and state in this new folder.", valueName: "dir"))
    var keep: String?

    @Flag(name: .long, help: "Leave the local Planhat running at the end, to look around.")
    var stay = false

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        try await SandboxFailure.translated { try await start() }
    }

    private func start() async throws {
        let folder = keep ?? NSTemporaryDirectory() + "sluice-demo-" + UUID().uuidString
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw RunError(
                code: "file_exists", message: "\(folder) is there already.", hint: "Name a folder that is not.")
        }
        let (isKept, stays) = (keep != nil, stay)
        defer { if !isKept { DemoFolder.remove(folder) } }
        let show = DemoShow(project: try DemoProject(folder: folder), common)
        var configuration = SandboxConfiguration()
        configuration.port = 0
        let sandbox = try Sandbox(configuration)
        try await Interruption.watch {
            try await Self.play(show, sandbox, stays: stays)
        }
        guard !common.json && !common.quiet else { return }
        Output.text("")
        Output.text("Next, with your own data:")
        Output.text("  sluice init my-project      writes a commented project to fill in")
        Output.text("  sluice sandbox              a local Planhat to try it on")
        Output.text("  sluice check                tests the connections, step by step")
        if isKept { Output.text("This demo's project is kept in \(folder).") }
    }

    /// Runs the sandbox beside the show and ends it afterwards.
    private static func play(_ show: DemoShow, _ sandbox: Sandbox, stays: Bool) async throws {
        let (ports, ready) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await sandbox.run { port in
                    ready.yield(port)
                    ready.finish()
                }
            }
            for await port in ports {
                let runs = try await show.play(address: "http://127.0.0.1:\(port)")
                if show.isJSON { try Output.print(json: ["runs": runs]) }
                guard stays else { break }
                let address = "http://127.0.0.1:\(port)/"
                let line = "The local Planhat shows what arrived on \(address) . Ctrl-C ends it."
                if show.isJSON { Output.note(line) } else { ["", line].forEach(Output.text) }
                try await group.waitForAll()
            }
            group.cancelAll()
        }
    }
}

private enum DemoFolder {
    static func remove(_ folder: String) {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Output.note("\(folder) could not be removed.")
        }
    }
}
