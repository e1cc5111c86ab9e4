import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Testing
import WebUI

/// That the project's files are not in force as they are now.
@Suite struct ProjectTroubleTests {
    private func ask(_ path: String, _ trouble: ProjectTrouble) async throws -> String {
        let fixture = try WebFixture()
        var site = fixture.site
        site.projectTrouble = { trouble }
        return try await fixture.ask(path, site: site).text
    }

    private static let since = Moment(milliseconds: WebFixture.now.milliseconds - 120_000)

    @Test(arguments: ["/", "/system"])
    func whatIsWrongIsShownWithItsPlaceAndWhatToDo(_ path: String) async throws {
        let problems = (1...12).map { number in
            var problem = Diagnostic(.error, code: "unknown_key", message: "no `key` <\(number)>", hint: "write `that`")
            (problem.file, problem.line, problem.column) = ("sluice.yaml", number, 3)
            return problem
        }
        let page = try await ask(path, ProjectTrouble(since: Self.since, problems: problems))
        #expect(PageMarkup(page).problems == [])
        #expect(page.contains("The project file has errors. What it said before stays in force."))
        #expect(page.contains("<code>sluice.yaml:1:3</code>") && page.contains("2 min ago"))
        #expect(page.contains("<code>key</code> &lt;1&gt;") && page.contains("<code>that</code>"))
        #expect(page.contains("sluice.yaml:10:3") && !page.contains("sluice.yaml:11:3") && page.contains("and 2 more"))
    }

    @Test func aFileThatIsGoneIsToldAsGone() async throws {
        let page = try await ask("/", ProjectTrouble.gone(since: Self.since, "sluice.yaml"))
        #expect(PageMarkup(page).problems == [])
        #expect(page.contains("The project file is gone. What it said stays in force."))
    }

    @Test func programsAreToldToo() async throws {
        let trouble = ProjectTrouble.gone(since: Self.since, "sluice.yaml")
        for path in ["/overview.json", "/system.json"] {
            #expect(try await ask(path, trouble).contains("\"code\" : \"file_not_found\""), "\(path)")
            let well = try await WebFixture().ask(path).text
            #expect(well.contains("\"project_problems\" : [") && !well.contains("file_not_found"), "\(path)")
        }
    }

    @Test func aSyncThatIsDefinedNowhereAnyMoreIsNotForgotten() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let database = fixture.site.environment.database
        _ = try database.createRun(
            sync: "companies", trigger: "cli", full: false, limited: false, startedAt: WebFixture.now, state: .running)
        try database.save(SyncMemory(name: "companies", seed: 1))
        #expect(try await !fixture.ask("/syncs").text.contains("Orphaned"))
        #expect(try await fixture.post("/syncs/companies/delete", [("revision", "1")]).status == 303)
        let page = try await fixture.ask("/syncs").text
        #expect(PageMarkup(page).problems == [])
        #expect(page.contains("Orphaned") && page.contains("href=\"/runs?sync=companies\""))
        #expect(try await fixture.ask("/runs?sync=companies").text.contains("/runs/1"))
        let gone = try await fixture.ask("/syncs/companies")
        #expect(gone.status == 200 && gone.text.contains("is defined nowhere any more"))
        #expect(try await fixture.ask("/syncs.json").text.contains("\"companies\""))
        #expect(try await fixture.post("/new/sync", EditingFixture.sync).status == 303)
        #expect(try await !fixture.ask("/syncs").text.contains("Orphaned"))
    }

    @Test func datasetsAndCodesHaveTheirTwinsAndRowsAreCounted() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let list = try await fixture.ask("/datasets.json")
        #expect(list.headers[.contentType] == "application/json" && list.text.contains("\"table\" : \"rows\""))
        let page = try await fixture.ask("/datasets/accounts").text
        #expect(page.contains("Count the rows") && !page.contains("It has "))
        let counted = try await fixture.ask("/datasets/accounts?count=rows").text
        #expect(PageMarkup(counted).problems == [] && counted.contains("It has 2 rows."))
        let one = try await fixture.ask("/datasets/accounts.json?count=rows").text
        #expect(one.contains("\"count\" : 2") && one.contains("\"first_rows\" : ["))
        let codes = try await fixture.ask("/errors.json?code=unknown_key").text
        #expect(codes.contains("\"code\" : \"unknown_key\"") && codes.contains("\"action\" : "))
    }

    @Test func aCardThatCountsOneRowSaysSo() async throws {
        let fixture = try WebFixture()
        try fixture.runWithRejections()
        let page = PageMarkup(try await fixture.ask("/runs/1").text)
        let labels = page.elements.compactMap { $0.attributes["data-label"] }
        #expect(labels.contains("Row") && labels.contains("Rows"))
    }
}
