import Records
import Runner
import StateStore
import Testing
import WebUI

/// Pages stay small however many syncs there are and however long their names.
@Suite struct ManySyncsTests {
    private static let names = (0..<300).map { number in
        "customer_success_accounts_of_the_whole_warehouse_number_" + String(1_000 + number)
    }
    private static let project =
        """
        version: 1
        sources:
          shop: {type: table, path: shop.db}
        destinations:
          crm: {type: account, requests_per_minute: 100, api_key: "0"}
        datasets:
          accounts: {source: shop, table: accounts}
        syncs:

        """
        + names.map { name in
            "  \(name): {from: accounts, to: crm.company, behavior: update_or_create, "
                + "key: {column: id, field: externalId}, mappings: {name: name}}\n"
        }.joined()

    @Test func pagesStayBelowFiftyKilobytes() async throws {
        let fixture = try WebFixture(project: Self.project)
        for name in Self.names.prefix(60) {
            for minutes in Int64(1)...3 { try fixture.run(name, minutesAgo: minutes * 100) }
        }
        for path in ["/", "/syncs", "/runs", "/runs?sync=\(Self.names[3])", "/syncs/\(Self.names[0])", "/datasets"] {
            let page = try await fixture.ask(path).text
            #expect(PageMarkup(page).problems == [], "\(path)")
            #expect(page.utf8.count < 50_000, "\(path)")
        }
    }

    @Test func theSyncOfRunsIsTypedWhereThereAreManyAndChosenElse() async throws {
        let many = try WebFixture(project: Self.project)
        try many.run(Self.names[3])
        let typed = try await many.ask("/runs?sync=\(Self.names[3])").text
        #expect(typed.contains("<input id=\"sync\" name=\"sync\" type=\"search\" value=\"\(Self.names[3])\">"))
        #expect(typed.contains("/runs/1"))

        let few = try WebFixture()
        try few.run("companies")
        let chosen = try await few.ask("/runs?sync=companies").text
        #expect(chosen.contains("<option value=\"companies\" selected>"))
        // One that is defined nowhere any more is what the list shows, not all of them.
        #expect(try await few.ask("/runs?sync=former").text.contains("<option value=\"former\" selected>"))
    }

    @Test func aRunWithManyLongReasonsNamesTheFirstAndLeadsToTheOthers() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", .completedWithRejections)
        let text = String(repeating: "a long sentence of the destination ", count: 20)
        try fixture.site.environment.database.record(
            outcomes: (0..<12).map { number in
                OutcomeRecord(
                    run: run.id, sequence: number, key: "key-\(number)", keyHash: Hash128.of("\(number)", seed: 1),
                    outcome: .rejected, reason: Reason(code: "code_\(10 + number)", message: text, hint: text),
                    at: WebFixture.now)
            })
        let page = try await fixture.ask("/runs/\(run.id)").text
        #expect(page.contains("/runs/\(run.id)/records\">2 more reasons, among all rows that did not arrive</a>"))
        #expect(page.contains("code_10") && page.utf8.count < 35_000)
    }
}
