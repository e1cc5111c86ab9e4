import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Rows that need a record of another object, and rows that are known by several fields.
struct NeedsTests {
    static let here = Location(file: "sluice.yaml", line: 1, column: 1)

    /// An object whose rows measure a person, known by person and name.
    static var measure: DestinationObject {
        var object = SimulatedDestination.object(batchItemsMax: 50, repeatable: .never)
        var who = DestinationField("who", .text, isRequiredOnCreate: true)
        who.requiredRecord = RequiredRecord(
            object: "person", field: "email", kindField: "isActive", kinds: ["true": "person"])
        object.fields.append(who)
        var key = KeyField("who")
        key.identityFields = ["name"]
        object.keys = [key]
        return object
    }

    static var sync: SyncDefinition {
        things(behavior: .send, key: KeyDefinition(columns: ["id"], field: "who", location: here))
    }

    private let sync = Self.sync

    private func people(_ count: Int) -> [[String: String]] {
        (1...count).map { ["_id": "p\($0)", "email": "k\($0)"] }
    }

    @Test func rowIsKnownByItsKeyAndTheFieldsThatMakeItsIdentity() async throws {
        let fixture = try RunFixture([row("k1", "seats", seats: 1), row("k1", "logins", seats: 2)])
        fixture.account.people = people(1)
        let environment = try fixture.environment(object: Self.measure)
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.operations.sent == 2 && record.rows.invalid == 0)
        #expect(
            fixture.account.events["[\"k1\",\"seats\"]"] == ["{\"name\":\"seats\",\"seats\":1,\"who\":\"k1\"}"])
        #expect(try await fixture.run(RunOptions(), sync, in: environment).rows.unchanged == 2)
    }

    @Test(arguments: [3, 50]) func rowWhoseRecordIsNotThereIsInvalidUntilItIs(count: Int) async throws {
        let fixture = try RunFixture(rows(count))
        fixture.account.people = people(count - 1)
        let environment = try fixture.environment(object: Self.measure)
        let first = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(first.operations.sent == count - 1 && first.rows.invalid == 1)
        #expect(first.reasons == [ReasonCount(code: "lookup_missing", count: 1)])
        let history = RunHistory(try fixture.environment().database)
        let invalid = try history.outcomes(run: first.id, outcome: .invalid, limit: 10)
        #expect(invalid.map { $0.reason.message.contains("has the email \"k\(count)\" of column ") } == [true])
        #expect(fixture.account.pagedReads == (count > 20 ? 1 : 0))
        fixture.account.people = people(count)
        let second = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(second.operations.sent == 1 && second.rows.unchanged == count - 1)
    }

    @Test func nothingPlannedReadsNothing() async throws {
        let fixture = try RunFixture(rows(2))
        fixture.account.people = people(2)
        let environment = try fixture.environment(object: Self.measure)
        try await fixture.run(RunOptions(), sync, in: environment)
        let reads = fixture.account.singleReads
        try await fixture.run(RunOptions(), sync, in: environment)
        #expect(fixture.account.singleReads == reads && fixture.account.pagedReads == 0)
    }

    @Test func accountThatMayNotBeReadChecksNothing() async throws {
        let fixture = try RunFixture(rows(2))
        fixture.account.readError = ConnectorError(
            code: "forbidden", message: "May not read.", hint: "Let it.", disposition: .fixConfiguration)
        let environment = try fixture.environment(object: Self.measure)
        #expect(try await fixture.run(RunOptions(), sync, in: environment).operations.sent == 2)
        let told = fixture.progress.compactMap { step in
            if case .warned(let reason) = step { reason.code } else { nil }
        }
        #expect(told == ["existence_not_checked"])
        fixture.source.rows += [row("k9")]
        let report = try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 1)
        #expect(report.warnings.map(\.code) == ["existence_not_checked"])
        #expect(report.warnings.first?.message.contains("person") == true)
    }
}

/// What a dry run sees at the destination.
struct DestinationLookTests {
    @Test func planSaysWhatWouldBeCreatedAndWhatUpdated() async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.records = ["k1": "{}", "k2": "{}", "x": "{}"]
        let report = try await PlanSync(things(), options: RunOptions(), environment: try fixture.environment())
            .plan(examplesMax: 3)
        #expect(report.isDestinationRead && report.operations.created == 3 && report.operations.updated == 2)
        #expect(report.warnings.isEmpty && fixture.account.pagedReads == 1)
    }

    @Test func planThatMayNotReadSaysNothingOfIt() async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.readError = ConnectorError(
            code: "forbidden", message: "May not read.", hint: "Let it.", disposition: .fixConfiguration)
        let report = try await PlanSync(things(), options: RunOptions(), environment: try fixture.environment())
            .plan(examplesMax: 3)
        #expect(!report.isDestinationRead && report.operations.created == 0 && report.operations.planned == 5)
        #expect(report.warnings.map(\.code) == ["destination_not_read"])
        #expect(report.warnings.first?.message.contains("May not read.") == true)
    }

    private static let down = ConnectorError(
        code: "connection_refused", message: "Nobody listens.", hint: "Start it.", disposition: .retry(after: nil))

    @Test func planIsMadeAfterTwoTriesWhereTheDestinationIsDown() async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.readError = Self.down
        let report = try await PlanSync(things(), options: RunOptions(), environment: try fixture.environment())
            .plan(examplesMax: 3)
        #expect(fixture.account.pagedReads == 2 && report.operations.planned == 5 && !report.isDestinationRead)
        #expect(report.warnings.map(\.code) == ["destination_not_read"])
        #expect(fixture.time.slept.allSatisfy { $0 <= .seconds(10) })
    }

    @Test(arguments: [Behavior.updateOnly, .createOnly])
    func planThatNeedsTheDestinationFailsAfterTwoTries(_ behavior: Behavior) async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.readError = Self.down
        let plan = PlanSync(
            things(behavior: behavior), options: RunOptions(), environment: try fixture.environment())
        await #expect(throws: Self.down) { try await plan.plan(examplesMax: 3) }
        #expect(fixture.account.singleReads == 2)
        let isTold = fixture.progress.contains { step in
            if case .waiting(let reason, _) = step { reason.contains("Nobody listens") } else { false }
        }
        #expect(isTold)
    }

    @Test(arguments: [(Behavior.updateOnly, 0, 2), (.createOnly, 3, 0)])
    func planOfABehaviorThatAsksSaysWhatItWasTold(_ behavior: Behavior, created: Int, updated: Int) async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.records = ["k1": "{}", "k2": "{}"]
        let report = try await PlanSync(
            things(behavior: behavior), options: RunOptions(), environment: try fixture.environment()
        ).plan(examplesMax: 0)
        #expect(report.isDestinationRead)
        #expect(report.operations.created == created && report.operations.updated == updated)
    }

    private static var named: DestinationObject {
        var object = SimulatedDestination.object(batchItemsMax: 50)
        object.labelField = "name"
        return object
    }

    /// A second answer of one person, or another term of one product, is no double.
    @Test func sameLabelOfObjectsWhoseLabelsRepeatIsNoWarning() async throws {
        let fixture = try RunFixture([row("k1", "Ann")])
        fixture.account.keyless = ["Ann"]
        var object = Self.named
        object.labelRepeats = true
        let report = try await PlanSync(
            things(), options: RunOptions(), environment: try fixture.environment(object: object)
        ).plan(examplesMax: 3)
        #expect(report.operations.created == 1 && report.warnings.isEmpty)
    }

    @Test func recordsThatWouldBeMadeTwiceAreWarnedOf() async throws {
        let fixture = try RunFixture([row("k1", "Ann"), row("k2", "Bea"), row("k3", "Cid")])
        fixture.account.records = ["k3": "{}"]
        fixture.account.keyless = ["ann", "Cid", "Dan"]
        let report = try await PlanSync(
            things(), options: RunOptions(), environment: try fixture.environment(object: Self.named)
        ).plan(examplesMax: 3)
        #expect(report.operations.created == 2 && report.operations.updated == 1)
        let warning = try #require(report.warnings.first)
        #expect(warning.code == "possible_duplicates" && warning.message.hasPrefix("1 record "), "\(warning)")
        #expect(warning.message.contains("(k1)"))
    }

    @Test func recordsOfTheKeyOfBeforeAreWarnedOfWhereTheirRowsHaveAnother() async throws {
        func made(_ id: String, _ name: String, _ other: String) -> SimulatedSource.Row {
            ["id": .text(id), "name": .text(name), "seats": .text(other)]
        }
        let fixture = try RunFixture([made("k1", "Ann", "s1"), made("k2", "Bea", "k2"), made("k3", "Cid", "s3")])
        let environment = try fixture.environment(object: Self.named)
        var other = things(mappings: [("name", "name")])
        try await fixture.run(RunOptions(), other, in: environment)
        other.key.columns = ["seats"]
        fixture.source.rows[2]["name"] = .text("Bea")
        let report = try await PlanSync(other, options: RunOptions(), environment: environment).plan(examplesMax: 3)
        #expect(report.operations.created == 2 && report.operations.updated == 1)
        let warning = try #require(report.warnings.first)
        // Of k3 nothing has its name any more, and k2 keeps its record.
        #expect(warning.message.hasPrefix("1 record ") && warning.message.contains("(s1)"), "\(warning)")
    }

    @Test func theFirstRunAfterAChangeOfTheKeyWarnsAndLaterOnesDoNot() async throws {
        let fixture = try RunFixture([row("k1", "Ann")])
        let environment = try fixture.environment(object: Self.named)
        try await fixture.run(RunOptions(), things(), in: environment)
        fixture.account.keyless = ["Ann"]
        fixture.source.rows = [["id": .text("k1"), "name": .text("Ann"), "seats": .text("s1")]]
        var other = things(mappings: [("name", "name")])
        other.key.columns = ["seats"]
        func warnings() -> Int {
            fixture.progress.count { step in
                if case .warned(let reason) = step { reason.code == "possible_duplicates" } else { false }
            }
        }
        let first = try await fixture.run(RunOptions(), other, in: environment)
        #expect(warnings() == 1 && first.warnings.map(\.code) == ["possible_duplicates"])
        fixture.source.rows = [["id": .text("k1"), "name": .text("Ann"), "seats": .text("s2")]]
        let later = try await fixture.run(RunOptions(), other, in: environment)
        #expect(warnings() == 1 && later.warnings.isEmpty)
        let kept = try environment.database.run(first.id)
        #expect(kept?.warnings == first.warnings, "whoever was not there finds it in the history")
    }

    @Test func aRunReadsNothing() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        #expect(fixture.account.pagedReads == 0 && fixture.account.singleReads == 0)
    }
}
