import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit
import Testing

/// What becomes of a sync that is changed: what the next run does, why, and what it does not do. The table of
/// docs/operations.md, sentence by sentence.
struct LifeOfASyncTests {
    private static let here = things().location
    private let onlyNames = things(mappings: [("name", "name")])

    private func key(_ column: String, _ field: String = "externalId") -> KeyDefinition {
        KeyDefinition(columns: [column], field: field, location: Self.here)
    }

    /// A fixture whose sync has run once.
    private func begun(_ count: Int = 20, _ definition: SyncDefinition = things()) async throws -> RunFixture {
        let fixture = try RunFixture(rows(count))
        #expect(try await fixture.run(RunOptions(), definition).state == .succeeded)
        return fixture
    }

    private func accepting(_ names: String...) -> RunOptions {
        var options = RunOptions()
        options.acceptedGuards = Set(names)
        return options
    }

    /// The next run, after a dry run that must have said the same of it.
    private func next(
        _ fixture: RunFixture, _ definition: SyncDefinition, in environment: RunEnvironment? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> RunRecord {
        let given = try environment ?? fixture.environment()
        let report = try await PlanSync(definition, options: RunOptions(), environment: given).plan(examplesMax: 0)
        let record = try await fixture.run(RunOptions(), definition, in: given)
        #expect(report.sync == record.sync && report.full == record.full, sourceLocation: location)
        #expect(report.fullReason == record.fullReason, sourceLocation: location)
        #expect(report.rows == record.rows, sourceLocation: location)
        #expect(report.operations.removals == record.operations.removals, sourceLocation: location)
        #expect(report.guardRecord?.name == record.guard?.name, sourceLocation: location)
        return record
    }

    // MARK: - The mapping

    @Test func addedMappingSendsEveryRowAgain() async throws {
        let fixture = try await begun(20, onlyNames)
        let record = try await next(fixture, things())
        #expect(record.fullReason == "mapping_changed" && record.operations.updated == 20)
        #expect(try await next(fixture, things()).rows.unchanged == 20)
    }

    @Test func removedMappingSendsEveryRowWithoutTheField() async throws {
        let fixture = try await begun()
        let record = try await next(fixture, onlyNames)
        #expect(record.fullReason == "mapping_changed" && record.operations.accepted == 20)
        // What is not in the payload stays as it is at the destination; null would empty it.
        #expect(fixture.account.records["k1"] == "{\"externalId\":\"k1\",\"name\":\"Ann\"}")
    }

    @Test func editedMappingSendsEveryRowAgain() async throws {
        let fixture = try await begun()
        var constant = things()
        constant.mappings[1].source = .constant(.integer(7))
        #expect(try await next(fixture, constant).fullReason == "mapping_changed")
        constant.mappings[1].source = .constant(.integer(8))
        #expect(try await next(fixture, constant).operations.updated == 20)
        #expect(fixture.account.records["k9"] == payload("k9", seats: 8))
        constant.mappings[0].source = .column("name", lookup: nil, nulls: .skip)
        #expect(try await next(fixture, constant).fullReason == "mapping_changed")
    }

    @Test func orderOfTheMappingAndSettingsOfGuardsChangeNothing() async throws {
        let fixture = try await begun()
        var other = things(mappings: [("seats", "seats"), ("name", "name")])
        other.guards.removedPercentMax = 50
        other.paused = true
        #expect(try await next(fixture, other).rows.unchanged == 20)
    }

    @Test func changedMappingOfAMirrorRemovesNothingThatIsThere() async throws {
        let fixture = try await begun(20, things(behavior: .mirror))
        let changed = things(behavior: .mirror, mappings: [("name", "name")])
        let record = try await next(fixture, changed)
        #expect(record.fullReason == "mapping_changed" && record.operations.removals == 0)
        #expect(fixture.account.records.count == 20)
    }

    @Test func changedMappingCreatesNothingOnceMore() async throws {
        let fixture = try await begun(20, things(behavior: .createOnly))
        let record = try await next(fixture, things(behavior: .createOnly, mappings: [("name", "name")]))
        #expect(record.rows.planned == 0 && record.rows.unchanged == 20)
        #expect(!record.full && record.fullReason == nil, "nothing is sent again, so nothing says so")
    }

    @Test func rowsThatAreNewAfterAChangedMappingAreCreatedAsTheyAreMappedNow() async throws {
        let fixture = try await begun(20, things(behavior: .createOnly))
        fixture.source.rows.append(row("k21", "Bea"))
        let record = try await next(fixture, things(behavior: .createOnly, mappings: [("name", "name")]))
        #expect(record.operations.created == 1 && record.rows.unchanged == 20 && !record.full)
        #expect(fixture.account.records["k21"]?.contains("seats") == false)
    }

    @Test func changedMappingSendsNoEventAgain() async throws {
        let object = SimulatedDestination.object(batchItemsMax: 50, repeatable: .never)
        let byID = KeyDefinition(columns: ["id"], field: nil, location: Self.here)
        let fixture = try RunFixture(rows(20))
        let environment = try fixture.environment(object: object)
        try await fixture.run(RunOptions(), things(behavior: .send, key: byID), in: environment)
        let changed = things(behavior: .send, key: byID, mappings: [("name", "name")])
        #expect(try await next(fixture, changed, in: environment).rows.unchanged == 20)
        #expect(fixture.account.events.values.allSatisfy { $0.count == 1 })
    }

    // MARK: - The key

    @Test func changedKeyOfAMirrorRemovesNothingThenOrLater() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try await begun(20, mirror)
        for index in fixture.source.rows.indices { fixture.source.rows[index]["code"] = .text("c\(index)") }
        fixture.source.columns.append(Column(name: "code", type: .text, declaredType: "TEXT"))
        let byCode = things(behavior: .mirror, key: key("code"))
        let record = try await next(fixture, byCode)
        #expect(record.fullReason == "key_changed" && record.operations.removals == 0)
        #expect(record.operations.created == 20 && fixture.account.records.count == 40)
        fixture.source.rows.removeFirst()
        let later = try await next(fixture, byCode)
        #expect(later.operations.removed == 1 && fixture.account.records["c0"] == nil)
        #expect(fixture.account.records["k1"] != nil)
        // And back again: those of the first key are not known any more.
        let back = try await next(fixture, mirror)
        #expect(back.fullReason == "key_changed" && back.operations.removals == 0)
    }

    @Test func eventsUnderAnotherKeyAreRefused() async throws {
        let object = SimulatedDestination.object(batchItemsMax: 50, repeatable: .never)
        let fixture = try RunFixture(rows(20))
        let environment = try fixture.environment(object: object)
        let byID = KeyDefinition(columns: ["id"], field: nil, location: Self.here)
        try await fixture.run(RunOptions(), things(behavior: .send, key: byID), in: environment)
        let byName = KeyDefinition(columns: ["id", "name"], field: nil, location: Self.here)
        let record = try await fixture.run(RunOptions(), things(behavior: .send, key: byName), in: environment)
        #expect(record.error?.code == "sent_under_another_key" && record.requests == 0)
        #expect(fixture.account.events.values.allSatisfy { $0.count == 1 })
    }

    @Test func deleteUnderAnotherKeyAsksFirst() async throws {
        let fixture = try RunFixture(rows(20))
        for row in rows(20) { fixture.account.records[row["id"]?.text ?? ""] = "{}" }
        try await fixture.run(RunOptions(), things(behavior: .delete, mappings: []))
        for row in rows(20) { fixture.account.records[row["id"]?.text ?? ""] = "{}" }
        let byEmail = things(behavior: .delete, key: key("id", "email"), mappings: [])
        let stopped = try await next(fixture, byEmail)
        #expect(stopped.guard?.name == "first_removals" && stopped.fullReason == "key_changed")
        #expect(fixture.account.records.count == 20)
        #expect(try await fixture.run(accepting("first_removals"), byEmail).operations.removed == 20)
        #expect(try await next(fixture, byEmail).rows.unchanged == 20)
    }

    // MARK: - The behavior

    @Test(arguments: [Behavior.updateOrCreate, .updateOnly, .mirror], [Behavior.updateOrCreate, .updateOnly, .mirror])
    func behaviorsThatWriteChangeIntoOneAnotherWithoutAFullRun(from: Behavior, to: Behavior) async throws {
        let fixture = try RunFixture(rows(20))
        for row in rows(20) { fixture.account.records[row["id"]?.text ?? ""] = "{}" }
        try await fixture.run(RunOptions(), things(behavior: from))
        let record = try await next(fixture, things(behavior: to))
        #expect(!record.full && record.rows.unchanged == 20 && record.operations.removals == 0)
    }

    @Test(arguments: [Behavior.updateOrCreate, .updateOnly])
    func changeToMirrorAsksBeforeItsFirstRemovals(from: Behavior) async throws {
        let fixture = try RunFixture(rows(20))
        for row in rows(20) { fixture.account.records[row["id"]?.text ?? ""] = "{}" }
        try await fixture.run(RunOptions(), things(behavior: from))
        fixture.source.rows.removeFirst()
        let mirror = things(behavior: .mirror)
        #expect(try await next(fixture, mirror).guard?.name == "first_removals")
        #expect(fixture.account.records.count == 20)
        #expect(try await fixture.run(accepting("first_removals"), mirror).operations.removed == 1)
    }

    @Test func changeFromMirrorRemovesNothingAnyMore() async throws {
        let fixture = try await begun(20, things(behavior: .mirror))
        fixture.source.rows.removeFirst()
        #expect(try await next(fixture, things()).operations.removals == 0)
        #expect(fixture.account.records.count == 20)
    }

    @Test(arguments: [Behavior.updateOrCreate, .updateOnly, .mirror])
    func whatCreateOnlyFoundIsWrittenOnceItBecomesAnother(to: Behavior) async throws {
        let fixture = try RunFixture(rows(20))
        fixture.account.records = ["k1": "{}", "k2": "{}"]
        try await fixture.run(RunOptions(), things(behavior: .createOnly))
        #expect(fixture.account.records["k1"] == "{}")
        let record = try await next(fixture, things(behavior: to))
        #expect(record.fullReason == "behavior_changed" && record.operations.removals == 0)
        #expect(fixture.account.records["k1"] == payload("k1"))
        #expect(try await next(fixture, things(behavior: to)).rows.unchanged == 20)
    }

    @Test(arguments: [[Behavior.mirror], [.updateOrCreate, .mirror]])
    func whatCreateOnlyFoundAndNeverWroteIsNotRemoved(then: [Behavior]) async throws {
        let fixture = try RunFixture(rows(40))
        fixture.account.records = ["k1": "{}"]
        try await fixture.run(RunOptions(), things(behavior: .createOnly))
        // Vanishes before anything but create_only has run.
        fixture.source.rows.removeFirst()
        for behavior in then {
            try await fixture.run(accepting("first_removals", "removed"), things(behavior: behavior))
        }
        #expect(fixture.account.removed.isEmpty && fixture.account.records["k1"] == "{}")
    }

    @Test func changeToCreateOnlyCreatesNothingThatIsKnown() async throws {
        let fixture = try await begun()
        fixture.source.rows = rows(21, "Bea")
        let record = try await next(fixture, things(behavior: .createOnly))
        #expect(!record.full && record.operations.created == 1 && record.rows.unchanged == 20)
        #expect(fixture.account.records["k1"] == payload("k1"))
    }

    @Test func changeToDeleteAsksFirstAndThenDeletes() async throws {
        let fixture = try await begun()
        let delete = things(behavior: .delete, mappings: [])
        let stopped = try await next(fixture, delete)
        #expect(stopped.guard?.name == "first_removals" && stopped.fullReason == "behavior_changed")
        #expect(stopped.guard?.message.contains("20") == true && fixture.account.records.count == 20)
        // It goes on being asked until somebody accepts it.
        #expect(try await next(fixture, delete).guard?.name == "first_removals")
        #expect(try await fixture.run(accepting("first_removals"), delete).operations.removed == 20)
        #expect(fixture.account.records.isEmpty)
        fixture.source.rows += [row("k21")]
        fixture.account.records = ["k21": "{}"]
        #expect(try await next(fixture, delete).operations.removed == 1)
    }

    @Test func sendingOneRecordDoesNotAllowTheOthersToBeDeleted() async throws {
        let fixture = try await begun()
        let delete = things(behavior: .delete, mappings: [])
        var one = RunOptions()
        one.onlyKeys = ["k1"]
        #expect(try await fixture.run(one, delete).operations.removed == 1)
        #expect(try await next(fixture, delete).guard?.name == "first_removals")
        #expect(fixture.account.records.count == 19)
    }

    @Test func changeFromDeleteWritesEveryRowAndRemovesNothingOfBefore() async throws {
        let fixture = try RunFixture(rows(20))
        for row in rows(20) { fixture.account.records[row["id"]?.text ?? ""] = "{}" }
        try await fixture.run(RunOptions(), things(behavior: .delete, mappings: []))
        // Somebody has made one of them again; its row is gone.
        fixture.account.records = ["k1": "{}"]
        fixture.source.rows.removeFirst()
        let mirror = things(behavior: .mirror)
        let record = try await next(fixture, mirror)
        #expect(record.fullReason == "behavior_changed" && record.operations.created == 19)
        #expect(record.operations.removals == 0 && fixture.account.records["k1"] == "{}")
    }

    // MARK: - The dataset

    @Test func changedSQLSendsOnlyWhatDiffers() async throws {
        let fixture = try await begun()
        var other = things()
        other.dataset.relation = .query("select * from others")
        fixture.source.rows = rows(3, "Bea") + rows(20).dropFirst(3)
        // The table in memory answers only two questions in SQL, so that of a table stands for both.
        other.dataset.relation = .table(schema: nil, name: "others")
        let record = try await next(fixture, other)
        #expect(!record.full && record.operations.updated == 3 && record.rows.unchanged == 17)
        let moved = try await next(fixture, other, in: try fixture.environment(system: "system 2"))
        #expect(!moved.full && moved.rows.unchanged == 20)
    }

    @Test func changedSQLThatLosesManyRowsOfAMirrorAsksFirst() async throws {
        let fixture = try await begun(20, things(behavior: .mirror))
        var narrower = things(behavior: .mirror)
        narrower.dataset.relation = .table(schema: nil, name: "fewer")
        fixture.source.rows = rows(14)
        let stopped = try await next(fixture, narrower)
        #expect(stopped.guard?.name == "removed" && fixture.account.records.count == 20)
        #expect(try await fixture.run(accepting("removed"), narrower).operations.removed == 6)
    }

    @Test func changedSQLThatLosesFewRowsOfASmallMirrorAsksFirstToo() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try await begun(6, mirror)
        var narrower = mirror
        narrower.dataset.relation = .table(schema: nil, name: "fewer")
        fixture.source.rows = rows(1)
        // A run of chosen rows takes nothing up of the change.
        var limited = RunOptions()
        limited.limit = 1
        #expect(try await fixture.run(limited, narrower).state == .succeeded)
        let stopped = try await next(fixture, narrower)
        #expect(stopped.guard?.name == "removed" && stopped.guard?.message.contains("dataset was changed") == true)
        #expect(fixture.account.records.count == 6)
        #expect(try await fixture.run(accepting("removed"), narrower).operations.removed == 5)
        // From then on few rows are few again.
        fixture.source.rows = rows(5)
        try await fixture.run(RunOptions(), narrower)
        fixture.source.rows = rows(1)
        #expect(try await fixture.run(RunOptions(), narrower).operations.removed == 4)
    }

    @Test(arguments: [Behavior.updateOrCreate, .mirror])
    func renamedOrDroppedColumnFailsBeforeAnythingIsSent(behavior: Behavior) async throws {
        let sync = things(behavior: behavior)
        let fixture = try await begun(20, sync)
        let requests = fixture.account.requests.count
        fixture.source.columns[1].name = "title"
        for index in fixture.source.rows.indices { fixture.source.rows[index]["title"] = .text("Bea") }
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.state == .failed && record.error?.code == "unknown_column")
        #expect(fixture.account.requests.count == requests && fixture.account.records["k1"] == payload("k1"))
        let corrected = things(behavior: behavior, mappings: [("name", "title"), ("seats", "seats")])
        let next = try await next(fixture, corrected)
        #expect(next.fullReason == "mapping_changed" && next.operations.updated == 20)
        #expect(next.operations.removals == 0)
    }

    @Test func renamedKeyColumnIsAnotherKey() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try await begun(20, mirror)
        fixture.source.columns[0].name = "code"
        for index in fixture.source.rows.indices {
            fixture.source.rows[index]["code"] = fixture.source.rows[index]["id"]
        }
        #expect(try await fixture.run(RunOptions(), mirror).error?.code == "unknown_column")
        let record = try await next(fixture, things(behavior: .mirror, key: key("code")))
        #expect(record.fullReason == "key_changed" && record.operations.alreadyEqual == 20)
        #expect(record.operations.removals == 0)
    }

    @Test func columnsThatAreNotMappedMayComeAndGo() async throws {
        let fixture = try await begun(20, onlyNames)
        fixture.source.columns[2].declaredType = "NUMERIC"
        fixture.source.columns.append(Column(name: "more", type: .text, declaredType: "TEXT"))
        #expect(try await next(fixture, onlyNames).rows.unchanged == 20)
        fixture.source.columns.removeLast(2)
        #expect(try await next(fixture, onlyNames).rows.unchanged == 20)
    }

    @Test func retypedColumnSendsWhatDiffersAndAsksWhereThatIsMost() async throws {
        let fixture = try await begun()
        fixture.source.columns[2] = Column(name: "seats", type: .text, declaredType: "TEXT")
        // The same values as texts are the same values at the destination, but other rows.
        for index in 0..<5 { fixture.source.rows[index]["seats"] = .text("1") }
        #expect(try await next(fixture, things()).operations.accepted == 5)
        fixture.source.columns[2].declaredType = "VARCHAR"
        for index in fixture.source.rows.indices { fixture.source.rows[index]["seats"] = .text("2") }
        #expect(try await next(fixture, things()).guard?.name == "schema_change")
        #expect(try await fixture.run(accepting("schema_change")).operations.updated == 20)
    }

    // MARK: - The destination

    @Test(arguments: [Behavior.updateOrCreate, .mirror])
    func anotherAccountGetsEveryRowAndLosesNothing(behavior: Behavior) async throws {
        let sync = things(behavior: behavior)
        let fixture = try await begun(20, sync)
        let second = try fixture.environment(identity: "account 2")
        fixture.source.rows.removeFirst()
        let record = try await next(fixture, sync, in: second)
        #expect(record.fullReason == "destination_changed" && record.rows.planned == 19)
        #expect(record.operations.removals == 0)
        // And back: what vanished meanwhile stays where it was.
        let back = try await next(fixture, sync)
        #expect(back.fullReason == "destination_changed" && back.operations.removals == 0)
        #expect(fixture.account.removed.isEmpty && fixture.account.records["k1"] != nil)
    }

    @Test func deleteInAnotherAccountAsksFirst() async throws {
        let delete = things(behavior: .delete, mappings: [])
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), delete)
        for row in rows(20) { fixture.account.records[row["id"]?.text ?? ""] = "{}" }
        let second = try fixture.environment(identity: "account 2")
        #expect(try await next(fixture, delete, in: second).guard?.name == "first_removals")
        #expect(fixture.account.records.count == 20)
        #expect(try await fixture.run(accepting("first_removals"), delete, in: second).operations.removed == 20)
    }

    @Test func eventsToAnotherAccountAreRefused() async throws {
        let object = SimulatedDestination.object(batchItemsMax: 50, repeatable: .never)
        let byID = KeyDefinition(columns: ["id"], field: nil, location: Self.here)
        let fixture = try RunFixture(rows(20))
        let sync = things(behavior: .send, key: byID)
        try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: object))
        let second = try fixture.environment(object: object, identity: "account 2")
        #expect(try await fixture.run(RunOptions(), sync, in: second).error?.code == "sent_to_another_account")
    }

    // MARK: - The name

    @Test func renamedSyncGoesOnAndItsPlanKnowsThat() async throws {
        let fixture = try await begun()
        var renamed = things()
        (renamed.name, renamed.renamedFrom) = ("better", "things")
        fixture.source.rows = rows(21)
        let record = try await next(fixture, renamed)
        #expect(!record.full && record.rows.unchanged == 20 && record.operations.created == 1)
        #expect(try await next(fixture, renamed).rows.unchanged == 21)
    }

    @Test func savedPlanOfARenamedSyncIsSentUnderItsNewName() async throws {
        let fixture = try await begun()
        var renamed = things()
        (renamed.name, renamed.renamedFrom) = ("better", "things")
        fixture.source.rows = rows(21)
        let path = fixture.folder + "/saved"
        _ = try await PlanSync(renamed, options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 0, out: path)
        var options = RunOptions()
        options.reviewed = try ReviewedPlan(path: path)
        let record = try await fixture.run(options, renamed)
        #expect(record.sync == "better" && record.operations.created == 1)
    }

    @Test func syncOfAnotherNameKnowsNothingAndRemovesNothing() async throws {
        let fixture = try await begun(20, things(behavior: .mirror))
        fixture.source.rows.removeFirst()
        var other = things(behavior: .mirror)
        other.name = "others"
        let record = try await next(fixture, other)
        #expect(record.fullReason == "first_run" && record.operations.alreadyEqual == 19)
        #expect(record.operations.removals == 0 && fixture.account.records["k1"] != nil)
    }

    @Test func syncThatWasRemovedAndComesBackGoesOn() async throws {
        let fixture = try await begun(20, things(behavior: .mirror))
        var other = onlyNames
        other.name = "others"
        try await fixture.run(RunOptions(), other)
        fixture.time.advance(by: .seconds(400 * 86_400))
        _ = try SweepHistory(environment: fixture.environment()).sweep()
        fixture.source.rows.removeFirst()
        let record = try await next(fixture, things(behavior: .mirror))
        #expect(!record.full && record.rows.unchanged == 19 && record.operations.removed == 1)
    }
}
