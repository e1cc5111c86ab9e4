import Foundation
import Records
import StateStore
import Testing
import WebUI

/// Whole pages as they are, so that a change of markup is seen in a review. SLUICE_UPDATE_GOLDEN=1 writes them anew.
@Suite struct GoldenTests {
    private static let isUpdating = ProcessInfo.processInfo.environment["SLUICE_UPDATE_GOLDEN"] == "1"
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().path + "/Golden"

    @Test(arguments: [
        ("overview", "/"), ("run", "/runs/2"), ("records", "/runs/2/records"), ("sync", "/syncs/companies"),
        ("mapping", "/syncs/companies?tab=mapping"), ("exchange", "/exchanges/2-0"),
        ("destination", "/destinations/crm"), ("missing", "/runs/99"),
    ])
    func thePageIsTheGoldenOne(_ name: String, _ path: String) async throws {
        let text = Self.steady(try await PageTests.full().ask(path).text)
        try Self.compare(text, name)
    }

    @Test(arguments: [
        ("new-source", "/new/sources"), ("new-table", "/new/sources/table"), ("edit-source", "/sources/shop/edit"),
        ("delete-source", "/sources/shop/delete"), ("dataset", "/datasets/accounts"),
        ("new-dataset", "/new/dataset?source=shop&table=rows"), ("new-sync-dataset", "/new/sync"),
        ("new-sync-object", "/new/sync?from=accounts"),
        ("new-sync-behavior", "/new/sync?from=accounts&to=crm%2Ething"),
        ("new-sync-key", "/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create"),
        (
            "new-sync-mapping",
            "/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create&field=externalId&column=id"
        ), ("first-run", "/syncs/companies/first"), ("edit-sync", "/syncs/companies/edit"),
    ])
    func theFormIsTheGoldenOne(_ name: String, _ path: String) async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        try Self.compare(Self.steady(try await fixture.ask(path).text), name)
    }

    @Test func theWelcomeIsTheGoldenOne() async throws {
        try Self.compare(Self.steady(try await EditingFixture().ask("/").text), "welcome")
    }

    @Test func aFormThatIsWrongIsTheGoldenOne() async throws {
        let answer = try await EditingFixture().post(
            "/new/destinations/account", [("name", "not good"), ("set-region", EditingFixture.unknownRegion)])
        try Self.compare(Self.steady(answer.text), "new-destination-wrong")
    }

    @Test(arguments: [RunState.running, .stoppedByGuard, .failed, .cancelled, .succeeded])
    func aRunInEachStateIsTheGoldenOne(_ state: RunState) async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", state) { run in
            if state == .failed {
                run.error = RunFailure(code: "connection_refused", message: "Nobody is there.", hint: "Start it.")
            }
            if state == .cancelled || state == .running { run.operations.accepted = 40 }
        }
        // Nobody carries the running one out any more, and the page says so.
        let name = state == .running ? "interrupted" : state.rawValue
        try Self.compare(Self.steady(try await fixture.ask("/runs/\(run.id)").text), "run-\(name)")
    }

    @Test func theWayInIsTheGoldenOne() async throws {
        let text = Self.steady(try await WebFixture().ask("/sign-in", session: nil).text)
        try Self.compare(text, "sign-in")
    }

    /// Without what changes with every change of the style.
    static func steady(_ page: String) -> String {
        page.replacing(/\/assets\/([a-z]+)-[0-9a-f]{12}/) { "/assets/\($0.output.1)-HASH" }
            .replacing(/[^" >]*sluice-web-[0-9A-F-]{36}/) { _ in "FOLDER" }
    }

    /// - Parameter varies: what differs from machine to machine, left out.
    static func compare(_ given: String, _ name: String, _ varies: Regex<(Substring, Substring)>? = nil) throws {
        let text = varies.map { given.replacing($0) { found in "<dt>\(found.output.1)</dt><dd>VARIES</dd>" } } ?? given
        let path = "\(folder)/\(name).html"
        if isUpdating { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        let expected = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == expected, "\(name): SLUICE_UPDATE_GOLDEN=1 writes the file anew")
    }
}
