import Foundation

/// A small project of one table and one sync, with its own local Planhat: what most tests need.
final class CompanyProject: Sendable {
    let folder: WorkFolder
    let planhat: LocalPlanhat
    let database: SQLiteFile

    static let mappings = "{name: name, custom.Plan: plan, custom.Seats: seats}"

    init(rows: Int = 12, sandbox options: [String] = [], more: String = "", port: Int = 0) async throws {
        folder = try WorkFolder()
        planhat = try await LocalPlanhat(folder, options, port: port)
        database = SQLiteFile(path: folder.path + "/data.db")
        try database.execute(Self.table(rows: rows))
        try folder.write(Self.text(planhat.address, more: more), to: "sluice.yaml")
    }

    static func text(_ address: String, more: String = "") -> String {
        """
        version: 1
        sources:
          local: {type: sqlite, path: data.db}
        destinations:
          planhat: {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}"}
        datasets:
          accounts: {source: local, table: accounts}
        syncs:
          companies:
            from: accounts
            to: planhat.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings: \(mappings)
        \(more)
        """
    }

    /// Accounts 1 to `rows`.
    static func table(rows: Int) -> String {
        """
        create table accounts (id integer, name text, plan text, seats integer);
        insert into accounts
        with recursive n(i) as (select 1 union all select i + 1 from n where i < \(rows))
        select i, 'Account ' || i, case i % 3 when 0 then 'Team' else 'Free' end, i * 7 % 100 from n;
        """
    }

    var token: [String: String] { ["PLANHAT_API_KEY": planhat.token] }

    @discardableResult
    func sluice(
        _ arguments: String..., environment: [String: String] = [:], seconds: Double = 60
    ) async throws -> Finished {
        try await sluice(arguments, environment: environment, seconds: seconds)
    }

    @discardableResult
    func sluice(
        _ arguments: [String], environment: [String: String] = [:], seconds: Double = 60
    ) async throws -> Finished {
        try await folder.sluice(
            arguments, environment: token.merging(environment) { _, given in given }, seconds: seconds)
    }

    func start(_ arguments: String...) throws -> Child { try folder.start(arguments, environment: token) }

    /// As `sluice runs` tells them, the newest first.
    func runs() async throws -> [JSON] { try await sluice("runs", "--json").runs() }

    /// Waits until the runs are so; throws once that has taken too long.
    func until(_ what: String, seconds: Double = 60, _ isSo: ([JSON]) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let found = try await runs()
            if isSo(found) { return }
            guard ContinuousClock.now < deadline else {
                throw ChildError(description: "never: \(what); \(found.map { "\($0["id"].int ?? 0) \($0.state)" })")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// What the destination should hold, as `key|name|plan|seats`.
    func expected() throws -> Set<String> {
        Set(
            try database.rows("select id, name, plan, seats from accounts").map { row in
                row.map { $0 ?? "" }.joined(separator: "|")
            })
    }

    func arrived() throws -> Set<String> { Set(try planhat.companies()) }
}

extension LocalPlanhat {
    /// Every company as `externalId|name|plan|seats`.
    func companies() throws -> [String] {
        try records("companies", by: "externalId").map { key, record in
            let custom = record["custom"]
            let seats = custom["Seats"].int.map { String($0) } ?? ""
            return [key, record["name"].string ?? "", custom["Plan"].string ?? "", seats].joined(separator: "|")
        }
    }
}
