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

    /// What is sent may go by a declared key too.
    private static let cases =
        AccountCase.all
        + PlanhatObjects.all.filter { $0.behaviors == [.send] }.flatMap { object in
            object.keys.map { AccountCase(object: object, behavior: .send, key: $0.name) }
        }

    @Test func everyDeclaredKeyAndBehaviorHasACase() {
        for object in PlanhatObjects.all {
            let own = Self.cases.filter { $0.object == object }
            #expect(Set(own.map(\.behavior)) == Set(object.behaviors), "\(object.name)")
            #expect(Set(own.compactMap(\.key)) == Set(object.keys.map(\.name)), "\(object.name)")
        }
    }

    @Test func tableOfThePageIsWhatTheRunsShowed() async throws {
        let wanted = Self.table(try await Self.outcomes())
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
    private static func outcomes() async throws -> [AccountCase: String] {
        try await withThrowingTaskGroup(of: [(AccountCase, String)].self) { group in
            for object in PlanhatObjects.all {
                group.addTask {
                    var found: [(AccountCase, String)] = []
                    for of in cases where of.object == object { found.append((of, try await outcome(of))) }
                    return found
                }
            }
            var outcomes: [AccountCase: String] = [:]
            for try await found in group {
                for (of, outcome) in found { outcomes[of] = outcome }
            }
            return outcomes
        }
    }

    private static func outcome(_ of: AccountCase) async throws -> String {
        var verified: [String] = []
        var others: [String] = []
        for removal in removals(of) {
            let title = "\(of.object.name) by \(of.key ?? "row"), \(of.behavior.rawValue), \(removal.rawValue)"
            let problems: [String]
            do { problems = try await BehaviorTrial.problems(of, removal) } catch { problems = ["it threw \(error)"] }
            if problems.isEmpty {
                verified.append(removal.rawValue)
            } else {
                for problem in problems { Issue.record("\(title): \(problem)") }
                others.append("; \(removal.rawValue) \(failed)")
            }
        }
        let isRemoving = [.mirror, .delete].contains(of.behavior)
        let names = isRemoving ? ": " + verified.joined(separator: ", ") : ""
        return (verified.isEmpty ? "" : "verified" + names) + others.joined()
    }

    private static let failed = "failed"

    private static func removals(_ of: AccountCase) -> [Removal] {
        switch of.behavior {
        case .mirror: of.object.removals
        case .delete: of.object.removals.filter { $0 != .clear }
        default: [.delete]
        }
    }

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
            if object.behaviors == [.send] { keys.append((nil, "any columns")) }
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
