import ConnectorKit
import Foundation
import Runner
import StateStore
import TestKit
import Testing

/// Secrets in a state directory of their own.
final class VaultFixture: Sendable {
    static let key = Data(repeating: 7, count: 32).base64EncodedString()
    static let otherKey = Data(repeating: 8, count: 32).base64EncodedString()

    let state: StateDirectory
    let database: ControlDatabase
    let clock = SimulatedTime()

    init() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/sluice-vault-" + UUID().uuidString
        state = try StateDirectory(path: folder)
        database = try ControlDatabase.open(path: state.databasePath)
    }

    deinit { try? FileManager.default.removeItem(atPath: state.path) }

    func vault(key: String? = nil) -> SecretVault {
        let variables = key.map { [SecretKey.variable: $0] } ?? [:]
        return SecretVault(
            database: database, time: RunTime(clock), key: SecretKeyPlace(variables: variables, state: state))
    }

    var keyPath: String { state.path + "/secret.key" }

    func bytesOnDisk() throws -> String {
        try FileManager.default.contentsOfDirectory(atPath: state.path).filter { !$0.hasPrefix("secret.key") }
            .compactMap { FileManager.default.contents(atPath: state.path + "/" + $0) }
            .map { String(decoding: $0, as: UTF8.self) }.joined()
    }
}

@Suite struct SecretVaultTests {
    private let by = Actor("root")
    private let value = Secret("planted-value-4711")

    @Test func aSecretIsKeptSealedAndUsed() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("warehouse", value, by: by)
        #expect(try fixture.vault().value("warehouse") == value)
        #expect(try !fixture.bytesOnDisk().contains("planted-value"))
        #expect(try fixture.vault().list().map(\.name) == ["warehouse"])
        #expect(try fixture.vault().list().first?.changedBy == "root")
        let mode = try FileManager.default.attributesOfItem(atPath: fixture.keyPath)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func settingASecretAgainReplacesIt() async throws {
        let fixture = try VaultFixture()
        defer { withExtendedLifetime(fixture) {} }
        let vault = fixture.vault(key: VaultFixture.key)
        try vault.set("a", value, by: by)
        try vault.set("a", Secret("second"), by: by)
        #expect(try vault.value("a").reveal() == "second")
        try vault.remove("a", by: by)
        #expect(await code { _ = try vault.value("a") } == "unknown_secret")
        #expect(await code { try vault.remove("a", by: by) } == "unknown_secret")
    }

    @Test func theLogSaysWhichSecretAndNeverWhat() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", value, by: by)
        try fixture.vault().remove("a", by: by)
        let entries = try AuditLog(database: fixture.database, time: RunTime(fixture.clock)).page()
        #expect(entries.map(\.action) == ["secrets.removed", "secrets.set"])
        #expect(entries.map(\.subject) == ["secret a", "secret a"])
    }

    @Test(arguments: ["", "a b", "-a", "a/b", "ä", String(repeating: "x", count: 201)])
    func strangeNamesAreRefused(name: String) async throws {
        let fixture = try VaultFixture()
        defer { withExtendedLifetime(fixture) {} }
        let vault = fixture.vault(key: VaultFixture.key)
        #expect(await code { try vault.set(name, value, by: by) } == "invalid_secret")
    }

    @Test func emptyAndHugeSecretsAreRefused() async throws {
        let fixture = try VaultFixture()
        defer { withExtendedLifetime(fixture) {} }
        let vault = fixture.vault(key: VaultFixture.key)
        #expect(await code { try vault.set("a", Secret(""), by: by) } == "invalid_secret")
        let most = String(repeating: "x", count: SecretVault.valueBytesMax)
        try vault.set("a", Secret(most), by: by)
        #expect(await code { try vault.set("a", Secret(most + "x"), by: by) } == "invalid_secret")
    }

    // MARK: The key

    @Test func aWrongKeyIsToldAndNothingIsLost() async throws {
        let fixture = try VaultFixture()
        try fixture.vault(key: VaultFixture.key).set("a", value, by: by)
        let wrong = fixture.vault(key: VaultFixture.otherKey)
        #expect(await code { _ = try wrong.value("a") } == "secret_key_wrong")
        #expect(await code { try wrong.set("a", Secret("x"), by: by) } == "secret_key_wrong")
        #expect(await code { try wrong.prove() } == "secret_key_wrong")
        #expect(await code { _ = try fixture.vault().value("a") } == "secret_key_missing")
        #expect(!FileManager.default.fileExists(atPath: fixture.keyPath))
        #expect(try fixture.vault(key: VaultFixture.key).value("a") == value)
    }

    @Test func aWrongKeyIsToldEvenBeforeThereIsASecret() async throws {
        let fixture = try VaultFixture()
        try fixture.vault(key: VaultFixture.key).prove()
        #expect(await code { try fixture.vault(key: VaultFixture.otherKey).prove() } == "secret_key_wrong")
    }

    @Test(arguments: ["", "no base64!", "c2hvcnQ="])
    func aMalformedKeyFileIsToldAndNotReplaced(text: String) async throws {
        let fixture = try VaultFixture()
        try Data(text.utf8).write(to: URL(filePath: fixture.keyPath))
        #expect(await code { try fixture.vault().set("a", value, by: by) } == "secret_key_invalid")
        #expect(FileManager.default.contents(atPath: fixture.keyPath) == Data(text.utf8))
    }

    @Test func aSecretMovedToAnotherNameDoesNotOpen() async throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault(key: VaultFixture.key)
        try vault.set("cheap", value, by: by)
        let store = SecretStore(fixture.database)
        var record = try #require(try store.secret("cheap"))
        record.name = "dear"
        let entry = AuditRecord(at: Moment(milliseconds: 0), who: "eve", action: "x")
        #expect(try store.set(record, check: try #require(try store.keyCheck()), noting: entry))
        #expect(await code { _ = try vault.value("dear") } == "secret_damaged")
    }

    @Test func aKeyFileThatOthersCouldReadIsClosedToThem() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", value, by: by)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: fixture.keyPath)
        #expect(try fixture.vault().value("a") == value)
        let mode = try FileManager.default.attributesOfItem(atPath: fixture.keyPath)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    // MARK: Rotation

    @Test func rotatingSealsEverySecretWithANewKey() async throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault()
        for number in 0..<5 { try vault.set("s\(number)", Secret("v\(number)"), by: by) }
        let running = fixture.vault()
        #expect(try running.value("s0").reveal() == "v0")
        let before = FileManager.default.contents(atPath: fixture.keyPath)
        let sealed = try SecretStore(fixture.database).all().map(\.sealed)
        #expect(try vault.rotate(to: nil, by: by) == 5)
        #expect(FileManager.default.contents(atPath: fixture.keyPath) != before)
        #expect(!FileManager.default.fileExists(atPath: fixture.keyPath + ".new"))
        #expect(Set(try SecretStore(fixture.database).all().map(\.sealed)).isDisjoint(with: sealed))
        for number in 0..<5 { #expect(try vault.value("s\(number)").reveal() == "v\(number)") }
        // A server that is running finds the new key by itself.
        #expect(try running.value("s1").reveal() == "v1")
        try running.set("s6", value, by: by)
        #expect(try fixture.vault().value("s6") == value)
    }

    @Test func aKeyOfTheEnvironmentIsRotatedToTheGivenOne() async throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault(key: VaultFixture.key)
        try vault.set("a", value, by: by)
        #expect(await code { _ = try vault.rotate(to: nil, by: by) } == "secret_key_given")
        let new = try SecretKey(text: VaultFixture.otherKey, place: "here")
        #expect(try vault.rotate(to: new, by: by) == 1)
        #expect(try fixture.vault(key: VaultFixture.otherKey).value("a") == value)
        #expect(await code { _ = try fixture.vault(key: VaultFixture.key).value("a") } == "secret_key_wrong")
        #expect(await code { _ = try fixture.vault().rotate(to: new, by: by) } == "secret_key_given")
    }

    @Test func aSecretThatCannotBeOpenedStopsTheRotation() async throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault()
        try vault.set("a", value, by: by)
        try vault.set("b", value, by: by)
        let store = SecretStore(fixture.database)
        var record = try #require(try store.secret("b"))
        record.sealed[20] ^= 1
        let entry = AuditRecord(at: Moment(milliseconds: 0), who: "eve", action: "x")
        _ = try store.set(record, check: try #require(try store.keyCheck()), noting: entry)
        #expect(await code { _ = try vault.rotate(to: nil, by: by) } == "secret_damaged")
        #expect(try fixture.vault().value("a") == value)
    }

    @Test func aRotationThatWasCutOffIsFinishedOrHasNotHappened() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", value, by: by)
        let old = try #require(FileManager.default.contents(atPath: fixture.keyPath))
        // Cut off before the transaction: the new key lies there and is of no use.
        try Data(VaultFixture.otherKey.utf8).write(to: URL(filePath: fixture.keyPath + ".new"))
        #expect(try fixture.vault().value("a") == value)
        #expect(FileManager.default.contents(atPath: fixture.keyPath) == old)
        // Cut off between the transaction and the renaming.
        _ = try fixture.vault().rotate(to: nil, by: by)
        let new = try #require(FileManager.default.contents(atPath: fixture.keyPath))
        try new.write(to: URL(filePath: fixture.keyPath + ".new"))
        try old.write(to: URL(filePath: fixture.keyPath))
        #expect(try fixture.vault().value("a") == value)
        #expect(FileManager.default.contents(atPath: fixture.keyPath) == new)
    }

    @Test func theKeyPrintsAsNothing() async throws {
        let key = try SecretKey(text: VaultFixture.key, place: "here")
        #expect("\(key)" == "SecretKey")
        #expect(String(reflecting: key).contains("7") == false)
    }
}
