import ConnectorKit
import DestinationPlanhat
import Foundation
import Testing

/// `docs/connectors/planhat.md` and the declarations say the same; `BehaviorTableTests` makes the page's table.
struct PlanhatPageTests {
    private static let page = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/connectors/planhat.md")

    /// The section of the page that tells of one object.
    private static func section(_ object: DestinationObject) throws -> String {
        let page = try String(contentsOf: Self.page, encoding: .utf8)
        return try #require(
            page.components(separatedBy: "\n## ").first { $0.contains("| object | `planhat.\(object.name)` |") })
    }

    private static func row(_ name: String, of section: String) throws -> Set<String> {
        let line = try #require(section.split(separator: "\n").first { $0.hasPrefix("| \(name) |") })
        return quoted(String(line))
    }

    /// What stands between backticks.
    private static func quoted(_ text: String) -> Set<String> {
        Set(
            text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) })
    }

    /// The name that users know: `externalId` for the `extId` of invoices.
    private static func known(_ name: String, _ aliases: [String]) -> String {
        ["extId": "externalId", "cId": "companyId"][name].flatMap { aliases.contains($0) ? $0 : nil } ?? name
    }

    @Test(arguments: PlanhatObjects.all) func sectionNamesKeysBehaviorsAndFields(_ object: DestinationObject) throws {
        let section = try Self.section(object)
        #expect(try Self.row("keys", of: section) == Set(object.keys.map { Self.known($0.name, $0.aliases) }))
        #expect(try Self.row("behaviors", of: section) == Set(object.behaviors.map(\.rawValue)))
        if !object.removals.isEmpty {
            #expect(try Self.row("removals", of: section) == Set(object.removals.map(\.rawValue)))
        }
        let needed = try Self.row("needed to create", of: section)
        let fields = try #require(section.components(separatedBy: "\nFields: ").last)
        let shown = Self.quoted(fields.replacingOccurrences(of: "\n", with: " "))
        for field in object.fields where field.isWritable {
            let name = Self.known(field.name, field.aliases)
            #expect(shown.contains(name), "\(object.name): \(name) is not on the page")
            guard field.isRequiredOnCreate else { continue }
            #expect(needed.contains(name), "\(object.name): \(name) is needed")
            #expect(needed.isSuperset(of: field.orElse), "\(object.name): \(field.orElse) do as well as \(name)")
        }
    }

    @Test(arguments: PlanhatObjects.all) func exampleWorks(_ object: DestinationObject) throws {
        let example = try #require(
            try Self.section(object).components(separatedBy: "```yaml\n").dropFirst().first?
                .components(separatedBy: "```").first)
        let lines = example.split(separator: "\n").map(String.init)
        #expect(lines.contains("    to: planhat.\(object.name)"))
        let behavior = try #require(lines.first { $0.hasPrefix("    behavior: ") }?.dropFirst(14))
        #expect(object.behaviors.map(\.rawValue).contains(String(behavior)))
        let key = try #require(lines.first { $0.hasPrefix("    key: ") })
        let keyField = key.components(separatedBy: "field: ").dropFirst().first?.prefix { $0 != "," && $0 != "}" } ?? ""
        #expect(object.key(String(keyField)) != nil || (behavior == "send" && keyField.isEmpty))
        let mapped = lines.filter { $0.hasPrefix("      ") }.map(Mapped.init)
        #expect(!mapped.isEmpty)
        for mapping in mapped where !mapping.field.hasPrefix("custom.") { check(mapping, of: object) }
        guard behavior != "update_only" else { return }
        let written = Set(mapped.map { object.field($0.field)?.name } + [object.key(String(keyField))?.name])
        for field in object.fields where field.isRequiredOnCreate {
            let names = [field.name] + field.orElse
            #expect(!written.isDisjoint(with: names), "\(object.name): \(field.name) is not mapped")
        }
    }

    private struct Mapped {
        var field: String
        var lookup: String?
        var constant: String?

        init(_ line: String) {
            let trimmed = line.drop { $0 == " " }
            field = String(trimmed.prefix { $0 != ":" })
            func word(after mark: String) -> String? {
                let parts = trimmed.components(separatedBy: mark)
                return parts.count == 2 ? String(parts[1].prefix { $0 != "}" && $0 != "," }) : nil
            }
            lookup = word(after: "lookup: ")
            constant = word(after: "constant: ")
        }
    }

    private func check(_ mapping: Mapped, of object: DestinationObject) {
        guard let field = object.field(mapping.field) else {
            Issue.record("\(object.name) has no field \(mapping.field)")
            return
        }
        #expect(field.isWritable)
        switch field.type {
        case .reference(_, let forms), .referenceList(_, let forms):
            #expect(forms.contains { $0.lookup == mapping.lookup }, "\(object.name): \(mapping.field)")
        case .choice(let choices):
            #expect(mapping.lookup == nil)
            if let constant = mapping.constant { #expect(choices.contains(constant)) }
        default: #expect(mapping.lookup == nil)
        }
    }
}
