import Foundation
import Testing

/// One rule of the house: a name for the waivers, and how to find what breaks it.
struct Rule: Sendable {
    struct Violation: CustomStringConvertible {
        var path: String
        var line: Int?
        var detail: String
        var description: String { line.map { "\(path):\($0): \(detail)" } ?? "\(path): \(detail)" }
    }

    var name: String
    var find: @Sendable (SourceTree) -> [Violation]

    init(_ name: String, find: @escaping @Sendable (SourceTree) -> [Violation]) {
        self.name = name
        self.find = find
    }

    /// Fails with each violation that has no waiver.
    func expectKept(sourceLocation: SourceLocation = #_sourceLocation) {
        let waived = Set(Waiver.all.filter { $0.rule == name }.map(\.path))
        let violations = find(.shared).filter { !waived.contains($0.path) }
        if violations.isEmpty { return }
        let text = violations.map(\.description).joined(separator: "\n")
        Issue.record("\(name):\n\(text)", sourceLocation: sourceLocation)
    }
}

/// A line of waivers.txt: an exception that exists, with its reason. The list may only shrink.
struct Waiver {
    var rule: String
    var path: String
    var reason: String

    static let all: [Waiver] = (SourceTree.shared.text("Tests/TidyTests/waivers.txt") ?? "")
        .split(separator: "\n").filter { !$0.hasPrefix("#") }
        .map { line in
            let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true).map(String.init)
            return Waiver(
                rule: parts.first ?? "", path: parts.count > 1 ? parts[1] : "", reason: parts.count > 2 ? parts[2] : "")
        }
}

@Suite struct WaiverTests {
    static let rules =
        SizeTests.rules + SafetyTests.rules + NameTests.rules + DirectionTests.rules + ErrorCodeTests.rules
        + DocumentTests.rules

    @Test func everyWaiverHasAReasonAndIsStillNeeded() {
        for waiver in Waiver.all {
            let rule = Self.rules.first { $0.name == waiver.rule }
            #expect(rule != nil, "waivers.txt names the unknown rule \(waiver.rule)")
            #expect(waiver.reason.count >= 10, "waivers.txt: \(waiver.rule) \(waiver.path) has no reason")
            let isUsed = rule?.find(.shared).contains { $0.path == waiver.path } ?? false
            #expect(isUsed, "waivers.txt: \(waiver.rule) \(waiver.path) is not needed any more; remove the line")
        }
    }
}
