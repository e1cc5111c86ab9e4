internal import Foundation
internal import PlanhatSandbox
internal import ProjectConfig
internal import Runner
internal import Synchronization
internal import WebUI

/// A Planhat inside the server, and a sample database beside the project, for who wants to see a sync without an account.
/// What arrives is kept in the state directory, so that both are there again after a restart.
final class DemoAccount: Sendable {
    private static let folder = "sample-data"

    private let directory: String
    private let state: String
    private let work: BackgroundWork
    private let address = Mutex<String?>(nil)

    init(directory: String, state: String, work: BackgroundWork) {
        self.directory = directory
        self.state = state
        self.work = work
    }

    /// Throws what keeps the database from being made or the port from being taken.
    func start() async throws -> SampleAccount {
        let folder = directory + "/" + Self.folder
        if !FileManager.default.fileExists(atPath: folder + "/acme.db") {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try DemoProject.writeDatabase(to: folder + "/acme.db")
        }
        return SampleAccount(
            definitions: Self.definitions(try await listen(port: 0)), firstSync: Self.first)
    }

    /// Begins again at the address that a destination of the pages has. Throws where what had arrived cannot be read.
    func resume(_ project: Project) throws(RunError) {
        guard FileManager.default.fileExists(atPath: directory + "/" + Self.folder + "/acme.db"),
            let base = project.destinations["local-planhat"]?.settings["base_url"]?.literal,
            base.hasPrefix("http://127.0.0.1:"), let port = base.split(separator: ":").last.flatMap({ Int($0) })
        else { return }
        let sandbox = try sandbox(port: port)
        address.withLock { $0 = base }
        work.begin { await Self.run(sandbox) { _ in } }
    }

    private func listen(port: Int) async throws -> String {
        if let known = address.withLock({ $0 }) { return known }
        let sandbox = try sandbox(port: port)
        let (ports, ready) = AsyncStream<Int>.makeStream()
        work.begin {
            await Self.run(sandbox) { ready.yield($0) }
            ready.finish()
        }
        for await port in ports {
            let found = "http://127.0.0.1:\(port)"
            address.withLock { $0 = found }
            return found
        }
        throw RunError(
            code: "sandbox_not_started", message: "The local Planhat could not be started.",
            hint: "Start it by itself to see why: sluice sandbox.")
    }

    private func sandbox(port: Int) throws(RunError) -> Sandbox {
        var configuration = SandboxConfiguration()
        configuration.port = port
        configuration.dataFile = state + "/local-planhat.json"
        do {
            return try Sandbox(configuration)
        } catch {
            throw RunError(code: error.code, message: error.message, hint: error.hint)
        }
    }

    private static func run(_ sandbox: Sandbox, _ onReady: @escaping @Sendable (Int) -> Void) async {
        do {
            try await sandbox.run { onReady($0) }
        } catch is CancellationError {
            // The server ends, and with it what runs inside.
        } catch {
            Output.note("The local Planhat has ended: \(error)")
        }
    }

    private static let first = "sample-companies"

    private static func definitions(_ address: String) -> [StoredDefinitions.One] {
        [
            .init(.source, "sample", "{type: sqlite, path: \"\(folder)/acme.db\"}"),
            .init(
                .destination, "local-planhat",
                "{type: planhat, base_url: \"\(address)\", analytics_url: \"\(address)\", api_key: \"\(SandboxConfiguration.defaultToken)\"}"
            ),
            .init(.dataset, "sample-accounts", "{source: sample, table: accounts}"),
            .init(
                .dataset, "sample-people",
                "{source: sample, sql: \"select id, account_id, email, first_name, last_name, title from people\"}"
            ),
            .init(.sync, first, companies), .init(.sync, "sample-people", people),
        ]
    }

    private static let companies = """
        from: sample-accounts
        to: local-planhat.company
        behavior: update_or_create
        key: {column: id, field: externalId}
        mappings:
          name: name
          sourceId: crm_id
          phonePrimary: {column: phone, nulls: skip}
          custom.Plan: plan
          custom.Seats: seats
        """

    private static let people = """
        from: sample-people
        to: local-planhat.end_user
        behavior: update_or_create
        key: {column: id, field: sourceId}
        mappings:
          companyId: {column: account_id, lookup: externalId}
          email: email
          firstName: first_name
          lastName: last_name
          position: title
        schedule: {after: [sample-companies]}
        """
}
