import ConnectorKit
import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Testing
import WebUI

@Suite struct FormDetailTests {
    @Test func whatTheConnectorDoesNotUnderstandIsSaidAtItsField() async throws {
        let fixture = try EditingFixture()
        let answer = try await fixture.post(
            "/new/destinations/account", [("name", "crm"), ("set-region", EditingFixture.unknownRegion)])
        #expect(answer.status == 400)
        let page = PageMarkup(answer.text)
        for input in ["set-api_key", "set-region"] {
            #expect(page.elements.contains { $0.attributes["id"] == input && $0.attributes["aria-invalid"] == "true" })
        }
        #expect(answer.text.contains("region_not_understood"))
        #expect(fixture.site.project().destinations.isEmpty)
    }

    @Test func aKeptSecretDoesNotHideWhatElseIsWrong() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let answer = try await fixture.post(
            "/destinations/crm/edit", [("revision", "1"), ("set-region", EditingFixture.unknownRegion)])
        #expect(answer.status == 400)
        #expect(answer.text.contains("region_not_understood"))
    }

    @Test func aFieldThatIsFilledTwiceIsSaidAtItsLine() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let fields = EditingFixture.sync.map { name, value in
            name == "name" ? (name, "second") : name == "m1-field" ? (name, "name") : (name, value)
        }
        let answer = try await fixture.post("/new/sync", fields)
        #expect(answer.status == 400)
        let page = PageMarkup(answer.text)
        #expect(page.problems == [])
        #expect(page.links.isEmpty == false && answer.text.contains("href=\"#m1-field\""))
        #expect(page.elements.contains { $0.attributes["id"] == "m1-field" && $0.attributes["aria-invalid"] == "true" })
        #expect(!page.text.contains("is here twice"))
    }

    @Test func aFieldThatTheAccountDoesNotHaveIsNotSaved() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let fields = EditingFixture.sync.map { name, value in
            name == "name" ? (name, "second") : name == "m1-field" ? (name, "custom.Pln") : (name, value)
        }
        let answer = try await fixture.post("/new/sync", fields)
        #expect(answer.status == 400)
        #expect(answer.text.contains("href=\"#m1-field\"") && answer.text.contains("unknown_custom_field"))
        #expect(answer.text.split(separator: "unknown_custom_field</a>").count == 2, "it is said once")
        #expect(fixture.site.project().sync("second") == nil)
    }

    // MARK: Incremental reading

    @Test func aDatasetIsReadIncrementallyAndNotAnyMore() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let fields = [
            ("source", "shop"), ("table", "rows"), ("name", "recent"), ("since", "id"), ("overlap", "100"),
            ("complete", "20"), ("complete-by", "runs"), ("do", "save"),
        ]
        #expect(try await fixture.post("/new/dataset", fields).status == 303)
        let read = try #require(fixture.site.project().datasets["recent"]?.incremental)
        #expect(read.column == "id" && read.overlap == .number(100) && read.completeScan == .runs(20))
        let page = PageMarkup(try await fixture.ask("/datasets/recent").text).text
        #expect(
            page.contains("at or after the last value seen, and 100 before that. Everything is read every 20 runs."))

        let form = PageMarkup(try await fixture.ask("/datasets/recent/edit").text)
        #expect(form.problems == [])
        let selected = form.elements.filter { $0.attributes["selected"] != nil }.compactMap { $0.attributes["value"] }
        #expect(selected == ["id", "runs"])
        #expect(form.elements.contains { $0.attributes["id"] == "overlap" && $0.attributes["value"] == "100" })

        let emptied = [("revision", "1"), ("table", "rows"), ("since", ""), ("overlap", "100"), ("do", "save")]
        #expect(try await fixture.post("/datasets/recent/edit", emptied).status == 303)
        #expect(fixture.site.project().datasets["recent"]?.incremental == nil)
    }

    @Test(arguments: [("overlap", "soon"), ("complete", "often")])
    func whatIsWrongWithIncrementalReadingIsSaidAtItsField(_ input: String, _ text: String) async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let answer = try await fixture.post(
            "/new/dataset",
            [("source", "shop"), ("table", "rows"), ("name", "recent"), ("since", "id"), (input, text), ("do", "save")])
        #expect(answer.status == 400)
        let page = PageMarkup(answer.text)
        #expect(page.problems == [])
        #expect(page.elements.contains { $0.attributes["id"] == input && $0.attributes["aria-invalid"] == "true" })
    }

    // MARK: Rows of a run, one after another

    private func withRows(_ keys: [String]) async throws -> EditingFixture {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let database = fixture.site.environment.database
        let run = try database.createRun(
            sync: "companies", trigger: "cli", full: false, limited: false, startedAt: WebFixture.now, state: .running)
        try database.record(
            outcomes: keys.enumerated().map { index, key in
                OutcomeRecord(
                    run: run.id, sequence: index, key: key, keyHash: Hash128.of(key, seed: 1),
                    outcome: index == 0 ? .invalid : .rejected,
                    reason: Reason(code: index.isMultiple(of: 2) ? "b" : "a", message: "no"), at: WebFixture.now)
            })
        return fixture
    }

    private func neighbors(_ page: String) -> [String: String] {
        var found: [String: String] = [:]
        for link in PageMarkup(page).elements where link.name == "a" {
            if let rel = link.attributes["rel"] { found[rel] = link.attributes["href"] }
        }
        return found
    }

    @Test func fromARowOneComesToTheNextOfTheSameKindAndBack() async throws {
        let fixture = try await withRows(["1", "2", "3", "", "5"])
        var path = "/syncs/companies/records/2?run=1&outcome=rejected"
        var way: [String] = []
        while let next = neighbors(try await fixture.ask(path).text)["next"] {
            path = next.replacing("&amp;", with: "&")
            way.append(path)
        }
        // By code, then in their order; the row without a key is passed over.
        #expect(
            way == [
                "/syncs/companies/records/3?run=1&outcome=rejected&at=2",
                "/syncs/companies/records/5?run=1&outcome=rejected&at=4",
            ])
        let last = neighbors(try await fixture.ask(path).text)
        #expect(last["prev"] == "/syncs/companies/records/3?run=1&amp;outcome=rejected&amp;at=2")
        let all = neighbors(try await fixture.ask("/syncs/companies/records/2?run=1").text)
        #expect(all["prev"] == "/syncs/companies/records/1?run=1&amp;at=0")
        #expect(all["next"] == "/syncs/companies/records/3?run=1&amp;at=2")
    }

    @Test func rowsThatShareAKeyAreEachComeToOnceBothWays() async throws {
        let fixture = try await withRows(["1", "2", "2", "2", "3"])
        for (start, rel, expected) in [
            ("/syncs/companies/records/1?run=1", "next", ["at=1", "at=2", "at=3", "at=4"]),
            ("/syncs/companies/records/3?run=1&at=4", "prev", ["at=3", "at=2", "at=1", "at=0"]),
            // A number that is another row's, or none, says nothing: the first row of the key is taken.
            ("/syncs/companies/records/2?run=1&at=77", "next", ["at=2", "at=3", "at=4"]),
            ("/syncs/companies/records/2?run=1&at=0", "next", ["at=2", "at=3", "at=4"]),
        ] {
            var path = start
            var way: [String] = []
            while way.count < 9, let link = neighbors(try await fixture.ask(path).text)[rel] {
                path = link.replacing("&amp;", with: "&")
                way.append(String(path.suffix(4)))
            }
            #expect(way == expected, "\(start) \(rel)")
        }
    }

    @Test(arguments: ["", "?run=99", "?run=x", "?run=1&outcome=nonsense"])
    func withoutARunThereAreNoNeighborsAndNoFailure(_ query: String) async throws {
        let fixture = try await withRows(["1"])
        let answer = try await fixture.ask("/syncs/companies/records/1" + query)
        #expect(answer.status == 200)
        #expect(neighbors(answer.text).isEmpty)
    }

    // MARK: What is beside

    @Test func diagnosticsSayHowThingsAreAndHoldNoSecretAndNoRow() async throws {
        let answer = try await PageTests.full().ask("/system/diagnostics")
        #expect(answer.status == 200)
        #expect(answer.headers[.contentDisposition]?.hasPrefix("attachment; filename=\"sluice-diagnostics-") == true)
        let object = try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [String: Any]
        #expect((object?["runs"] as? [Any])?.count == 3)
        #expect((object?["syncs"] as? [Any])?.count == 2)
        #expect((object?["connections"] as? [[String: Any]])?.map { $0["name"] as? String } == ["crm", "shop"])
        for secret in ["very-secret", "acct-7", "email is not valid", "shop.db"] {
            #expect(!answer.text.contains(secret), "\(secret)")
        }
    }

    @Test func theBatchesOfARunStandOnOneScaleOfTime() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run()
        func exchange(_ number: Int, batch: Int?, attempt: Int, after seconds: Int64, status: Int) -> ExchangeRecord {
            var exchange = ExchangeRecord(
                run: run.id, number: number, batch: batch, attempt: attempt,
                at: Moment(milliseconds: run.startedAt.milliseconds + seconds * 1_000), method: "PUT",
                path: "/companies")
            exchange.status = status
            exchange.milliseconds = 500
            return exchange
        }
        try fixture.site.environment.database.record(exchanges: [
            exchange(0, batch: nil, attempt: 1, after: 0, status: 200),
            exchange(1, batch: 0, attempt: 1, after: 1, status: 200),
            exchange(2, batch: 1, attempt: 1, after: 2, status: 429),
            exchange(3, batch: 1, attempt: 2, after: 3, status: 200),
        ])
        let answer = try await fixture.ask("/runs/\(run.id)")
        let page = PageMarkup(answer.text)
        #expect(page.problems == [])
        #expect(page.text.contains("When was each batch on its way?"))
        #expect(answer.text.contains("href=\"/exchanges/\(run.id)-2\">Batch 2</a>"))
        let bars = page.elements.filter { $0.name == "rect" && $0.attributes["height"] == "8" }
        #expect(bars.compactMap { $0.attributes["class"] } == ["track", "accent", "track", "part", "accent"])
        #expect(bars.compactMap { $0.attributes["x"] } == ["0", "160", "320"])
    }
}
