import Foundation
import Records
import StateStore
import Testing

struct ControlDatabaseTests {
    // MARK: Opening

    @Test func fileAndItsSideFilesAreForTheirOwnerOnly() throws {
        try ControlFixture.with { fixture in
            let database = try ControlDatabase.open(path: fixture.path)
            _ = try database.newRun()
            #expect(try ["", "-wal", "-shm", ".lock"].map { try fixture.mode($0) } == [0o600, 0o600, 0o600, 0o600])
        }
    }

    @Test func fileThatOthersCouldReadIsClosedToThem() throws {
        try ControlFixture.with { fixture in
            _ = try ControlDatabase.open(path: fixture.path)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: fixture.path)
            _ = try ControlDatabase.open(path: fixture.path)
            #expect(try fixture.mode() == 0o600)
        }
    }

    @Test func whatWasStoredIsThereAfterOpeningAgain() throws {
        try ControlFixture.with { fixture in
            let id = try ControlDatabase.open(path: fixture.path).newRun().id
            let again = try ControlDatabase.open(path: fixture.path)
            #expect(try again.run(id)?.sync == "companies")
        }
    }

    @Test func databaseOfANewerProgramIsRefusedUntouched() throws {
        try ControlFixture.with { fixture in
            let later = ControlMigration(name: "later", sql: "CREATE TABLE later (id INTEGER);")
            let newer = ControlMigration.all + [later]
            _ = try ControlDatabase.open(path: fixture.path, migrations: newer).newRun()
            let before = try Data(contentsOf: URL(filePath: fixture.path))
            let error = #expect(throws: StateError.self) { _ = try ControlDatabase.open(path: fixture.path) }
            #expect(error?.code == "state_newer")
            #expect(error?.hint.contains("newer program") == true)
            #expect(try Data(contentsOf: URL(filePath: fixture.path)) == before)
            #expect(try ControlDatabase.open(path: fixture.path, migrations: newer).lastRun(sync: "companies") != nil)
        }
    }

    @Test func databaseOfAnotherProgramIsRefused() throws {
        try ControlFixture.with { fixture in
            _ = try ControlDatabase.open(path: fixture.path)
            // Takes our mark (`application_id`, offset 68 of the header) away.
            var bytes = try Data(contentsOf: URL(filePath: fixture.path))
            bytes.replaceSubrange(68..<72, with: [0, 0, 0, 0])
            try bytes.write(to: URL(filePath: fixture.path))
            let error = #expect(throws: StateError.self) { _ = try ControlDatabase.open(path: fixture.path) }
            #expect(error?.code == "state_not_ours")
        }
    }

    /// As a full disk or a kill leaves it.
    @Test func anOpeningThatBrokeOffBeforeTheFirstStepIsMadeUpFor() throws {
        try ControlFixture.with { fixture in
            let broken = [ControlMigration(name: "broken", sql: "CREATE nonsense")]
            #expect(throws: StateError.self) { try ControlDatabase.open(path: fixture.path, migrations: broken) }
            let run = try ControlDatabase.open(path: fixture.path).newRun()
            #expect(run.id == 1)
        }
    }

    @Test(arguments: ["this is no database, but long enough to be looked at as if it were one", "SQLite format 3"])
    func fileThatIsNoDatabaseIsToldAsDamaged(text: String) throws {
        try ControlFixture.with { fixture in
            let text = String(repeating: text, count: 40)
            try Data(text.utf8).write(to: URL(filePath: fixture.path))
            let error = #expect(throws: StateError.self) { _ = try ControlDatabase.open(path: fixture.path) }
            #expect(error?.code == "state_corrupt")
            #expect(try Data(contentsOf: URL(filePath: fixture.path)) == Data(text.utf8))
        }
    }

    @Test func directoryInThePlaceOfTheFileIsLeftAsItIs() throws {
        try ControlFixture.with { fixture in
            try FileManager.default.createDirectory(atPath: fixture.path, withIntermediateDirectories: false)
            let mode = try fixture.mode()
            let error = #expect(throws: StateError.self) { _ = try ControlDatabase.open(path: fixture.path) }
            #expect(error?.code == "state_unwritable")
            #expect(try fixture.mode() == mode)
        }
    }

    @Test func missingDirectoryIsToldAsUnwritable() throws {
        try ControlFixture.with { fixture in
            let error = #expect(throws: StateError.self) {
                _ = try ControlDatabase.open(path: fixture.directory.appending(path: "no/control.db").path)
            }
            #expect(error?.code == "state_unwritable")
        }
    }

    // MARK: Migrations

    @Test func databaseOfVersionOneIsBroughtUpToDateWithAllThatIsInIt() throws {
        try ControlFixture.with { fixture in
            let run = try fillVersionOne(fixture)
            let added = ControlMigration(
                name: "added by this test",
                sql: "ALTER TABLE runs ADD COLUMN note TEXT; CREATE TABLE notes (run INTEGER REFERENCES runs(id));")
            for migrations in [ControlMigration.all, ControlMigration.all + [added]] {
                let database = try ControlDatabase.open(path: fixture.path, migrations: migrations)
                let history = RunHistory(database)
                #expect(try database.run(run.id) == run)
                #expect(try database.memory("companies")?.seed == .max)
                #expect(try history.outcomes(run: run.id, limit: 10) == [.sample(run.id, 0), .sample(run.id, 1)])
                #expect(try history.exchanges(run: run.id, limit: 10).map(\.path) == ["/companies"])
                #expect(try database.newRun().id > run.id)
            }
        }
    }

    /// As version 1 wrote it, by its own migration.
    private func fillVersionOne(_ fixture: ControlFixture) throws -> RunRecord {
        let database = try ControlDatabase.open(path: fixture.path, migrations: Array(ControlMigration.all.prefix(1)))
        try database.save(SyncMemory(name: "companies", seed: .max, definition: "{}"))
        var run = try database.newRun()
        run.rows.scanned = 3
        run.error = RunFailure(code: "c", message: "m", hint: "h")
        let exchange = ExchangeRecord(run: run.id, number: 1, at: noon, method: "PUT", path: "/companies")
        let isNew = try database.apply(
            run: run.id, position: 0, outcomes: [.sample(run.id, 0), .sample(run.id, 1)], exchanges: [exchange],
            figures: run)
        #expect(isNew)
        return run
    }

    /// Files that took a step are never taken through it again, so a changed step splits the world in two.
    @Test func publishedMigrationsDoNotChange() {
        let checksums = ControlMigration.all.map { Hash128.of($0.name + "\n" + $0.sql, seed: 0).hexadecimal }
        #expect(
            checksums == [
                "3abd45a7ea082000afd53a6c9298b44d", "8e63de76d8e619b6021968a669d4f02e",
                "09f0f72a923d37876455a611e1498155",
            ])
    }

    @Test func failedMigrationLeavesTheFileAsItWas() throws {
        try ControlFixture.with { fixture in
            let run = try ControlDatabase.open(path: fixture.path).newRun()
            let broken = ControlMigration(name: "broken", sql: "DROP TABLE outcomes; CREATE TABLE runs (id INTEGER);")
            let error = #expect(throws: StateError.self) {
                _ = try ControlDatabase.open(path: fixture.path, migrations: ControlMigration.all + [broken])
            }
            #expect(error?.code == "state_database_failed")
            let database = try ControlDatabase.open(path: fixture.path)
            try database.record(outcomes: [.sample(run.id, 0)])
            #expect(try RunHistory(database).outcomeCounts(run: run.id) == [.rejected: 1])
        }
    }

    // MARK: Several at once

    @Test func twoPoolsOnOneFileSeeEachOther() throws {
        try ControlFixture.with { fixture in
            let one = try ControlDatabase.open(path: fixture.path)
            let two = try ControlDatabase.open(path: fixture.path)
            let run = try one.newRun()
            #expect(try two.unfinishedRuns() == [run])
            #expect(try two.requestCancel(run: run.id, at: noon) == .running)
            #expect(try one.isCancelRequested(run: run.id))
        }
    }

    @Test func writersWaitForEachOther() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "sluice-control-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "control.db").path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask {
                    let database = try ControlDatabase.open(path: path)
                    for _ in 0..<20 { _ = try database.newRun("sync\(number)") }
                }
            }
            try await group.waitForAll()
        }
        let ids = try RunHistory(ControlDatabase.open(path: path)).runs(limit: 100).map(\.id)
        #expect(ids == (1...80).reversed().map(Int64.init))
    }

    @Test func lockThatNobodyLetsGoIsToldAsBusy() throws {
        try ControlFixture.with { fixture in
            let file = open(fixture.path + ".lock", O_RDWR | O_CREAT, 0o600)
            defer { close(file) }
            #expect(flock(file, LOCK_EX) == 0)
            let error = #expect(throws: StateError.self) {
                _ = try ControlDatabase.open(path: fixture.path, busyTimeoutMilliseconds: 6)
            }
            #expect(error?.code == "state_busy")
        }
    }

    /// A killed process leaves the file and its log as they are; a copy of the two is what the next one finds.
    @Test func everyCallIsThereForTheNextProcessAfterAKill() throws {
        try ControlFixture.with { fixture in
            let database = try ControlDatabase.open(path: fixture.path)
            var run = try database.newRun()
            func found<Value>(_ read: (ControlDatabase) throws -> Value) throws -> Value {
                try ControlFixture.with { copy in
                    for suffix in ["", "-wal"] {
                        try FileManager.default.copyItem(atPath: fixture.path + suffix, toPath: copy.path + suffix)
                    }
                    return try read(ControlDatabase.open(path: copy.path))
                }
            }
            #expect(try found { try $0.unfinishedRuns() } == [run])
            run.rows.planned = 2
            try database.seal(run, definition: "{}", at: noon)
            #expect(try found { try $0.latestSealedPlan(sync: "companies")?.run } == run)
            _ = try database.apply(run: run.id, position: 0, outcomes: [.sample(run.id, 0)], figures: run)
            #expect(try found { try $0.lastAppliedPosition(run: run.id) } == 0)
            #expect(try found { try RunHistory($0).outcomeCounts(run: run.id) } == [.rejected: 1])
            run.state = .completedWithRejections
            try database.close(run, memory: SyncMemory(name: "companies", seed: 3))
            #expect(try found { try $0.run(run.id) } == run)
            #expect(try found { try $0.memory("companies")?.seed } == 3)
        }
    }

    // MARK: Syncs

    @Test func memoryComesBackAsItWasSaved() throws {
        try ControlFixture.withDatabase { database in
            #expect(try database.memory("companies") == nil)
            let run = try database.newRun()
            #expect(try database.memory("companies") == nil, "a run alone is no memory")
            var memory = SyncMemory(
                name: "companies", seed: 0xFFFF_0000_FFFF_0001, definition: "{\"a\":1}", mappingRevision: "m",
                keyRevision: "k", destination: "planhat:acme", columns: "[]")
            memory.hasAccepted = true
            memory.lastCompleteRun = run.id
            memory.extra = ["cursor": "2026-11-23", "ünïcode": "\u{0}"]
            try database.save(memory)
            #expect(try database.memory("companies") == memory)
            #expect(try database.all() == [memory])
        }
    }

    @Test func savingDoesNotUndoAPauseMadeMeanwhile() throws {
        try ControlFixture.withDatabase { database in
            try database.save(SyncMemory(name: "companies", seed: 1))
            let memory = try #require(try database.memory("companies"))
            try database.setPaused("companies", true)
            try database.save(memory)
            #expect(try database.memory("companies")?.isPaused == true)
            #expect(try database.isPaused("companies"))
            try database.setPaused("companies", false)
            #expect(try database.pausedSyncs().isEmpty)
        }
    }

    @Test func syncIsPausedBeforeItsFirstRun() throws {
        try ControlFixture.withDatabase { database in
            try database.setPaused("new", true)
            #expect(try database.pausedSyncs() == ["new"])
            #expect(try database.memory("new") == nil)
        }
    }

    @Test func renamedSyncKeepsItsMemoryAndItsRuns() throws {
        try ControlFixture.withDatabase { database in
            try database.save(SyncMemory(name: "old", seed: 7))
            let run = try database.newRun("old")
            try database.setPaused("new", true)
            #expect(try database.rename(sync: "old", to: "new"))
            #expect(try database.memory("old") == nil)
            #expect(try database.memory("new")?.seed == 7)
            #expect(try database.isPaused("new"))
            #expect(try database.run(run.id)?.sync == "new")
            #expect(try database.rename(sync: "old", to: "new") == false, "asked again by the next run")
        }
    }

    @Test func runsOfTheNewNameStayAndItsMemoryGivesWay() throws {
        try ControlFixture.withDatabase { database in
            try database.save(SyncMemory(name: "old", seed: 7))
            try database.save(SyncMemory(name: "new", seed: 8))
            let runs = [try database.newRun("old"), try database.newRun("new")]
            #expect(try database.rename(sync: "old", to: "old") == false)
            #expect(try database.rename(sync: "nobody", to: "new") == false)
            #expect(try database.memory("new")?.seed == 8)
            #expect(try database.rename(sync: "old", to: "new"))
            #expect(try database.memory("new")?.seed == 7)
            let kept = try RunHistory(database).runs(sync: "new", limit: 9).map(\.id)
            #expect(kept == runs.map(\.id).reversed())
            #expect(try database.known("old") == nil)
        }
    }

    @Test func whatIsKnownOfASyncSaysWhetherAnythingArrived() throws {
        try ControlFixture.withDatabase { database in
            #expect(try database.known("a") == nil)
            try database.setPaused("a", true)
            #expect(try database.known("a") == KnownSync(memory: nil, hasRuns: false, hasArrived: false))
            var run = try database.newRun("a")
            #expect(try database.known("a") == KnownSync(memory: nil, hasRuns: true, hasArrived: false))
            run.operations.accepted = 1
            try database.update(run)
            try database.save(SyncMemory(name: "a", seed: 1))
            let known = try #require(try database.known("a"))
            #expect(known.hasArrived && known.memory?.seed == 1)
        }
    }
}
