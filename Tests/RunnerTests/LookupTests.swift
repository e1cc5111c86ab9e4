import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit
import Testing

/// References that are found by reading the object they point to, before the scan.
@Suite struct LookupTests {
    private let ann = ["email": "Ann@x.y", "_id": "64b7f0a1c2d3e4f5a6b7c8d9"]

    private func object(to name: String = "person") -> DestinationObject {
        var object = SimulatedDestination.object(batchItemsMax: 5_000)
        let forms = [
            ReferenceForm(lookup: nil, prefix: ""),
            ReferenceForm(lookup: "email", matchField: "email", ignoresCase: true),
        ]
        object.fields += [
            DestinationField("owner", .reference(to: name, forms: forms)),
            DestinationField("second", .reference(to: name, forms: forms)),
            DestinationField("status", .choice(["new", "old"])),
        ]
        return object
    }

    private func owners(_ fields: [String] = ["owner"], lookup: String? = "email") -> SyncDefinition {
        var sync = things(mappings: [])
        sync.mappings = fields.map {
            MappingDefinition(
                field: $0, source: .column("name", lookup: lookup, nulls: .clear), location: sync.location)
        }
        return sync
    }

    @Test func theIdOfTheRecordThatHasTheTextIsWritten() async throws {
        let fixture = try RunFixture([row("1", " ann@X.y"), row("2", "")])
        fixture.account.people = [ann, ["email": "bob@x.y", "_id": "bob"]]
        let record = try await fixture.run(.init(), owners(), in: fixture.environment(object: object()))
        #expect(record.state == .succeeded)
        #expect(
            fixture.account.records == [
                "1": #"{"externalId":"1","owner":"64b7f0a1c2d3e4f5a6b7c8d9"}"#,
                "2": #"{"externalId":"2","owner":null}"#,
            ])
        #expect(fixture.account.pagedReads == 1)
    }

    @Test func aRowWhoseRecordIsMissingIsInvalidAndHealsByItself() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y"), row("2", "eve@x.y"), row("3", "ann@x.y")])
        fixture.account.people = [ann]
        let environment = try fixture.environment(object: object())
        let first = try await fixture.run(.init(), owners(), in: environment)
        #expect(first.state == .completedWithRejections)
        #expect(try fixture.outcomes(first, .invalid) == ["2"])
        #expect(first.reasons.map(\.code) == ["lookup_missing"])
        fixture.account.people.append(["email": "eve@x.y", "_id": "eve"])
        let second = try await fixture.run(.init(), owners(), in: environment)
        #expect(second.state == .succeeded)
        #expect(second.operations.accepted == 1)
        #expect(fixture.account.records["2"] == #"{"externalId":"2","owner":"eve"}"#)
        #expect(fixture.account.pagedReads == 2)
    }

    @Test func twoRecordsWithOneTextMakeTheRowInvalid() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y"), row("2", "bob@x.y"), row("3", "bob@x.y")])
        fixture.account.people = [ann, ["email": "ANN@x.y", "_id": "other"], ["email": "bob@x.y", "_id": "bob"]]
        let record = try await fixture.run(.init(), owners(), in: fixture.environment(object: object()))
        #expect(record.reasons.map(\.code) == ["lookup_ambiguous"])
        #expect(fixture.account.records.keys.sorted() == ["2", "3"])
    }

    @Test func acceptedRowsStayUnchangedWhenTheirRecordVanishes() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y")])
        fixture.account.people = [ann]
        let environment = try fixture.environment(object: object())
        try await fixture.run(.init(), owners(), in: environment)
        fixture.account.people = []
        let second = try await fixture.run(.init(), owners(), in: environment)
        #expect(second.state == .succeeded)
        #expect(second.rows.unchanged == 1)
        #expect(fixture.account.requests.count == 1)
    }

    @Test func anObjectIsReadOnceAndOnlyIfAMappingAsksForIt() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y")])
        fixture.account.people = [ann]
        let environment = try fixture.environment(object: object())
        try await fixture.run(.init(), owners(lookup: nil), in: environment)
        #expect(fixture.account.pagedReads == 0)
        #expect(fixture.account.records["1"] == #"{"externalId":"1","owner":"ann@x.y"}"#)
        try await fixture.run(.init(), owners(["owner", "second"]), in: environment)
        #expect(fixture.account.pagedReads == 1)
    }

    @Test func aPlanLooksUpToo() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y"), row("2", "eve@x.y")])
        fixture.account.people = [ann]
        let report = try await PlanSync(
            owners(), options: .init(), environment: fixture.environment(object: object())
        ).plan(examplesMax: 5)
        #expect(report.rows.planned == 1)
        #expect(report.rows.invalid == 1)
        #expect(report.reasons.map(\.code) == ["lookup_missing"])
        #expect(fixture.account.requests.isEmpty)
    }

    @Test func anObjectThatCannotBeListedFailsTheRunBeforeTheScan() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y")])
        let record = try await fixture.run(.init(), owners(), in: fixture.environment(object: object(to: "user")))
        #expect(record.state == .failed)
        #expect(record.error?.code == "lookup_not_readable")
        #expect(record.error?.message.contains("user by email") == true)
        #expect(record.rows.scanned == 0)
    }

    @Test func aReadThatFailsIsRepeatedAndThenFailsTheRun() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y")])
        fixture.account.readError = ConnectorError(
            code: "server_error", message: "No.", hint: "Wait.", disposition: .retry(after: nil))
        let record = try await fixture.run(.init(), owners(), in: fixture.environment(object: object()))
        #expect(record.state == .failed)
        #expect(record.error?.code == "server_error")
        #expect(fixture.account.pagedReads == RetryPolicy().attemptsMax)
        #expect(fixture.account.requests.isEmpty)
    }

    @Test func unknownChoicesAreSentOnlyWhereTheSyncAllowsThem() async throws {
        let fixture = try RunFixture([row("1", "new"), row("2", "neu")])
        let environment = try fixture.environment(object: object())
        var sync = owners(["status"], lookup: nil)
        let strict = try await fixture.run(.init(), sync, in: environment)
        #expect(strict.reasons.map(\.code) == ["not_a_choice"])
        sync.allowUnknownChoices = true
        let loose = try await fixture.run(.init(), sync, in: environment)
        #expect(loose.state == .succeeded)
        #expect(loose.operations.accepted == 1)
        #expect(fixture.account.records["2"] == #"{"externalId":"2","status":"neu"}"#)
    }

    @Test(arguments: [10, 100, 101, 3_000])
    func largeTableIsInAFileAndFindsTheSame(count: Int) throws {
        let fixture = try RunFixture()
        let name = LookupName(object: "person", field: "email", ignoresCase: true)
        var gathered = GatheredLookup(name, seed: 3, directory: fixture.folder, pairsInMemoryMax: 100)
        for number in 0..<count {
            let id = number % 10 == 0 ? "an id that is too long for a pair \(number)" : "id \(number)"
            #expect(try gathered.add("P\(number)@x.y", id: id))
        }
        #expect(try gathered.add("p7@x.y", id: "another"))
        let table = try gathered.finish()
        #expect(table.count == count + 1)
        for number in 0..<count where number != 7 {
            let id = number % 10 == 0 ? "an id that is too long for a pair \(number)" : "id \(number)"
            #expect(table.find(" p\(number)@X.y") == .found(id: id))
        }
        #expect(table.find("p7@x.y") == .ambiguous && table.find("q@x.y") == .missing)
    }
}
