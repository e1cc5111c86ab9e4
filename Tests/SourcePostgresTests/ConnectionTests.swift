import ConnectorKit
import Foundation
import Glibc
import Records
import SourcePostgres
import Synchronization
import Testing

/// Connecting: addresses, encryption, logins.
@Suite(.enabled(if: TestServer.isConfigured, TestServer.skipText))
struct ConnectionTests {
    private static let probe = Relation.query("select 1 as a")

    @Test func checkTellsEachStep() async throws {
        let report = try await TestServer.source(["sslmode": "require"]).check()
        #expect(report.isOK)
        #expect(
            report.steps.map(\.step) == [
                "address resolves", "server answers", "encryption", "login accepted", "database opens",
                "read-only transaction",
            ])
        #expect(report.steps[2].message.hasPrefix("TLSv1"))
        #expect(
            report.address == "\(TestServer.value("HOST")):\(TestServer.value("PORT"))/\(TestServer.value("DATABASE"))")
        #expect(report.warnings.isEmpty)
    }

    @Test func nameOfADatabaseIsNoConnectionString() async throws {
        for name in ["host=192.0.2.1", "postgresql://192.0.2.1/other"] {
            let error = try await TestServer.error(Self.probe, TestServer.source(["database": name]))
            #expect(error.code == "database_not_found" && error.message.contains(name), "\(error)")
        }
    }

    @Test func hostThatWasLookedUpIsConnectedToWhereItWasFound() async throws {
        // Names that no service knows: the addresses are used, and the names are not looked up again.
        var settings = TestServer.settings(["host": "first.invalid,second.invalid"])
        settings.addresses = ["first.invalid": [TestServer.value("HOST")], "second.invalid": ["192.0.2.1"]]
        let report = await (try PostgresSource.type.make(settings)).check()
        #expect(report.isOK, "\(report)")
        #expect(report.address.hasPrefix("first.invalid:"))
        #expect(report.steps.first?.message == TestServer.value("HOST"))

        settings = TestServer.settings(["host": "one.invalid"])
        settings.addresses = ["one.invalid": [TestServer.value("HOST"), "192.0.2.1"]]
        #expect(try await TestServer.read(PostgresSource.type.make(settings), Self.probe).count == 1)
    }

    @Test func superuserIsWarnedAbout() async throws {
        let source = try TestServer.source(
            ["host": TestServer.value("SOCKET"), "user": TestServer.value("SUPERUSER")], password: "")
        let report = await source.check()
        #expect(report.isOK)
        #expect(report.warnings.map(\.code) == ["superuser_credentials"])
        // The step that it belongs to did not simply pass.
        #expect(report.steps.filter { !$0.warnings.isEmpty }.map(\.step) == ["login accepted"])
        #expect(report.steps[2].message == "not needed: the connection does not leave this machine")
    }

    @Test func stepsAreToldAsTheyBegin() async throws {
        let told = Mutex<[ConnectionReport]>([])
        let report = try await TestServer.source(["sslmode": "require"]).check { new in told.withLock { $0.append(new) }
        }
        let all = told.withLock { $0 }
        let names = report.steps.map(\.step)
        #expect(all.first?.running == "address resolves" && all.last?.running == "read-only transaction")
        // Each tells what came before it; a quick one may have passed before anybody waited for it.
        for one in all {
            let number = try #require(one.running.flatMap { names.firstIndex(of: $0) })
            #expect(one.steps.map(\.step) == Array(names[..<number]))
        }
        #expect(all.map(\.steps.count) == all.map(\.steps.count).sorted())
    }

    @Test func serverThatSaysNothingIsTheStepThatGoesOn() async throws {
        let listener = try Listener(answers: true)
        let source = try TestServer.source(["port": String(listener.port), "connect_timeout_seconds": "1"])
        let told = Mutex<[ConnectionReport]>([])
        let report = await source.check { new in told.withLock { $0.append(new) } }
        #expect(told.withLock { $0.last?.running } == "server answers")
        #expect(told.withLock { $0.last?.steps.map(\.message) } == ["127.0.0.1"])
        #expect(report.steps.map(\.isOK) == [true, false] && report.running == nil)
    }

    @Test(arguments: [("disable", false), ("allow", false), ("prefer", true), ("require", true)])
    func sslmodeIsHeeded(_ mode: String, _ isEncrypted: Bool) async throws {
        let source = try TestServer.source(["sslmode": mode])
        let rows = try await TestServer.read(
            source, .query("select ssl from pg_stat_ssl where pid = pg_backend_pid()"))
        #expect(rows == [[.boolean(isEncrypted)]])
    }

    @Test func certificateIsVerified() async throws {
        let certificate = TestServer.value("CA")
        for mode in ["verify-ca", "verify-full"] {
            let good = try TestServer.source(["sslmode": mode, "sslrootcert": certificate])
            #expect(try await TestServer.read(good, Self.probe) == [[.integer(1)]])
            let missing = try TestServer.source(["sslmode": mode, "sslrootcert": "/nonexistent/root.pem"])
            let error = try await TestServer.error(Self.probe, missing)
            #expect(error.code == "tls_failed")
            #expect(error.hint.contains("sslrootcert"))
        }
    }

    @Test func certificateOfAnotherAuthorityIsRefused() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let other = folder.appending(path: "other.crt")
        try Self.otherCertificate.write(to: other, atomically: true, encoding: .utf8)
        let source = try TestServer.source(["sslmode": "verify-ca", "sslrootcert": other.path])
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "tls_failed")
        let report = await source.check()
        #expect(report.steps.map(\.isOK) == [true, true, false])
    }

    @Test func serverThatWantsEncryptionSaysSo() async throws {
        let source = try TestServer.source(["user": "sluice_tls_only", "sslmode": "disable"])
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "tls_required")
        #expect(error.hint.contains("sslmode: require"))
    }

    @Test func wrongPasswordIsToldWithoutShowingIt() async throws {
        let source = try TestServer.source(password: "hunter2-wrong")
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "authentication_failed")
        #expect(!"\(error)".contains("hunter2-wrong"))
        let report = await source.check()
        #expect(report.steps.last?.step == "login accepted")
        #expect(report.steps.last?.isOK == false)
        #expect(!"\(report)".contains("hunter2-wrong"))
    }

    @Test(arguments: [
        ("prefer", "encrypted"), ("require", "encrypted"),
        ("disable", "not needed: the connection does not leave this machine"),
    ])
    func refusedLoginDoesNotHideThatItWasEncrypted(_ mode: String, _ encryption: String) async throws {
        let report = try await TestServer.source(["sslmode": mode], password: "wrong").check()
        #expect(report.steps.map(\.isOK) == [true, true, true, false])
        #expect(report.steps[2].message == encryption)
        #expect(report.steps[3].message.contains("refused the password"))
    }

    @Test(arguments: ["allow", "prefer"])
    func wrongPasswordIsToldAlsoWhereTheOtherTryIsTurnedAway(_ mode: String) async throws {
        // pg_hba.conf rejects this role without encryption, which is the second try of prefer and the first of allow.
        let report = try await TestServer.source(["user": "sluice_tls_only", "sslmode": mode], password: "wrong")
            .check()
        #expect(report.steps.map(\.isOK) == [true, true, true, false])
        #expect(report.steps[2].message == "encrypted")
        #expect(report.steps[3].message.contains("refused the password"))
    }

    @Test func missingPasswordIsTold() async throws {
        let source = try TestServer.source(["user": "sluice_tls_only"], password: "")
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "authentication_failed")
        #expect(error.message.contains("none was given"))
    }

    @Test func missingDatabaseIsTold() async throws {
        let source = try TestServer.source(["database": "no such db"])
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "database_not_found")
        #expect(error.message.contains("no such db"))
        #expect(await source.check().steps.map(\.isOK) == [true, true, true, true, false])
    }

    @Test func databaseThatMayNotBeConnectedToNamesTheGrant() async throws {
        try await TestServer.withSchema { schema in
            let role = try schema.makeRole("outsider")
            let database = "\(schema.name)_db"
            try schema.run("create database \(database)")
            defer { _ = try? schema.run("drop database \(database)") }
            try schema.run("revoke connect on database \(database) from public")
            let source = try TestServer.source(["user": role, "database": database])
            let error = try await TestServer.error(Self.probe, source)
            #expect(error.code == "permission_denied")
            #expect(error.hint.contains("grant connect on database \(database) to \(role)"))
        }
    }

    @Test func roleWithoutFreeConnectionIsTold() async throws {
        try await TestServer.withSchema { schema in
            let role = try schema.makeRole("crowded", "connection limit 0")
            let error = try await TestServer.error(Self.probe, TestServer.source(["user": role]))
            #expect(error.code == "too_many_connections")
            #expect(error.disposition == .retry(after: nil))
        }
    }

    @Test func unknownHostIsTold() async throws {
        let source = try TestServer.source(["host": "no-such-host.invalid"])
        #expect(try await TestServer.error(Self.probe, source).code == "host_not_found")
        #expect(await source.check().steps.map(\.isOK) == [false])
    }

    @Test func portWhereNothingListensIsTold() async throws {
        let port = try Listener(answers: false).port
        let source = try TestServer.source(["port": String(port)])
        #expect(try await TestServer.error(Self.probe, source).code == "connection_refused")
        #expect(await source.check().steps.map(\.isOK) == [true, false])
        let socket = try TestServer.source(["host": "/nonexistent"])
        #expect(try await TestServer.error(Self.probe, socket).code == "connection_refused")
    }

    /// As when it is killed at that moment: a failure of the network, not of anybody's certificate.
    @Test(arguments: ["", "S"])
    func serverThatGoesAwayWhileTheConnectionIsEncryptedIsTriedAgain(_ answer: String) async throws {
        let listener = try Listener(answers: true)
        listener.goAway(after: answer)
        let source = try TestServer.source(["port": String(listener.port), "sslmode": "require"])
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "connection_failed", "\(error)")
        #expect(error.disposition == .retry(after: nil))
    }

    @Test func silentServerRunsIntoTheConnectTimeout() async throws {
        let listener = try Listener(answers: true)
        let source = try TestServer.source(["port": String(listener.port), "connect_timeout_seconds": "1"])
        let error = try await TestServer.error(Self.probe, source)
        #expect(error.code == "connect_timeout")
        #expect(error.message.contains("1 s"))
    }

    @Test func cancelledAttemptToConnectReturnsAtOnce() async throws {
        let listener = try Listener(answers: true)
        let source = try TestServer.source(["port": String(listener.port), "connect_timeout_seconds": "60"])
        let scan = Task { try await TestServer.read(source, Self.probe) }
        try await Task.sleep(for: .milliseconds(5))
        let begin = ContinuousClock.now
        scan.cancel()
        await #expect(throws: CancellationError.self) { try await scan.value }
        // Far less than the timeout; the machine may be busy.
        #expect(ContinuousClock.now - begin < .seconds(10))
    }

    @Test func settingWithZeroByteIsRefused() {
        #expect(throws: SourceError.self) { try TestServer.source(["user": "a\u{0}b"]) }
    }

    @Test func everySettingIsDeclaredWithHelp() {
        let declaration = PostgresSource.type.declaration
        #expect(declaration.type == "postgres")
        #expect(declaration.settings.filter(\.isSecret).map(\.name) == ["password"])
        for setting in declaration.settings { #expect(!setting.help.isEmpty && !setting.example.isEmpty) }
    }

    /// A port of loopback that takes connections and says nothing, or that was free a moment ago.
    private final class Listener {
        let port: UInt16
        private let descriptor: Int32

        init(answers: Bool) throws {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
                }
            }
            try #require(bound)
            if answers { try #require(listen(descriptor, 5) == 0) }
            port = UInt16(bigEndian: address.sin_port)
            self.descriptor = descriptor
        }

        /// Gives one connection that answer to its wish for encryption, and closes it.
        func goAway(after answer: String) {
            let descriptor = descriptor
            Thread.detachNewThread {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                var wish = [UInt8](repeating: 0, count: 8)
                _ = recv(connection, &wish, wish.count, 0)
                _ = send(connection, answer, answer.utf8.count, 0)
                close(connection)
            }
        }

        deinit {
            // Wakes who still waits for a connection.
            shutdown(descriptor, Int32(SHUT_RDWR))
            close(descriptor)
        }
    }

    private static let otherCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBjzCCATWgAwIBAgIUY8FLzWT/d29D8+k7wTaoVV7ILyIwCgYIKoZIzj0EAwIw
        HDEaMBgGA1UEAwwRYW5vdGhlciBhdXRob3JpdHkwIBcNMjYxMTIzMTcyNjQ2WhgP
        MjEyNjEwMzAxNzI2NDZaMBwxGjAYBgNVBAMMEWFub3RoZXIgYXV0aG9yaXR5MFkw
        EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEARJUWaKnXe+HaJBt1uwbLMJEP42v3QRW
        x8nOaC1dIL8gkj/4CFraMVI5MWZyGv4RBE+28efDRZ/SKNwc/v/LfKNTMFEwHQYD
        VR0OBBYEFKCR/lJNO9HqXFVVlbjN4U7P7ex5MB8GA1UdIwQYMBaAFKCR/lJNO9Hq
        XFVVlbjN4U7P7ex5MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
        AP6gA1oI84+y1hNNmbDy3TmDzXmx/elxfgEZLJBD/6AvAiBDvx7Ul/KshxYa7HBo
        9xWA/T7Pf6zb7+1IdYmNDLdq7Q==
        -----END CERTIFICATE-----
        """
}
