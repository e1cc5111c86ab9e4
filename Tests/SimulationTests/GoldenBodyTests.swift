import ConnectorKit
import DestinationPlanhat
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What goes over the wire for each object and behavior: rows of a table, mapped by the engine, sent by the connector, as
/// the account received them. `SLUICE_UPDATE_GOLDEN=1` writes `Golden/` anew.
struct GoldenBodyTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden").path
    private static let guards: Set<String> = ["invalid", "empty_scan", "removed", "first_removals"]

    /// One case for each behavior of the object, by the first key that it may go by.
    private static func cases(_ object: DestinationObject) -> [AccountCase] {
        var seen: Set<Behavior> = []
        return AccountCase.all.filter { $0.object == object && seen.insert($0.behavior).inserted }
    }

    @Test(arguments: PlanhatObjects.all) func requestsAreThoseOfTheGoldenFile(_ object: DestinationObject) async throws
    {
        var text = ""
        for of in Self.cases(object) {
            for removal in Self.removals(of) { text += try await Self.section(of, removal) }
        }
        text += try await Self.everyField(object)
        let path = Self.folder + "/\(object.name).txt"
        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_GOLDEN"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(text == (try String(contentsOfFile: path, encoding: .utf8)))
    }

    private static func removals(_ of: AccountCase) -> [Removal] {
        switch of.behavior {
        case .mirror: of.object.removals
        case .delete: of.object.removals.filter { $0 != .clear }
        default: [.delete]
        }
    }

    // MARK: Every behavior

    /// Three rows, of which the account has the first and the third where the behavior goes by what is there; a mirror
    /// then loses the last.
    private static func section(_ of: AccountCase, _ removal: Removal) async throws -> String {
        let world = AccountWorld(of, switches: [:], folder: try Scratch.make(), seed: 1)
        defer { Scratch.remove(world.folder) }
        var random = SeededRandom(seed: 1)
        try world.prepare(rowCount: 3, &random)
        var definition = of.definition()
        definition.removal = removal
        var title = "\(of.behavior.rawValue)\(of.key.map { " by \($0)" } ?? "")"
        if [.mirror, .delete].contains(of.behavior) { title += ", removal: \(removal.rawValue)" }
        var lines = try await run(definition, world)
        if of.behavior == .mirror {
            world.source.rows.removeLast()
            let removed = try await run(definition, world)
            expectRemoval(removed, removal, of)
            lines += removed
        }
        if of.behavior == .delete { expectRemoval(lines, removal, of) }
        #expect(!lines.isEmpty, "\(of.object.name): \(title)")
        return "# \(title)\n" + lines.map { $0 + "\n" }.joined() + "\n"
    }

    /// A removal is what it says, and never empty, whatever the golden file holds.
    private static func expectRemoval(_ lines: [String], _ removal: Removal, _ of: AccountCase) {
        let text = lines.joined(separator: "\n")
        switch removal {
        case .delete: #expect(text.hasPrefix("DELETE /"), "\(of.object.name)")
        case .archive: #expect(text.contains("\"archived\":true"), "\(of.object.name)")
        case .clear:
            // Some samples map nothing that a record could be without.
            let isClearable = of.sample.mappings(of.key).contains {
                of.object.field($0.field)?.staysWhenCleared != true
            }
            #expect(text.contains(":null") == isClearable, "\(of.object.name)")
        }
    }

    // MARK: Every field

    /// One row that fills every field that can be written, in the kinds that databases have.
    private static func everyField(_ object: DestinationObject) async throws -> String {
        let wanted: [Behavior] = [.updateOrCreate, .send, .updateOnly]
        let of = try #require(
            wanted.compactMap { behavior in cases(object).first { $0.behavior == behavior } }.first)
        let world = AccountWorld(of, switches: [:], folder: try Scratch.make(), seed: 1)
        defer { Scratch.remove(world.folder) }
        var random = SeededRandom(seed: 1)
        try world.prepare(rowCount: 1, &random)
        var definition = of.definition()
        definition.mappings = []
        var row: SimulatedSource.Row = ["id": world.rows[0]["id"] ?? .text("k1")]
        for field in object.fields where field.isWritable && field.name != of.key {
            let (value, lookup) = sample(field)
            row[field.name] = value
            definition.mappings.append(column(field.name, lookup))
        }
        if let under = object.acceptsUnknownFieldsUnder {
            row["custom"] = .text("“quoted” \\ and\nbroken")
            definition.mappings.append(
                MappingDefinition(
                    field: "\(under).# Note. \"1\"", source: .column("custom", lookup: nil, nulls: .clear),
                    location: Definitions.here))
        }
        let source = SimulatedSource(
            columns: row.keys.sorted().map { Column(name: $0, type: .text, declaredType: "TEXT") }, rows: [row])
        let lines = try await run(definition, world, source: source)
        #expect(lines.count == 1, "\(object.name): \(lines)")
        for mapping in definition.mappings where !mapping.field.hasPrefix("custom.") {
            #expect(lines.first?.contains("\"\(mapping.field)\":") == true, "\(object.name): \(mapping.field)")
        }
        return "# every field, \(of.behavior.rawValue)\n" + lines.map { $0 + "\n" }.joined()
    }

    private static func column(_ field: String, _ lookup: String?) -> MappingDefinition {
        MappingDefinition(
            field: field, source: .column(field, lookup: lookup, nulls: .clear), location: Definitions.here)
    }

    /// A value that the field takes, and the look-up that its column needs.
    private static func sample(_ field: DestinationField) -> (Value, lookup: String?) {
        switch field.type {
        case .text, .richText:
            // The record that is measured has to be there.
            if field.requiredRecord != nil { return (.text("p1"), nil) }
            return (.text(field.textForm == nil ? "<b>Tëxt</b> \"1\"" : "Tëxt_1"), nil)
        case .email: return (.text("one@p1.example"), nil)
        case .number: return (.decimal("1.50"), nil)
        case .integer: return (.text("3.0"), nil)
        case .boolean: return (.text("yes"), nil)
        case .date: return (.date(20_454), nil)
        case .dateTime: return (.timestamp(1_767_225_600_123_456), nil)
        case .dayNumber: return (.text("2026-01-01"), nil)
        case .choice(let choices): return (.text(choices.first ?? "any"), nil)
        case .choiceList(let choices): return (.array("[\"\(choices.first ?? "any")\"]"), nil)
        case .textList: return (.array(#"["å", "b \"c\"", 3, null]"#), nil)
        case .reference(_, let forms): return reference(forms) { .text($0) }
        case .referenceList(_, let forms): return reference(forms) { .array("[\"\($0)\"]") }
        case .any: return (.json(#"{"a":[1,null,"x"]}"#), nil)
        }
    }

    /// By the external id where the account finds the record by it, else by its own id.
    private static func reference(_ forms: [ReferenceForm], _ value: (String) -> Value) -> (Value, lookup: String?) {
        guard let form = forms.first(where: { $0.lookup != nil && $0.matchField == nil }) else {
            return (value("65a000000000000000000001"), nil)
        }
        return (value("p1"), form.lookup)
    }

    // MARK: The wire

    /// Every write of one run, with its body one row a line.
    private static func run(
        _ definition: SyncDefinition, _ world: AccountWorld, source: SimulatedSource? = nil
    ) async throws -> [String] {
        var options = RunOptions()
        options.acceptedGuards = guards
        let sandbox = try world.sandbox()
        let from = source ?? world.source
        let (folder, object, given) = (world.folder, world.of.object, options)
        return try await AccountWorld.serve(sandbox) { address in
            var environment = try world.environment(address, perMinute: 60_000_000, steps: .none)
            environment.connections = AccountConnections(
                dataSource: from, address: address, declared: object, perMinute: 60_000_000,
                limitPath: folder + "/limit")
            let records = try await RunSync(definition, options: given, environment: environment).run()
            let run = try #require(records.last)
            #expect(run.error == nil, "\(run.error as Any)")
            return try RunHistory(environment.database).exchanges(run: run.id, limit: 100)
                .filter { $0.method != "GET" }.map { exchange in
                    let rows = exchange.requestBody.replacingOccurrences(of: "},{", with: "},\n {")
                    return "\(exchange.method) \(exchange.path)" + (rows.isEmpty ? "" : "\n" + rows)
                }
        }
    }
}
