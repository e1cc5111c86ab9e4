import HTTPTypes
import ProjectConfig
import Runner
import Testing
import WebUI

/// A sync that only removes cannot be tried with a few rows: a limited run removes nothing.
@Suite struct FewOfRemovalsTests {
    private static let project = """
        version: 1
        sources:
          shop: {type: table, path: shop.db}
        destinations:
          crm: {type: account, requests_per_minute: 100, api_key: "0"}
        datasets:
          accounts: {source: shop, table: accounts}
        syncs:
          gone:
            from: accounts
            to: crm.company
            behavior: delete
            key: {column: id, field: externalId}
        """

    @Test func theFormIsRefusedInTheWordsOfTheCommandLineAndNothingRuns() async throws {
        let fixture = try WebFixture(project: Self.project)
        let asked = AskedRuns()
        var site = fixture.site
        site.engine.start = { sync, options in
            asked.note(sync.name, options)
            return 7
        }
        func post(_ fields: String) async throws -> WebFixture.Answer {
            try await fixture.ask(
                "/syncs/gone/run", .post, form: "_token=\(FixtureGate.token)" + fields, site: site)
        }
        var options = RunOptions()
        options.limit = 10
        let sync = try #require(site.project().sync("gone"))
        let error = try #require(throws: RunError.self) { try options.refuseLimit(of: sync) }
        #expect(error.code == "invalid_option" && error.message.contains("does nothing but remove records"))
        for limit in ["10", "1", "0", "-3"] {
            let answer = try await post("&limit=\(limit)")
            #expect(answer.status == 400, "\(limit)")
            let page = PageMarkup(answer.text)
            #expect(page.problems == [] && page.text.contains(error.message), "\(page.text)")
            #expect(page.text.contains("invalid_option") && page.text.contains("a small dataset removes few"))
        }
        #expect(asked.all.isEmpty)
        #expect(try await post("").status == 303)
        #expect(asked.all.map(\.limit) == [nil])
    }

    @Test func thePageOfTheFirstRunOffersNoFewAndSaysWhatAllOfItDoes() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let sends = try await fixture.ask("/syncs/companies/first").text
        #expect(sends.contains("Run the first 10") && sends.contains("Sends every row that is not there yet."))
        let saved = try await fixture.post(
            "/new/sync",
            [
                ("name", "gone"), ("from", "accounts"), ("to", "crm.thing"), ("behavior", "delete"),
                ("field", "externalId"), ("column", "id"), ("rows", "0"), ("do", "save"),
            ])
        #expect(saved.status == 303, "\(PageMarkup(saved.text).text)")
        let removes = try await fixture.ask("/syncs/gone/first").text
        #expect(PageMarkup(removes).problems == [])
        #expect(!removes.contains("Run the first") && !removes.contains("name=\"limit\""))
        #expect(removes.contains("Removes the records that the rows name.") && removes.contains("Run all"))
    }
}
