import Foundation
import Testing

/// What the project leaves out of a PostgreSQL source comes from where psql takes it: the `PG*` environment and the
/// password file.
@Suite(
    .enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)"),
    .enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
struct PostgresEnvironmentTests {
    private func value(_ name: String) -> String { PostgresServer.value(name) ?? "" }

    /// Where the server is and who asks, without the password.
    private var place: [String: String] {
        [
            "PGHOST": value("HOST"), "PGPORT": value("PORT"), "PGUSER": value("USER"),
            "PGDATABASE": value("DATABASE"),
        ]
    }

    private func project(_ settings: String = "") throws -> WorkFolder {
        let folder = try WorkFolder()
        try folder.write(
            """
            version: 1
            sources:
              warehouse: {type: postgres\(settings.isEmpty ? "" : ", " + settings)}
            datasets:
              one: {source: warehouse, sql: "select current_user::text as who, current_database()::text as base"}
            """, to: "sluice.yaml")
        return folder
    }

    private func preview(_ folder: WorkFolder, _ environment: [String: String]) async throws -> Finished {
        try await folder.sluice("preview", "one", environment: environment)
    }

    private func expectRead(_ ended: Finished) {
        #expect(ended.status == 0, "\(ended.everything)")
        #expect(ended.output.contains(value("USER")) && ended.output.contains(value("DATABASE")), "\(ended.output)")
    }

    private func writePasswordFile(_ folder: WorkFolder, _ name: String, mode: Int) throws {
        try folder.write("*:*:*:\(value("USER")):\(value("PASSWORD"))\n", to: name)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path + "/" + name)
    }

    @Test func allOfItFromTheEnvironment() async throws {
        let environment = place.merging(["PGPASSWORD": value("PASSWORD"), "PGSSLMODE": "require"]) { $1 }
        expectRead(try await preview(project(), environment))
        let check = try await project().sluice("check", environment: environment)
        #expect(check.status == 0 && check.output.contains("TLS"), "\(check.everything)")
    }

    @Test(arguments: [".pgpass", "secrets/pgpass"]) func thePasswordFromItsFile(name: String) async throws {
        let folder = try project()
        try writePasswordFile(folder, name, mode: 0o600)
        let named = name == ".pgpass" ? [:] : ["PGPASSFILE": folder.path + "/" + name]
        expectRead(try await preview(folder, place.merging(named) { $1 }))
    }

    @Test func aPasswordFileThatOthersMayReadIsNotUsed() async throws {
        let folder = try project()
        try writePasswordFile(folder, ".pgpass", mode: 0o644)
        let ended = try await preview(folder, place)
        #expect(ended.status != 0 && ended.errors.contains("authentication_failed"), "\(ended.everything)")
        #expect(ended.errors.contains(".pgpass") && !ended.everything.contains(value("PASSWORD")))
    }

    @Test func theProjectCountsMoreThanTheEnvironment() async throws {
        let settings =
            "host: \(value("HOST")), port: \(value("PORT")), database: \(value("DATABASE")), "
            + "user: \(value("USER")), password: \"${GIVEN}\""
        let wrong = [
            "PGHOST": "nowhere.invalid", "PGPORT": "1", "PGUSER": "nobody", "PGDATABASE": "nothing",
            "PGPASSWORD": "wrong", "GIVEN": value("PASSWORD"),
        ]
        expectRead(try await preview(project(settings), wrong))
    }

    @Test func aWrongPasswordInTheEnvironmentIsTold() async throws {
        let ended = try await preview(project(), place.merging(["PGPASSWORD": "not-it-at-all"]) { $1 })
        #expect(ended.status != 0 && ended.errors.contains("PGPASSWORD"), "\(ended.everything)")
        #expect(!ended.everything.contains("not-it-at-all"))
    }
}
