import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Rows that lack what a new record needs: invalid where they would have to make one, and updates otherwise.
struct RequiredValueTests {
    /// A thing that cannot be made without a name.
    private static var named: DestinationObject {
        var object = SimulatedDestination.object(batchItemsMax: 500)
        for index in object.fields.indices where object.fields[index].name == "name" {
            object.fields[index].isRequiredOnCreate = true
        }
        return object
    }

    private func nameless(_ id: String, seats: Int = 1) -> SimulatedSource.Row {
        ["id": .text(id), "name": .null, "seats": .integer(Int64(seats))]
    }

    private let missing = [ReasonCount(code: "required_value_missing", count: 1)]

    @Test func newRecordWithoutWhatItNeedsIsInvalidUntilItHasIt() async throws {
        let fixture = try RunFixture([nameless("k1"), row("k2")])
        let environment = try fixture.environment(object: Self.named)
        let first = try await fixture.run(RunOptions(), things(), in: environment)
        #expect(first.rows.invalid == 1 && first.operations.created == 1 && first.reasons == missing)
        #expect(fixture.account.singleReads == 1 && fixture.account.pagedReads == 0)
        #expect(try fixture.outcomes(first, .invalid) == ["k1"])
        fixture.source.rows = [row("k1"), row("k2")]
        let second = try await fixture.run(RunOptions(), things(), in: environment)
        #expect(second.operations.created == 1 && second.rows.unchanged == 1)
    }

    @Test func recordThatIsThereIsUpdatedWithoutIt() async throws {
        let fixture = try RunFixture([nameless("k1"), nameless("k2")])
        fixture.account.records["k1"] = "{}"
        let record = try await fixture.run(RunOptions(), things(), in: try fixture.environment(object: Self.named))
        #expect(record.operations.updated == 1 && record.rows.invalid == 1)
        #expect(fixture.account.records["k2"] == nil)
    }

    @Test func recordThatWasAcceptedIsUpdatedWithoutALook() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.named)
        try await fixture.run(RunOptions(), things(), in: environment)
        fixture.source.rows = [nameless("k1"), row("k2")]
        let record = try await fixture.run(RunOptions(), things(), in: environment)
        #expect(record.operations.updated == 1 && record.rows.invalid == 0 && fixture.account.singleReads == 0)
    }

    @Test func createOnlyAsksNoSecondTime() async throws {
        let fixture = try RunFixture([nameless("k1"), nameless("k2"), row("k3")])
        fixture.account.records["k1"] = "{}"
        let record = try await fixture.run(
            RunOptions(), things(behavior: .createOnly), in: try fixture.environment(object: Self.named))
        #expect(record.rows.skipped == 1 && record.rows.invalid == 1 && record.operations.created == 1)
        #expect(record.reasons == missing && fixture.account.singleReads == 3)
    }

    @Test func updateOnlyNeedsNothing() async throws {
        let fixture = try RunFixture([nameless("k1")])
        fixture.account.records["k1"] = "{}"
        let record = try await fixture.run(
            RunOptions(), things(behavior: .updateOnly), in: try fixture.environment(object: Self.named))
        #expect(record.operations.updated == 1 && record.rows.invalid == 0)
    }

    @Test func manyAreLookedForInOnePagedReadOfAFirstRunOnly() async throws {
        let fixture = try RunFixture((1...50).map { nameless("k\($0)") } + rows(60).suffix(10))
        fixture.account.records["k7"] = "{}"
        let environment = try fixture.environment(object: Self.named)
        let first = try await fixture.run(
            {
                var options = RunOptions()
                options.acceptedGuards = ["invalid"]
                return options
            }(), things(),
            in: environment)
        #expect(first.rows.invalid == 49 && first.operations.updated == 1 && first.operations.created == 10)
        #expect(fixture.account.pagedReads == 1 && fixture.account.singleReads == 0)
        // Later runs leave so many to the destination, whose refusals cost less than reading the account.
        let second = try await fixture.run(RunOptions(), things(), in: environment)
        #expect(fixture.account.pagedReads == 1 && second.rows.planned == 49)
    }

    @Test func accountThatMayNotBeReadDecidesByItself() async throws {
        let fixture = try RunFixture([nameless("k1")])
        fixture.account.readError = ConnectorError(
            code: "forbidden", message: "No.", hint: "Ask.", disposition: .fixConfiguration)
        let record = try await fixture.run(RunOptions(), things(), in: try fixture.environment(object: Self.named))
        #expect(record.rows.planned == 1 && record.operations.accepted == 1)
    }

    @Test func mirrorDoesNotRemoveWhatBecameInvalid() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment(object: Self.named)
        try await fixture.run(RunOptions(), things(behavior: .mirror), in: environment)
        fixture.source.rows = [row("k1"), row("k2"), row("k3"), nameless("k4")]
        let record = try await fixture.run(RunOptions(), things(behavior: .mirror), in: environment)
        #expect(record.rows.invalid == 1 && record.rows.unchanged == 3 && record.operations.removals == 0)
    }
}
