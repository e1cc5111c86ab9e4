import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Since when a sync is defined nowhere any more, and where it stood.
@Suite struct OrphanWatchTests {
    private static let empty = "version: 1\nsources:\n  warehouse: {type: server, host: db.example.com}\n"
    private static let full =
        empty + """
            destinations:
              crm: {type: account, api_key: some-key}
            datasets:
              accounts: {source: warehouse, table: accounts}
            syncs:
              companies:
                from: accounts
                to: crm.thing
                behavior: update_or_create
                key: {column: id, field: id}
                mappings: {name: name}

            """

    private func watch(_ fixture: DefinitionsFixture) throws -> (Definitions, OrphanWatch) {
        let definitions = fixture.definitions(followsFiles: false)
        let project = try definitions.reread()
        return (definitions, OrphanWatch(project, database: fixture.database, time: RunTime(fixture.clock)))
    }

    /// What is noted of it, newest first.
    private func noted(_ fixture: DefinitionsFixture) throws -> [String] {
        try fixture.database.audit(subject: "sync companies", limit: 10)
            .map { "\($0.who) \($0.action) \($0.detail)" }
    }

    @Test func aSyncThatGoesFromItsFileIsNotedOnceWithThePlaceWhereItStood() throws {
        let fixture = try DefinitionsFixture(Self.full)
        try fixture.database.save(SyncMemory(name: "companies", seed: 1))
        let (definitions, watch) = try watch(fixture)
        try watch.begin()
        #expect(try noted(fixture) == [])
        try fixture.write(Self.empty)
        try watch.follow(try definitions.reread())
        try watch.follow(try definitions.reread())
        let gone = "server definitions.vanished sluice.yaml:9"
        #expect(try noted(fixture) == [gone])
        // A server that starts later finds it noted.
        try self.watch(fixture).1.begin()
        #expect(try noted(fixture) == [gone])
        try fixture.write(Self.full)
        try watch.follow(try definitions.reread())
        try fixture.write(Self.empty)
        try watch.follow(try definitions.reread())
        #expect(try noted(fixture) == [gone, gone])
    }

    @Test func whatWentWhileNoServerRanIsNotedAtItsStart() throws {
        let fixture = try DefinitionsFixture(Self.empty)
        let database = fixture.database
        try database.save(SyncMemory(name: "companies", seed: 1))
        for _ in 1...2 { try watch(fixture).1.begin() }
        #expect(try noted(fixture) == ["server definitions.vanished "])
        // It was back and has run since: it has gone anew.
        fixture.clock.advance(by: .seconds(60))
        _ = try database.createRun(
            sync: "companies", trigger: "cli", full: false, limited: false, startedAt: RunTime(fixture.clock).now(),
            state: .running)
        fixture.clock.advance(by: .seconds(60))
        try watch(fixture).1.begin()
        #expect(try noted(fixture).count == 2)
    }

    @Test func whatIsDeletedInThePagesIsNotedAsThat() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.database.save(SyncMemory(name: "companies", seed: 1))
        let (definitions, watch) = try watch(fixture)
        _ = try definitions.remove(.sync, "companies", from: 1, by: fixture.by)
        try watch.follow(try definitions.reread())
        try self.watch(fixture).1.begin()
        #expect(try noted(fixture).first?.hasPrefix("eve definitions.removed") == true)
        #expect(try noted(fixture).contains { $0.contains("vanished") } == false)
    }
}
