import ConnectorKit
import DestinationPlanhat
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Small histories through the real connector: open questions that whole histories do not come upon, and refusals that
/// need two records.
struct OpenQuestionTests {
    // MARK: Two records that refuse each other

    @Test(arguments: ["object", "string", "anonymous", "index"])
    func twoRecordsThatSwapAUniqueValueAreNamed(errors: String) async throws {
        let fixture = try AccountFixture(["id", "name", "crm"], switches: ["errors=\(errors)"])
        let sync = accountSync("company", key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        fixture.fill([["k1", "One", "s1"], ["k2", "Two", "s2"], ["k3", "Three", "s3"]])
        #expect(try await fixture.run(sync).operations.created == 3)
        fixture.fill([["k1", "One", "s2"], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        let record = try await fixture.run(sync)
        #expect(record.operations.rejected == 2 && record.reasons.map(\.code) == ["unique_value_swapped"])
        let reasons = try fixture.reasons(record)
        #expect(reasons.keys.sorted() == ["k1", "k2"])
        for reason in reasons.values {
            #expect(reason.message.contains("k1 and k2 swap their sourceId"), "\(reason.message)")
        }
        // The way out that the hint names.
        fixture.fill([["k1", "One", ""], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        _ = try await fixture.run(sync)
        _ = try await fixture.run(sync)
        fixture.fill([["k1", "One", "s2"], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        _ = try await fixture.run(sync)
        #expect(try await fixture.run(sync).rows.unchanged == 3)
    }

    @Test func valueThatAnotherRecordKeepsIsNoSwap() async throws {
        let fixture = try AccountFixture(["id", "name", "crm"])
        let sync = accountSync("company", key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        fixture.fill([["k1", "One", "s1"], ["k2", "Two", "s2"], ["k3", "Three", "s3"]])
        _ = try await fixture.run(sync)
        fixture.fill([["k1", "One", "s3"], ["k2", "Two", "s3"], ["k3", "Three", "s3"]])
        let record = try await fixture.run(sync)
        #expect(record.reasons.map(\.code) == ["refused_by_destination"])
    }

    // MARK: Open questions

    @Test(arguments: AccountSwitches.values["repeats"] ?? [], AccountSwitches.values["errors"] ?? [])
    func twoRowsForOneRecordEndInTheBooks(repeats: String, errors: String) async throws {
        let fixture = try AccountFixture(["id", "name", "crm"], switches: ["repeats=\(repeats)", "errors=\(errors)"])
        let sync = accountSync("company", key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        // Planhat asks the source id first, and finds by it the record that the first row makes.
        fixture.fill([["k1", "One", "s1"], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        let record = try await fixture.run(sync)
        #expect([.succeeded, .completedWithRejections].contains(record.state), "\(record.error as Any)")
        #expect(record.operations.accepted + record.operations.rejected == 3)
        #expect(fixture.sandbox.store.record("companies", "extid-k3") != nil)
        #expect(fixture.sandbox.store.count(of: "companies") == 2)
    }

    @Test(arguments: AccountSwitches.values["formula"] ?? [])
    func fieldsThatPlanhatComputesAreNotWritten(formula: String) async throws {
        let fixture = try AccountFixture(["id", "name", "spice"], switches: ["formula=\(formula)"])
        let sync = accountSync(
            "company", key: "externalId", [("name", "name", nil), ("custom.Revenue per Seat", "spice", nil)])
        fixture.fill([["k1", "One", "7"]])
        let record = try await fixture.run(sync)
        #expect(record.state == .failed && record.error?.code == "field_not_writable")
        #expect(fixture.sandbox.store.count(of: "companies") == 0)
    }

    @Test(arguments: AccountSwitches.values["unknown-tenant"] ?? [])
    func anotherTenantTakesNothing(answer: String) async throws {
        let fixture = try AccountFixture(["id", "email"], switches: ["unknown-tenant=\(answer)"])
        let sync = accountSync("activity", .send, key: nil, [("email", "email", nil), ("action", "id", nil)])
        fixture.fill([["k1", "a@p1.example"], ["k2", "a@p1.example"]])
        let record = try await fixture.run(sync, tenant: "00000000-0000-4000-8000-000000000000")
        #expect(fixture.sandbox.eventLines("activities").isEmpty)
        if ["not-found", "unauthorized"].contains(answer) {
            #expect(record.error?.code == "tenant_uuid_refused")
        } else {
            #expect(record.operations.sent == 0 && record.operations.rejected == 2)
        }
    }
}
