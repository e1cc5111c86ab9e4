import ConnectorKit
import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing
import WebUI

@Suite struct MakingSyncTests {
    private static func prepared() async throws -> EditingFixture {
        let fixture = try EditingFixture()
        for (path, fields) in EditingFixture.forms.dropLast() { _ = try await fixture.post(path, fields) }
        return fixture
    }

    private static let keyed =
        "/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create&field=externalId&column=id"

    @Test func eachStepOffersOnlyWhatTheObjectAllows() async throws {
        let fixture = try await Self.prepared()
        let behaviors = PageMarkup(try await fixture.ask("/new/sync?from=accounts&to=crm%2Eperson").text).text
        #expect(behaviors.contains("Update only"))
        #expect(!behaviors.contains("Mirror"))
        let impossible = try await fixture.ask("/new/sync?from=accounts&to=crm%2Eperson&behavior=mirror")
        #expect(impossible.text.contains("What happens to records?"))
    }

    @Test func aMappingIsProposedWithRowsAsTheyWouldBeSent() async throws {
        let fixture = try await Self.prepared()
        let answer = try await fixture.ask(Self.keyed)
        let page = PageMarkup(answer.text)
        #expect(page.elements.contains { $0.attributes["name"] == "m0-field" && $0.attributes["value"] == "name" })
        #expect(
            page.elements.contains { $0.attributes["name"] == "m1-field" && $0.attributes["value"] == "custom.Plan" })
        #expect(page.text.contains("Acme &lt;b&gt;&amp;co"))
        #expect(fixture.gate.noted.withLock { $0 }.contains { $0.hasPrefix("rows.seen") })
    }

    @Test func aProblemIsMarkedAtItsLineAndNothingIsSaved() async throws {
        let fixture = try await Self.prepared()
        var fields = EditingFixture.sync
        fields[7].1 = "computed"
        let answer = try await fixture.post("/new/sync", fields)
        #expect(answer.status == 400)
        #expect(answer.text.contains("field_not_writable"))
        #expect(answer.text.contains("href=\"#m0-from\""))
        #expect(PageMarkup(answer.text).problems == [])
        #expect(fixture.site.project().syncs.isEmpty)
    }

    @Test func aConstantThatACustomFieldDoesNotTakeIsMarkedAtItsLineAndNothingIsSaved() async throws {
        let fixture = try await Self.prepared()
        fixture.account.fields.append(DestinationField("custom.Seats", .integer))
        var fields = EditingFixture.sync.filter { !$0.0.hasPrefix("m1-") }
        fields.insert(
            contentsOf: [("m1-field", "custom.Seats"), ("m1-from", "=constant"), ("m1-constant", "many")],
            at: fields.count - 1)
        let answer = try await fixture.post("/new/sync", fields)
        #expect(answer.status == 400)
        #expect(answer.text.contains("invalid_constant") && answer.text.contains("href=\"#m1-from\""))
        #expect(fixture.site.project().syncs.isEmpty)
        fields[fields.count - 2].1 = "3.0"
        #expect(try await fixture.post("/new/sync", fields).status == 303)
        #expect(fixture.site.project().syncs.count == 1)
    }

    @Test func anUnknownCustomFieldIsToldAndFoundAfterARefresh() async throws {
        let fixture = try await Self.prepared()
        var fields = EditingFixture.sync
        fields[9].1 = "custom.Seats"
        fields[fields.count - 1].1 = "show"
        #expect(try await fixture.post("/new/sync", fields).text.contains("unknown_custom_field"))
        fixture.account.fields.append(DestinationField("custom.Seats", .integer))
        #expect(try await fixture.post("/new/sync", fields).text.contains("unknown_custom_field"))
        fields[fields.count - 1].1 = "refresh"
        #expect(try await fixture.post("/new/sync", fields).text.contains("unknown_custom_field") == false)
    }

    @Test func aNewSyncLeadsToItsFirstRun() async throws {
        let fixture = try await Self.prepared()
        let answer = try await fixture.post("/new/sync", EditingFixture.sync)
        #expect(answer.headers[.location] == "/syncs/companies/first?done=saved")
        let page = PageMarkup(try await fixture.ask("/syncs/companies/first").text).text
        for word in ["Dry run", "Run the first 10", "Run all", "Schedule", "The same as a file"] {
            #expect(page.contains(word), "\(word)")
        }
    }

    @Test(arguments: [
        ([("kind", "every"), ("count", "15"), ("unit", "m")], "every: 15m", "every 15 minutes"),
        ([("kind", "every"), ("count", "1"), ("unit", "h")], "every: 1h", "It runs every hour."),
        (
            [("kind", "daily"), ("time", "06:30"), ("zone", "Europe/Stockholm")], "cron: 30 6 * * *",
            "every day at 06:30"
        ),
        ([("kind", "weekly"), ("time", "07:05"), ("day", "1")], "cron: 5 7 * * 1", "every Monday at 07:05"),
    ])
    func aScheduleIsSaidInWords(_ fields: [(String, String)], _ yaml: String, _ words: String) async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let answer = try await fixture.post("/syncs/companies/schedule", [("revision", "1")] + fields)
        #expect(answer.status == 303)
        let text = try await fixture.ask("/syncs/companies/first").text
        #expect(text.contains(words))
        #expect(text.contains(yaml.split(separator: " ")[1]))
    }

    @Test func everySyncThatComesBeforeStaysAndOneMoreCanBeChosen() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        for name in ["first", "second", "third"] {
            let fields = EditingFixture.sync.map { $0.0 == "name" ? ($0.0, name) : $0 }
            #expect(try await fixture.post("/new/sync", fields).status == 303)
        }
        func parents() -> [String] {
            guard case .after(let names) = fixture.site.project().sync("companies")?.schedule?.trigger else {
                return []
            }
            return names
        }
        func save(_ revision: Int, _ after: [String]) async throws -> WebFixture.Answer {
            let fields = [("revision", String(revision)), ("kind", "after")] + after.map { ("after", $0) }
            return try await fixture.post("/syncs/companies/schedule", fields)
        }
        #expect(try await save(1, ["first"]).status == 303)
        #expect(try await save(2, ["first", "second"]).status == 303)
        #expect(parents() == ["first", "second"])
        // What the form shows, sent back as it stands, changes nothing.
        let page = PageMarkup(try await fixture.ask("/syncs/companies/first").text)
        let ticked = page.elements.filter { $0.attributes["name"] == "after" && $0.attributes["type"] == "checkbox" }
        #expect(page.problems == [] && ticked.allSatisfy { $0.attributes["checked"] != nil })
        #expect(ticked.map { $0.attributes["value"] } == ["first", "second"])
        #expect(try await save(3, ["first", "second", ""]).status == 303)
        #expect(parents() == ["first", "second"])
        #expect(try await save(4, ["second", "third", "third"]).status == 303)
        #expect(parents() == ["second", "third"])
        let none = try await save(5, [""])
        #expect(none.status == 400 && PageMarkup(none.text).problems == [])
    }

    @Test func aScheduleThatIsNoneIsRefusedAtItsField() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let answer = try await fixture.post(
            "/syncs/companies/schedule", [("revision", "1"), ("kind", "cron"), ("cron", "whenever")])
        #expect(answer.status == 400)
        #expect(answer.text.contains("href=\"#cron\""))
        #expect(fixture.site.project().sync("companies")?.schedule == nil)
    }

    @Test func editingKeepsWhatTheFormDoesNotShow() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let yaml = """
            from: accounts
            to: crm.thing
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings: {name: name}
            guards: {invalid_percent_max: 3}
            paused: true
            """
        _ = try fixture.definitions.save(.sync, "companies", yaml: yaml, from: 1, by: .server)
        let answer = try await fixture.post(
            "/syncs/companies/edit",
            [
                ("revision", "2"), ("behavior", "update_only"), ("field", "externalId"), ("column", "id"),
                ("rows", "1"),
                ("m0-field", "name"), ("m0-from", "plan"), ("do", "save"),
            ])
        #expect(answer.status == 303)
        let sync = try #require(fixture.site.project().sync("companies"))
        #expect(sync.guards.invalidPercentMax == 3)
        #expect(sync.paused)
        #expect(sync.behavior == .updateOnly)
    }

    @Test func hostileTextsStayText() async throws {
        let fixture = try await Self.prepared()
        let hostile = "\"><script>alert(1)</script>"
        var fields = EditingFixture.sync
        for index in [0, 7, 8, 10] { fields[index].1 = hostile }
        let pages = [
            try await fixture.post("/new/sync", fields),
            try await fixture.post(
                "/new/sources/table", [("name", hostile), ("set-host", hostile), ("set-mode", hostile)]),
            try await fixture.post(
                "/new/dataset", [("source", "shop"), ("sql", hostile), ("name", hostile), ("do", "save")]),
            try await fixture.post("/new/dataset", [("source", hostile), ("do", "preview")]),
            try await fixture.ask("/new/sync?from=%22%3E%3Cscript%3E&to=%22%3E%3Cscript%3E&column=%22%3E%3Cscript%3E"),
            try await fixture.ask("/new/dataset?source=shop&table=%22%3E%3Cscript%3E&q=%22%3E%3Cscript%3E"),
        ]
        for page in pages {
            #expect(!page.text.contains("<script>alert"))
            #expect(PageMarkup(page.text).problems == [])
        }
    }
}

@Suite struct MakingAccessTests {
    static let posts: [(String, [(String, String)])] =
        EditingFixture.forms + [
            ("/sources/shop/edit", []), ("/sources/shop/delete", [("revision", "1")]),
            ("/sources/shop/rename", [("revision", "1"), ("rename", "other")]), ("/datasets/accounts/edit", []),
            ("/syncs/companies/edit", []), ("/syncs/companies/schedule", [("kind", "none")]), ("/start/sample", []),
        ]

    @Test func noFormDoesAnythingWithoutItsToken() async throws {
        let fixture = try EditingFixture()
        for (path, fields) in Self.posts {
            let answer = try await fixture.post(path, fields, token: "another")
            #expect(answer.status == 403, "\(path)")
            #expect(answer.text.contains("form_expired"), "\(path)")
        }
        #expect(try fixture.definitions.project().entries.isEmpty)
    }

    @Test(arguments: [[Permission.see], [.see, .seeRows, .run, .useConnections]])
    func viewersAndOperatorsDefineNothing(_ rights: [Permission]) async throws {
        let fixture = try EditingFixture(rights: Set(rights))
        for (path, fields) in Self.posts { #expect(try await fixture.post(path, fields).status == 403, "\(path)") }
        for path in ["/new/sources/table", "/new/dataset", "/new/sync", "/sources/shop/edit", "/syncs/companies/edit"] {
            #expect(try await fixture.ask(path).status == 403, "\(path)")
        }
        #expect(try fixture.definitions.project().entries.isEmpty)
        #expect(try await fixture.ask("/").text.contains("Try with sample data") == false)
    }

    @Test func anOperatorMayRunWhatAnEditorMade() async throws {
        let rights: Set<Permission> = [.see, .seeRows, .run, .useConnections]
        let editor = try EditingFixture()
        try await editor.makeAll()
        let page = try await editor.ask("/syncs/companies/first").text
        #expect(page.contains("/syncs/companies/schedule"))
        let fixture = try EditingFixture(
            rights: rights, project: try editor.definitions.project().exported(catalog: editor.site.catalog))
        let seen = try await fixture.ask("/syncs/companies/first").text
        #expect(seen.contains("/syncs/companies/run") && !seen.contains("/syncs/companies/schedule"))
    }
}
