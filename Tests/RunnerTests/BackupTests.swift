import ConnectorKit
import Foundation
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// A backup is a moment that a power cut could have left, and a restore is all or nothing.
struct BackupTests {
    private let by = Actor("test")

    private func backUp(_ environment: RunEnvironment, to path: String) throws -> StateBackup.Report {
        try BackUp(state: environment.state, database: environment.database, time: environment.time)
            .backUp(to: path, by: by)
    }

    @discardableResult
    private func restore(
        _ backup: String, to path: String, force: Bool = false,
        before: @escaping @Sendable (String) throws -> Void = { _ in }
    ) throws -> StateRestore.Report {
        let begun = try RestoreState(path: path, time: .init(SimulatedTime()), before: before)
            .begin(from: backup, isForced: force, by: by)
        guard case .restored(let report) = begun else { throw SimulatedKill() }
        return report
    }

    private func environment(_ fixture: RunFixture, state path: String) throws -> RunEnvironment {
        var environment = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2))
        environment.state = try StateDirectory(path: path)
        environment.database = try ControlDatabase.open(path: environment.state.databasePath)
        return environment
    }

    // MARK: The moment

    /// A backup before each durable step of two runs; each is restored and goes on to the right end.
    @Test func aBackupOfEveryMomentOfARunCanBeGoneOnWith() async throws {
        let fixture = try RunFixture(rows(6))
        fixture.account.refuse { key, _ in key == "k4" ? noGood : nil }
        let made = Mutex<[String]>([])
        let holder = Mutex<RunEnvironment?>(nil)
        let folder = fixture.folder
        let steps = FileSteps { _ in
            guard let environment = holder.withLock({ $0 }) else { return .proceed }
            let path = "\(folder)/backup.\(made.withLock { $0.count })"
            _ = try BackUp(state: environment.state, database: environment.database, time: environment.time)
                .backUp(to: path, by: Actor("test"))
            made.withLock { $0.append(path) }
            return .proceed
        }
        let environment = try fixture.environment(
            object: SimulatedDestination.object(batchItemsMax: 2), steps: steps)
        holder.withLock { $0 = environment }
        _ = try await RunSync(things(), options: RunOptions(), environment: environment).run()
        fixture.source.rows = rows(5, "Bob")
        _ = try await RunSync(things(), options: RunOptions(), environment: environment).run()
        fixture.account.refuse { _, _ in nil }
        let backups = made.withLock { $0 }
        #expect(backups.count > 15)
        for (number, backup) in backups.enumerated() {
            let path = "\(fixture.folder)/restored.\(number)"
            try restore(backup, to: path)
            let restored = try self.environment(fixture, state: path)
            let records = try await RunSync(things(), options: RunOptions(), environment: restored).run()
            for record in records { try expectTrueBooks(record, restored) }
            let again = try await RunSync(things(), options: RunOptions(), environment: restored).run()
            #expect(again.last?.rows.unchanged == 5, "backup \(number)")
            #expect(again.last?.state == .succeeded, "backup \(number)")
            for key in ["k1", "k2", "k3", "k4", "k5"] {
                #expect(fixture.account.records[key] == payload(key, "Bob"), "backup \(number)")
            }
        }
    }

    @Test func aBackupIsForItsOwnerOnlyAndLeavesNothingElse() async throws {
        let fixture = try RunFixture(rows(3))
        _ = try await fixture.run()
        let before = try Files.names(fixture.folder + "/state")
        let first = try backUp(try fixture.environment(), to: fixture.folder + "/backup")
        let second = try backUp(try fixture.environment(), to: fixture.folder + "/backup")
        #expect(first.generation == 1 && second.generation == 2)
        let attributes = try FileManager.default.attributesOfItem(atPath: fixture.folder + "/backup")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let left = Set(try Files.names(fixture.folder + "/state")).subtracting(before)
        #expect(left.subtracting(["backup.lock", "sluice.db-wal", "sluice.db-shm"]).isEmpty, "\(left)")
        #expect(try !Files.names(fixture.folder).contains("backup.new"))
    }

    @Test func aBackupThatFailsLeavesTheOneBefore() async throws {
        let fixture = try RunFixture(rows(3))
        _ = try await fixture.run()
        let path = fixture.folder + "/backup"
        _ = try backUp(try fixture.environment(), to: path)
        let bytes = try Data(contentsOf: URL(filePath: path))
        try FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        #expect(throws: StateError.self) { _ = try backUp(try fixture.environment(), to: path) }
        #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
    }

    @Test func aBackupDoesNotGoIntoTheStateItself() async throws {
        let fixture = try RunFixture(rows(1))
        let inside = fixture.folder + "/state/plans/backup"
        let found = await code { _ = try backUp(try fixture.environment(), to: inside) }
        #expect(found == "backup_in_state")
    }

    /// Neither in its place nor where it is written first.
    @Test(arguments: ["", ".new"]) func aBackupTakesThePlaceOfABackupAndOfNothingElse(suffix: String) async throws {
        let fixture = try RunFixture(rows(3))
        _ = try await fixture.run()
        let (backup, path) = (fixture.folder + "/backup", fixture.folder + "/backup" + suffix)
        let environment = try fixture.environment()
        try Data("version: 1".utf8).write(to: URL(filePath: path))
        #expect(await code { _ = try backUp(environment, to: backup) } == "backup_file_unwritable")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "version: 1")
        try #require(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(await code { _ = try backUp(environment, to: backup) } == "backup_file_unwritable")
        try #require(unlink(path) == 0 && symlink(fixture.folder + "/state/sluice.db", path) == 0)
        #expect(await code { _ = try backUp(environment, to: backup) } == "backup_file_unwritable")
        try #require(unlink(path) == 0)
        try Data().write(to: URL(filePath: path))
        // What was refused counts as none.
        #expect(try backUp(environment, to: backup).generation == 1)
    }

    @Test func aBackupThroughALinkLeavesTheLink() async throws {
        let fixture = try RunFixture(rows(3))
        _ = try await fixture.run()
        let (path, link) = (fixture.folder + "/backup", fixture.folder + "/link")
        _ = try backUp(try fixture.environment(), to: path)
        try #require(symlink("backup", link) == 0)
        #expect(try backUp(try fixture.environment(), to: link).generation == 2)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "backup")
        #expect(try restore(path, to: fixture.folder + "/other").generation == 2)
        try #require(unlink(path) == 0)
        #expect(await code { _ = try backUp(try fixture.environment(), to: link) } == "backup_file_unwritable")
    }

    // MARK: Restoring

    private func backedUp() async throws -> (RunFixture, String) {
        let fixture = try RunFixture(rows(4))
        fixture.account.refuse { key, _ in key == "k4" ? noGood : nil }
        _ = try await fixture.run()
        let path = fixture.folder + "/backup"
        _ = try backUp(try fixture.environment(), to: path)
        return (fixture, path)
    }

    @Test func whatIsRestoredIsWhatWasBackedUp() async throws {
        let (fixture, backup) = try await backedUp()
        let target = fixture.folder + "/other"
        let report = try restore(backup, to: target)
        #expect(report.generation == 1 && !report.hasSecrets)
        let database = try ControlDatabase.open(path: target + "/sluice.db")
        #expect(try database.run(1) == (try fixture.environment().database.run(1)))
        #expect(
            try AuditLog(database: database, time: .init(SimulatedTime())).page(limit: 2).map(\.action)
                == ["state.restored", "state.backed_up"])
        #expect(try Files.names(target + "/syncs/things").contains("pending"))
        #expect(try Files.names(target + "/restore") == ["lock"])
    }

    @Test func aStateThatIsThereIsNotReplacedUnasked() async throws {
        let (fixture, backup) = try await backedUp()
        let before = try Files.listing(fixture.folder + "/state")
        #expect(await code { try restore(backup, to: fixture.folder + "/state") } == "state_not_empty")
        let locks = ["sluice.db.use", "restore "]
        func data(_ names: [String]) -> [String] {
            names.filter { name in !name.hasPrefix("restore/lock") && !locks.contains { name.hasPrefix($0) } }
        }
        #expect(try data(Files.listing(fixture.folder + "/state")) == data(before))
        fixture.source.rows = rows(4, "Bob")
        _ = try await fixture.run()
        try restore(backup, to: fixture.folder + "/state", force: true)
        #expect(try RunHistory(try fixture.environment().database).runs(limit: 10).count == 1)
    }

    @Test func aStateInUseIsNotReplaced() async throws {
        let (fixture, backup) = try await backedUp()
        let used = try fixture.environment()
        #expect(await code { try restore(backup, to: fixture.folder + "/state", force: true) } == "state_in_use")
        #expect(try used.database.run(1) != nil)
    }

    @Test func aStateThatIsBeingReplacedIsNotUsed() async throws {
        let (fixture, backup) = try await backedUp()
        let target = fixture.folder + "/other"
        let codes = Mutex<Set<String>>([])
        try restore(backup, to: target) { _ in
            do { _ = try ControlDatabase.open(path: target + "/sluice.db") } catch {
                _ = codes.withLock { $0.insert(RunError(error).code) }
            }
        }
        #expect(codes.withLock { $0 } == ["state_in_use"])
    }

    @Test func aRestoreThatWasCutOffAnywhereIsRunAgain() async throws {
        let (fixture, backup) = try await backedUp()
        let steps = Mutex<[String]>([])
        try restore(backup, to: fixture.folder + "/counted") { step in steps.withLock { $0.append(step) } }
        let count = steps.withLock { $0.count }
        #expect(count >= 8)
        for number in 0..<count {
            let target = "\(fixture.folder)/cut.\(number)"
            try restore(backup, to: target)
            let reached = Mutex(0)
            #expect(throws: SimulatedKill.self) {
                try restore(backup, to: target, force: true) { _ in
                    let isNow = reached.withLock { reached in
                        reached += 1
                        return reached > number
                    }
                    if isNow { throw SimulatedKill() }
                }
            }
            // Before the mark nothing was touched; after it the state is refused until the restore was run again.
            let found = await code { _ = try ControlDatabase.open(path: target + "/sluice.db") }
            #expect(found == (number == 0 ? nil : "restore_unfinished"))
            try restore(backup, to: target, force: number == 0)
            let restored = try self.environment(fixture, state: target)
            #expect(try restored.database.run(1)?.operations.accepted == 3)
            let records = try await RunSync(things(), options: RunOptions(), environment: restored).run()
            #expect(records.last?.rows.unchanged == 3)
        }
    }

    @Test func aDamagedBackupChangesNothing() async throws {
        let (fixture, backup) = try await backedUp()
        let good = try Data(contentsOf: URL(filePath: backup))
        let target = fixture.folder + "/other"
        for offset in [0, 16, 33, 40, good.count / 3, good.count / 2, good.count - 30, good.count - 1] {
            var bad = good
            bad[offset] ^= 0x41
            try bad.write(to: URL(filePath: backup))
            #expect(await code { try restore(backup, to: target) } == "backup_damaged", "at \(offset)")
        }
        for size in [0, 10, 32, 100, good.count / 2, good.count - 1] {
            try good.prefix(size).write(to: URL(filePath: backup))
            #expect(await code { try restore(backup, to: target) } == "backup_damaged", "of \(size)")
        }
        try (good + [0]).write(to: URL(filePath: backup))
        #expect(await code { try restore(backup, to: target) } == "backup_damaged")
        #expect(await code { try restore(backup + ".no", to: target) } == "backup_missing")
        #expect(!FileManager.default.fileExists(atPath: target))
    }

    @Test func aBackupOfANewerProgramIsRefused() async throws {
        let (fixture, backup) = try await backedUp()
        var bytes = try Data(contentsOf: URL(filePath: backup))
        bytes[8] = 2
        try bytes.write(to: URL(filePath: backup))
        #expect(await code { try restore(backup, to: fixture.folder + "/other") } == "backup_newer")
    }

    @Test func whoWasSignedInHasToSignInAgain() async throws {
        let fixture = try PeopleFixture()
        let state = try StateDirectory(path: fixture.folder)
        let people = fixture.people()
        let link = try #require(try people.firstLink())
        let token = try await people.createFirstAdmin(token: link, name: "root", password: PeopleFixture.password).token
        let backup = fixture.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        _ = try BackUp(state: state, database: fixture.database, time: fixture.time).backUp(to: backup, by: by)
        let other = try VaultFixture()
        try FileManager.default.removeItem(atPath: other.state.path)
        try restore(backup, to: other.state.path)
        let restored = People(
            database: try ControlDatabase.open(path: other.state.databasePath), time: fixture.time,
            cost: PeopleFixture.cost)
        #expect(try restored.session(token) == nil)
        _ = try await restored.logIn(name: "root", password: PeopleFixture.password, address: "a")
    }
}
