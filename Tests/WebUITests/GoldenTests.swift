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

    @Test func theWayInIsTheGoldenOne() async throws {
        let text = Self.steady(try await WebFixture().ask("/sign-in", session: nil).text)
        try Self.compare(text, "sign-in")
    }

    /// Without what changes with every change of the style.
    private static func steady(_ page: String) -> String {
        page.replacing(/\/assets\/([a-z]+)-[0-9a-f]{12}/) { "/assets/\($0.output.1)-HASH" }
            .replacing(/[^" >]*sluice-web-[0-9A-F-]{36}/) { _ in "FOLDER" }
    }

    private static func compare(_ text: String, _ name: String) throws {
        let path = "\(folder)/\(name).html"
        if isUpdating { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        let expected = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == expected, "\(name): SLUICE_UPDATE_GOLDEN=1 writes the file anew")
    }
}
