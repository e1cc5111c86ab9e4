import ConnectorKit
import DestinationPlanhat
import Foundation
import TestKit
import Testing

/// Every object that Planhat's connector declares, by each of its keys, with each behavior and removal, is run, and the
/// table of `docs/connectors/planhat.md` says what was seen. `SLUICE_UPDATE_GOLDEN=1` writes the table anew.
struct BehaviorTableTests {
    private static let page = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/connectors/planhat.md")

    @Test func everyDeclaredKeyAndBehaviorHasACase() {
        for object in PlanhatObjects.all {
            let own = BehaviorPlays.cases.filter { $0.object == object }
            #expect(Set(own.map(\.behavior)) == Set(object.behaviors), "\(object.name)")
            #expect(Set(own.compactMap(\.key)) == Set(object.keys.map(\.name)), "\(object.name)")
        }
    }

    @Test func tableOfThePageIsWhatTheRunsShowed() async throws {
        let wanted = Self.table(await Self.outcomes())
        let (begin, end) = ("<!-- behaviors: begin -->\n", "<!-- behaviors: end -->")
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let start = try #require(text.range(of: begin))
        let stop = try #require(text.range(of: end))
        let isNew = ProcessInfo.processInfo.environment["SLUICE_UPDATE_GOLDEN"] == "1"
        if isNew, !wanted.contains(Self.failed) {
            let whole = text[..<start.upperBound] + wanted + text[stop.lowerBound...]
            try Data(String(whole).utf8).write(to: Self.page)
            return
        }
        #expect(text[start.upperBound..<stop.lowerBound] == wanted, "SLUICE_UPDATE_GOLDEN=1 writes the table anew")
    }

    // MARK: The runs

    /// What stands in the table for each case.
    private static func outcomes() async -> [AccountCase: String] {
        await withTaskGroup(of: [BehaviorPlays.Play].self) { group in
            for object in PlanhatObjects.all {
                group.addTask { await BehaviorPlays.shared.plays(of: object) }
            }
            var outcomes: [AccountCase: String] = [:]
            for await plays in group {
                outcomes.merge(Dictionary(grouping: plays, by: \.of).mapValues(outcome)) { _, new in new }
            }
            return outcomes
        }
    }

    /// The plays of one case, one for each removal.
    private static func outcome(_ plays: [BehaviorPlays.Play]) -> String {
        for play in plays {
            let of = play.of
            let title = "\(of.object.name) by \(of.key ?? "row"), \(of.behavior.rawValue), \(play.removal.rawValue)"
            for problem in play.problems { Issue.record("\(title): \(problem)") }
        }
        if plays.contains(where: { !$0.problems.isEmpty }) { return failed }
        let names = plays.filter(\.isRemoving).map(\.removal.rawValue).joined(separator: ", ")
        return "verified" + (names.isEmpty ? "" : ": " + names)
    }

    private static let failed = "failed"

    // MARK: The table

    private static func table(_ outcomes: [AccountCase: String]) -> String {
        let behaviors = Behavior.allCases
        var lines = [
            "| object | key | " + behaviors.map { "`\($0.rawValue)`" }.joined(separator: " | ") + " |",
            "|---|---|" + behaviors.map { _ in "---|" }.joined(),
        ]
        for object in PlanhatObjects.all {
            // The name that users know: `externalId` for the `extId` of invoices.
            var keys: [(key: String?, shown: String)] = object.keys.map {
                ($0.name, "`\($0.aliases.contains("externalId") ? "externalId" : $0.name)`")
            }
            if object.behaviors.contains(.send) { keys.append((nil, "any columns")) }
            for (key, shown) in keys {
                let cells = behaviors.map {
                    outcomes[AccountCase(object: object, behavior: $0, key: key)] ?? ""
                }
                lines.append("| `\(object.name)` | \(shown) | " + cells.joined(separator: " | ") + " |")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
