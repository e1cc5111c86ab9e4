import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Constants and look-ups of fields that only the account knows: refused before anything is read, with the line.
struct ConstantTests {
    private static let place = Location(file: "sluice.yaml", line: 9, column: 22)

    private static let people = FieldType.reference(
        to: "person",
        forms: [
            ReferenceForm(lookup: nil, prefix: ""),
            ReferenceForm(lookup: "email", matchField: "email", ignoresCase: true),
        ])

    private static let fields = [
        DestinationField("custom.Seats", .number), DestinationField("custom.Plan", .choice(["Base", "Professional"])),
        DestinationField("custom.Trial", .boolean), DestinationField("custom.CSM", people),
        DestinationField("custom.Name", .text),
    ]

    private func sync(_ field: String, _ source: MappingDefinition.Source) -> SyncDefinition {
        var sync = things(mappings: [])
        let line = Location(file: "sluice.yaml", line: 9, column: 7)
        sync.mappings = [
            MappingDefinition(field: field, source: source, location: line, valueLocation: Self.place)
        ]
        return sync
    }

    private func fixture() throws -> RunFixture {
        let fixture = try RunFixture(rows(3))
        fixture.account.fields = Self.fields
        return fixture
    }

    @Test(arguments: [
        ("custom.Seats", Value.text("abc"), "expected a number"), ("custom.Seats", .text("0x10"), "expected a number"),
        ("custom.Trial", .text("maybe"), "expected true or false"),
        ("custom.Plan", .text("Profesional"), "Base, Professional"),
        ("seats", .text("three"), "expected a whole number"),
    ])
    func aConstantThatCannotBeCastStopsPlanAndRunBeforeAnythingIsRead(
        field: String, value: Value, hint: String
    ) async throws {
        let fixture = try fixture()
        let sync = sync(field, .constant(value))
        let environment = try fixture.environment()
        let told = await #expect(throws: Diagnostic.self) {
            try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 1)
        }
        #expect(told?.code == "invalid_constant" && told?.file == "sluice.yaml" && told?.line == 9)
        #expect(told?.column == 22 && told?.hint.contains(hint) == true)
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.state == .failed && record.error?.code == "invalid_constant")
        #expect(record.error?.message.hasPrefix("sluice.yaml:9:22: the field `\(field)` ") == true)
        #expect(fixture.source.scans == 0 && fixture.account.records.isEmpty)
    }

    @Test func theNearestChoiceIsNamed() async throws {
        let fixture = try fixture()
        let record = try await fixture.run(RunOptions(), sync("custom.Plan", .constant(.text("Profesional"))))
        #expect(record.error?.message.contains("the nearest is \"Professional\"") == true)
    }

    @Test func aConstantThatCanBeCastArrivesAsOne() async throws {
        let fixture = try fixture()
        let record = try await fixture.run(RunOptions(), sync("custom.Seats", .constant(.text(" 7 "))))
        #expect(record.state == .succeeded)
        #expect(fixture.account.records["k1"] == #"{"externalId":"k1","custom":{"Seats":7}}"#)
    }

    @Test(arguments: [
        ("custom.CSM", "emial", "did you mean `email`?"), ("custom.Seats", "email", "remove `lookup`"),
        ("custom.Name", "email", "remove `lookup`"), ("name", "email", "remove `lookup`"),
    ])
    func aLookUpThatTheFieldDoesNotHaveStopsPlanAndRun(field: String, lookup: String, hint: String) async throws {
        let fixture = try fixture()
        let sync = sync(field, .column("name", lookup: lookup, nulls: .clear))
        let environment = try fixture.environment()
        let told = await #expect(throws: Diagnostic.self) {
            try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 1)
        }
        #expect(told?.code == "unknown_lookup" && told?.line == 9 && told?.hint.contains(hint) == true)
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.error?.code == "unknown_lookup" && fixture.source.scans == 0)
    }

    @Test func aLookUpThatTheFieldHasWorksAsThatOfADeclaredOne() async throws {
        let fixture = try RunFixture([row("1", "ann@x.y")])
        fixture.account.fields = Self.fields
        fixture.account.people = [["email": "Ann@x.y", "_id": "ann"]]
        let sync = sync("custom.CSM", .column("name", lookup: "email", nulls: .clear))
        #expect(try await fixture.run(RunOptions(), sync).state == .succeeded)
        #expect(fixture.account.records["1"] == #"{"externalId":"1","custom":{"CSM":"ann"}}"#)
    }

    /// Where the key may not list the fields, nothing is known of them: what is written is taken as it is.
    @Test func nothingIsHeldAgainstFieldsThatMayNotBeListed() async throws {
        let fixture = try fixture()
        fixture.account.readError = ConnectorError(
            code: "forbidden", message: "No.", hint: "Ask.", disposition: .fixConfiguration)
        let record = try await fixture.run(RunOptions(), sync("custom.Seats", .constant(.text("abc"))))
        #expect(record.state == .succeeded)
        #expect(fixture.account.records["k1"] == #"{"externalId":"k1","custom":{"Seats":"abc"}}"#)
    }

    // MARK: Bounds

    private var bounded: DestinationObject {
        var object = SimulatedDestination.object(batchItemsMax: 500)
        for index in object.fields.indices where object.fields[index].name == "seats" {
            object.fields[index].range = 1...5
        }
        return object
    }

    @Test func aRowBeyondItsFieldsBoundsIsInvalidAndTheOthersArrive() async throws {
        let fixture = try RunFixture([row("k1", seats: 5), row("k2", seats: 99), row("k3", seats: 0)])
        let environment = try fixture.environment(object: bounded)
        var accepting = RunOptions()
        accepting.acceptedGuards = ["invalid"]
        let record = try await fixture.run(accepting, things(), in: environment)
        #expect(record.state == .completedWithRejections && record.operations.created == 1)
        #expect(record.reasons == [ReasonCount(code: "out_of_range", count: 2)])
        #expect(try fixture.outcomes(record, .invalid) == ["k2", "k3"])
        fixture.source.rows = [row("k1", seats: 5), row("k2", seats: 4), row("k3", seats: 1)]
        #expect(try await fixture.run(RunOptions(), things(), in: environment).operations.created == 2)
    }

    @Test func aRowThatIsTooLargeIsInvalidAndTheOthersArrive() async throws {
        var object = SimulatedDestination.object(batchItemsMax: 500)
        object.rowBytesMax = 1 << 20
        let fixture = try RunFixture([row("k1"), row("k2", String(repeating: "n", count: 10_000_000)), row("k3")])
        let record = try await fixture.run(RunOptions(), things(), in: fixture.environment(object: object))
        #expect(record.operations.created == 2 && record.rows.invalid == 1)
        #expect(record.reasons == [ReasonCount(code: "row_too_large", count: 1)])
        #expect(fixture.account.records.keys.sorted() == ["k1", "k3"])
    }

    /// The pages show the same reasons beside the first rows.
    @Test func theRowsOfAFormAreHeldAgainstTheSame() async throws {
        let fixture = try RunFixture([row("k1", seats: 5), row("k2", seats: 99)])
        let shown = try await MapSample(things(), object: bounded, discovered: [], source: fixture.source).rows(max: 3)
        #expect(shown.map { $0.reason?.code } == [nil, "out_of_range"])
        let constant = sync("custom.Seats", .constant(.text("abc")))
        let refused = try await MapSample(
            constant, object: bounded, discovered: Self.fields, source: fixture.source
        ).rows(max: 3)
        #expect(refused.map { $0.reason?.code } == ["cannot_cast", "cannot_cast"])
    }
}
