import ConnectorKit
import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

@Suite struct MakingTests {
    static let pages = [
        "/", "/start", "/new/sources", "/new/destinations", "/new/sources/table", "/new/destinations/account",
        "/connections", "/sources/shop", "/sources/shop/edit", "/sources/shop/delete", "/destinations/crm/edit",
        "/datasets", "/datasets/accounts", "/datasets/accounts/edit", "/datasets/accounts/delete", "/new/dataset",
        "/new/dataset?source=shop", "/new/dataset?source=shop&table=rows", "/new/sync", "/new/sync?from=accounts",
        "/new/sync?from=accounts&to=crm%2Ething", "/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create",
        "/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create&field=externalId&column=id",
        "/syncs/companies", "/syncs/companies?tab=definition", "/syncs/companies/first", "/syncs/companies/edit",
        "/syncs/companies/delete",
    ]

    @Test func everyPageIsWellFormedSmallAndWithoutSecrets() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        for path in Self.pages {
            let answer = try await fixture.ask(path)
            #expect(answer.status == 200, "\(path)")
            #expect(PageMarkup(answer.text).problems == [], "\(path)")
            #expect(answer.text.utf8.count < 50_000, "\(path)")
            #expect(!answer.text.contains(EditingFixture.secret), "\(path)")
        }
    }

    @Test func everyLinkOfTheFormsAnswers() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        var links: Set<String> = []
        for path in Self.pages { links.formUnion(PageMarkup(try await fixture.ask(path).text).links) }
        for link in links.sorted() {
            let answer = try await fixture.ask(link)
            #expect(answer.status == 200, "\(link)")
        }
    }

    @Test func theFirstPageOfAnEmptyServerIsTheWelcome() async throws {
        let fixture = try EditingFixture()
        #expect(try await fixture.ask("/").text.contains("Welcome to Sluice"))
        try await fixture.makeAll()
        #expect(try await fixture.ask("/").text.contains("Welcome to Sluice") == false)
    }

    @Test func whatIsMadeIsInForceAndSaysSoAsYAML() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let sync = try #require(fixture.site.project().sync("companies"))
        #expect(sync.behavior == .updateOrCreate)
        #expect(sync.mappings.map(\.field) == ["name", "custom.Plan"])
        let page = PageMarkup(try await fixture.ask("/syncs/companies/first").text).text
        #expect(page.contains("to: crm.thing"))
        #expect(page.contains("nulls: skip"))
        let source = try #require(fixture.site.project().sources["shop"])
        #expect(source.settings["host"]?.literal == "db.example")
        #expect(try fixture.vault.list().map(\.name) == ["destination.crm.api_key", "source.shop.password"])
    }

    @Test func savingAConnectionBeginsItsTest() async throws {
        let fixture = try EditingFixture()
        let answer = try await fixture.post(EditingFixture.forms[0].0, EditingFixture.forms[0].1)
        #expect(answer.headers[.location] == "/sources/shop?done=checking")
        #expect(try await fixture.ask("/sources/shop").text.contains("going on"))
    }

    @Test func whatIsWrongIsSaidOnTopAndAtItsField() async throws {
        let fixture = try EditingFixture()
        let answer = try await fixture.post(
            "/new/sources/table", [("name", "good"), ("set-host", "db"), ("set-port", "many"), ("set-mode", "odd")])
        #expect(answer.status == 400)
        let page = PageMarkup(answer.text)
        #expect(page.problems == [])
        #expect(answer.text.contains("role=\"alert\""))
        for input in ["set-port", "set-mode"] {
            #expect(answer.text.contains("href=\"#\(input)\""), "\(input)")
            #expect(page.elements.contains { $0.attributes["id"] == input && $0.attributes["aria-invalid"] == "true" })
        }
        #expect(page.elements.contains { $0.attributes["id"] == "set-host" && $0.attributes["value"] == "db" })
        #expect(fixture.site.project().sources.isEmpty)
    }

    @Test func aMissingSecretIsAskedForAndATypedOneNeverComesBack() async throws {
        let fixture = try EditingFixture()
        let missing = try await fixture.post("/new/destinations/account", [("name", "crm")])
        #expect(missing.status == 400)
        #expect(missing.text.contains("href=\"#set-api_key\""))
        let wrong = try await fixture.post(
            "/new/destinations/account", [("name", "not good"), ("set-api_key", EditingFixture.secret)])
        #expect(wrong.status == 400)
        #expect(!wrong.text.contains(EditingFixture.secret))
    }

    @Test func aSecretStaysWhileItIsLeftEmpty() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let saved = try await fixture.post(
            "/sources/shop/edit", [("revision", "1"), ("set-host", "db.example")])
        #expect(saved.status == 303)
        #expect(try fixture.vault.value("source.shop.password").reveal() == EditingFixture.secret)
        let moved = try await fixture.post(
            "/sources/shop/edit", [("revision", "2"), ("set-host", "elsewhere.example")])
        #expect(moved.status == 400)
        #expect(moved.text.contains("secret_needed_again"))
    }

    @Test func aChangeFromAnOldPageIsRefused() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        _ = try await fixture.post(
            "/sources/shop/edit", [("revision", "1"), ("set-host", "db.example")])
        let late = try await fixture.post(
            "/sources/shop/edit", [("revision", "1"), ("set-host", "db.example")])
        #expect(late.status == 400)
        #expect(late.text.contains("definition_changed"))
    }

    @Test func whatIsUsedCannotBeDeleted() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        #expect(PageMarkup(try await fixture.ask("/sources/shop/delete").text).text.contains("cannot be deleted"))
        #expect(try await fixture.post("/sources/shop/delete", [("revision", "1")]).status == 400)
        #expect(fixture.site.project().sources["shop"] != nil)
        #expect(try await fixture.post("/syncs/companies/delete", [("revision", "1")]).status == 303)
        #expect(try await fixture.post("/datasets/accounts/delete", [("revision", "1")]).status == 303)
        #expect(try await fixture.post("/sources/shop/delete", [("revision", "1")]).status == 303)
        #expect(fixture.site.project().sources.isEmpty)
    }

    @Test func renamingTakesWhatUsesItAlong() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let answer = try await fixture.post("/datasets/accounts/rename", [("revision", "1"), ("rename", "customers")])
        #expect(answer.headers[.location] == "/datasets/customers?done=renamed")
        #expect(fixture.site.project().sync("companies")?.dataset.name == "customers")
    }

    @Test func whatAFileDefinesIsShownWithItsPlaceAndNotChanged() async throws {
        let fixture = try EditingFixture(project: EditingFixture.file)
        let page = try await fixture.ask("/sources/filed")
        #expect(page.text.contains("line 3"))
        #expect(!page.text.contains("/sources/filed/edit"))
        #expect(try await fixture.ask("/sources/filed/edit").status == 409)
        #expect(try await fixture.post("/sources/filed/edit", [("set-host", "x")]).status == 409)
    }
}
