import ConnectorKit
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import Testing

/// A metric is lost where the record that it measures is not there: each row is held against the object that its own
/// `model` names.
struct MetricRecordTests {
    private static let lines: [(field: String, column: String, lookup: String?)] = [
        ("externalId", "record", nil), ("dimensionId", "what", nil), ("value", "value", nil), ("model", "model", nil),
    ]

    private func account() async throws -> AccountFixture {
        // Such an account answers as if it had taken everything.
        let fixture = try AccountFixture(
            ["id", "record", "what", "value", "model"], switches: ["unknown-metric=ignore", "processed=all"])
        fixture.fill([["a1", "One", "", "", ""]])
        let companies = accountSync("company", key: "externalId", name: "companies", [("name", "record", nil)])
        #expect(try await fixture.run(companies).operations.created == 1)
        fixture.fill([["x1", "Engine", "", "a1", ""]])
        let assets = accountSync(
            "asset", key: "externalId", within: "value", name: "assets",
            [("name", "record", nil), ("companyId", "value", "externalId")])
        #expect(try await fixture.run(assets).operations.created == 1)
        return fixture
    }

    @Test(arguments: [1, 30]) func eachRowIsCheckedForTheObjectThatItNames(times: Int) async throws {
        let fixture = try await account()
        fixture.fill(
            (1...times).flatMap { number in
                [
                    ["c\(number)", "a1", "d\(number)", "1", "Company"],
                    ["x\(number)", "x1", "f\(number)", "1", "Asset"],
                    ["y\(number)", "x1", "g\(number)", "1", "Company"],
                    ["z\(number)", "a1", "h\(number)", "1", "Asset"],
                    ["p\(number)", "no\(number)", "i\(number)", "1", "Project"],
                ]
            })
        let sync = accountSync("metric", .send, key: nil, name: "metrics", Self.lines)
        var options = RunOptions()
        options.acceptedGuards = ["invalid"]
        let record = try await fixture.run(sync, options)
        #expect(record.operations.sent == 2 * times && record.rows.invalid == 3 * times, "\(record.reasons)")
        #expect(record.reasons == [ReasonCount(code: "lookup_missing", count: 3 * times)])
        #expect(fixture.sandbox.eventLines("metrics").split(separator: "\n").count == 2 * times)
        let reasons = try fixture.reasons(record, .invalid)
        let named = "at the destination has the externalId"
        #expect(reasons["y1"]?.message.hasPrefix("No company \(named) \"x1\" of column ") == true)
        #expect(reasons["z1"]?.message.hasPrefix("No asset \(named) \"a1\" of column ") == true)
        #expect(reasons["p\(times)"]?.message.hasPrefix("No project \(named) \"no\(times)\" of column ") == true)
    }
}
