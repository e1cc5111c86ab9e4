import Foundation
import Glibc
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
            "PGPASSWORD": "wrong", "PGHOSTADDR": "192.0.2.1", "PGCONNECT_TIMEOUT": "2", "GIVEN": value("PASSWORD"),
        ]
        expectRead(try await preview(project(settings), wrong))
    }

    @Test func theAddressOfTheEnvironmentWhereNoHostIsGiven() async throws {
        var environment = place.merging(["PGPASSWORD": value("PASSWORD"), "PGHOSTADDR": value("HOST")]) { $1 }
        environment["PGHOST"] = "nowhere.invalid"
        expectRead(try await preview(project(), environment))
    }

    @Test func theTimeToConnectFromTheEnvironmentUnlessTheProjectGivesOne() async throws {
        let silent = try SilentServer()
        let silence = ["PGHOST": "127.0.0.1", "PGPORT": String(silent.port), "PGCONNECT_TIMEOUT": "1"]
        let ended = try await preview(project(), silence)
        #expect(ended.status == 1 && ended.errors.contains("did not answer within 1 s"), "\(ended.everything)")
        let given = try await preview(
            project("connect_timeout_seconds: 1"), silence.merging(["PGCONNECT_TIMEOUT": "3600"]) { $1 })
        #expect(given.status == 1 && given.errors.contains("did not answer within 1 s"), "\(given.everything)")
    }

    @Test func aTimeToConnectThatIsNoNumberIsTold() async throws {
        let environment = place.merging(["PGPASSWORD": value("PASSWORD"), "PGCONNECT_TIMEOUT": "soon"]) { $1 }
        let ended = try await preview(project(), environment)
        #expect(ended.status == 1 && ended.errors.contains("PGCONNECT_TIMEOUT"), "\(ended.everything)")
    }

    @Test func aWrongPasswordInTheEnvironmentIsTold() async throws {
        let ended = try await preview(project(), place.merging(["PGPASSWORD": "not-it-at-all"]) { $1 })
        #expect(ended.status != 0 && ended.errors.contains("PGPASSWORD"), "\(ended.everything)")
        #expect(!ended.everything.contains("not-it-at-all"))
    }
}

/// Takes connections and never says a word.
private final class SilentServer {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = descriptor
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listening, generic, size) == 0 && getsockname(listening, generic, &size) == 0
                    && listen(listening, 5) == 0
            }
        }
        try #require(isOpen)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
