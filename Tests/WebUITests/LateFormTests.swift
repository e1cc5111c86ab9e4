import ConnectorKit
import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import TestKit
import Testing
import WebUI

/// Forms that were opened before somebody else's change, and forms over what a source has no more.
@Suite struct LateFormTests {
    /// A change of the mapping, from the revision that the form was opened with.
    private static func sync(_ what: String, _ revision: String = "1") -> [(String, String)] {
        [
            ("revision", revision), ("behavior", "update_or_create"), ("field", "externalId"), ("column", "id"),
            ("rows", "1"), ("m0-field", "name"), ("m0-from", "=constant"), ("m0-constant", "typed by hand"),
            ("do", what),
        ]
    }

    /// What the forms of a page would send as their revision.
    private static func revisions(_ page: String) -> Set<String> {
        let inputs = PageMarkup(page).elements.filter { $0.attributes["name"] == "revision" }
        return Set(inputs.compactMap { $0.attributes["value"] })
    }

    @Test func aMappingThatIsShownAgainStaysAChangeOfWhatItWasOpenedWith() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        #expect(try await fixture.post("/syncs/companies/edit", Self.sync("save")).status == 303)
        for what in ["show", "add", "refresh"] {
            let shown = try await fixture.post("/syncs/companies/edit", Self.sync(what))
            #expect(shown.status == 200 && Self.revisions(shown.text) == ["1"], "\(what)")
        }
        let opened = try await fixture.ask("/syncs/companies/edit")
        #expect(Self.revisions(opened.text) == ["2"])
    }

    @Test func aDatasetThatIsShownAgainStaysAChangeOfWhatItWasOpenedWith() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let fields = [("revision", "1"), ("table", "rows")]
        #expect(try await fixture.post("/datasets/accounts/edit", fields + [("do", "save")]).status == 303)
        let shown = try await fixture.post("/datasets/accounts/edit", fields + [("do", "preview")])
        #expect(shown.status == 200 && Self.revisions(shown.text) == ["1"])
    }

    @Test func savingARefusedConnectionOnceMoreIsRefusedToo() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        #expect(
            try await fixture.post("/sources/shop/edit", [("revision", "1"), ("set-host", "db.example")]).status == 303)
        var revision = "1"
        for attempt in 1...2 {
            let late = try await fixture.post(
                "/sources/shop/edit", [("revision", revision), ("set-host", "db.example"), ("set-port", "77")])
            #expect(late.status == 400 && late.text.contains("definition_changed"), "\(attempt)")
            revision = try #require(Self.revisions(late.text).first)
        }
        #expect(fixture.site.project().sources["shop"]?.settings["port"] == nil)
    }

    @Test func aQueryThatComesTooLateIsRefusedAndKept() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let path = "/datasets/accounts/edit"
        #expect(try await fixture.post(path, [("revision", "1"), ("table", "rows"), ("do", "save")]).status == 303)
        let late = try await fixture.post(path, [("revision", "1"), ("sql", "select typed"), ("do", "save")])
        #expect(late.status == 400 && late.text.contains("definition_changed"))
        #expect(late.text.contains("select typed</textarea>") && Self.revisions(late.text) == ["1"])
        #expect(PageMarkup(late.text).problems == [])
        #expect(fixture.site.project().datasets["accounts"]?.relation == .table(schema: nil, name: "rows"))
    }

    @Test func aMappingThatComesTooLateIsRefusedAndKept() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        var first = Self.sync("save")
        first[7].1 = "the first"
        #expect(try await fixture.post("/syncs/companies/edit", first).status == 303)
        let late = try await fixture.post("/syncs/companies/edit", Self.sync("save"))
        #expect(late.status == 400 && late.text.contains("definition_changed"))
        let page = PageMarkup(late.text)
        #expect(page.problems == [])
        #expect(
            page.elements.contains {
                $0.attributes["id"] == "m0-constant" && $0.attributes["value"] == "typed by hand"
            })
        #expect(Self.revisions(late.text) == ["1"])
        #expect(try fixture.definitions.yaml(of: .sync, "companies")?.contains("the first") == true)
    }

    @Test func aScheduleThatComesTooLateIsRefusedAndKept() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let path = "/syncs/companies/schedule"
        let first = [("revision", "1"), ("kind", "every"), ("count", "15"), ("unit", "m")]
        #expect(try await fixture.post(path, first).status == 303)
        let late = try await fixture.post(path, [("revision", "1"), ("kind", "cron"), ("cron", "5 4 * * *")])
        #expect(late.status == 400 && late.text.contains("definition_changed"))
        let page = PageMarkup(late.text)
        #expect(page.problems == [])
        #expect(page.elements.contains { $0.attributes["id"] == "cron" && $0.attributes["value"] == "5 4 * * *" })
        #expect(late.text.contains("It runs every 15 minutes.") && Self.revisions(late.text) == ["1"])
    }

    // MARK: What a source is asked

    private static func source(_ columns: [String]) -> SimulatedSource {
        SimulatedSource(columns: columns.map { Column(name: $0, type: .text, declaredType: "text") })
    }

    @Test func aLinkRunsNoQuery() async throws {
        let source = Self.source(["id"])
        let fixture = try EditingFixture(source: source)
        _ = try await fixture.post(EditingFixture.forms[0].0, EditingFixture.forms[0].1)
        let linked = try await fixture.ask("/new/dataset?source=shop&sql=select+planted")
        #expect(linked.status == 200 && !linked.text.contains("planted"))
        #expect(source.scans == 0)
        let sent = [("source", "shop"), ("sql", "select planted"), ("do", "preview")]
        #expect(try await fixture.post("/new/dataset", sent).text.contains("select planted"))
        #expect(source.scans == 1)
    }

    @Test func anotherQueryOfAFileIsAskedForItsOwnColumns() async throws {
        let file = EditingFixture.file + "\ndatasets:\n  accounts: {source: filed, sql: \"select before\"}\n"
        let source = Self.source(["before"])
        let fixture = try EditingFixture(project: file, source: source)
        _ = try await fixture.post(EditingFixture.forms[1].0, EditingFixture.forms[1].1)
        let key = "/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create"
        #expect(try await fixture.ask(key).text.contains("<option value=\"before\">"))
        source.columns = [Column(name: "after", type: .text, declaredType: "text")]
        try file.replacing("select before", with: "select after")
            .write(toFile: fixture.folder + "/sluice.yaml", atomically: true, encoding: .utf8)
        fixture.definitions.forget()
        try fixture.site.editing?.reload()
        #expect(try await fixture.ask(key).text.contains("<option value=\"after\">"))
    }

    @Test func aKeyColumnFarDownOrGoneStaysTicked() async throws {
        let object = SimulatedDestination.object(batchItemsMax: 5_000, repeatable: .never)
        let source = Self.source((1...120).map { "c\($0)" })
        let fixture = try EditingFixture(source: source, objects: [object])
        for (path, fields) in EditingFixture.forms.dropLast() {
            #expect(try await fixture.post(path, fields).status == 303)
        }
        let fields = [
            ("name", "companies"), ("from", "accounts"), ("to", "crm.thing"), ("behavior", "send"), ("column", "c110"),
            ("column", "lost"), ("rows", "1"), ("m0-field", "name"), ("m0-from", "c1"), ("do", "save"),
        ]
        let made = try await fixture.post("/new/sync", fields)
        #expect(made.status == 303, "\(PageMarkup(made.text).text)")
        let form = try await fixture.ask("/syncs/companies/edit")
        let page = PageMarkup(form.text)
        #expect(page.problems == [])
        let boxes = page.elements.filter { $0.attributes["name"] == "column" }
        #expect(boxes.count == 102)
        let ticked = boxes.filter { $0.attributes["checked"] != nil }.compactMap { $0.attributes["value"] }
        #expect(ticked == ["c110", "lost"])
        #expect(form.text.contains("<code>lost</code> <span>(gone)</span>"))
    }
}
