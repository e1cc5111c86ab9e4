import ConnectorKit
import DestinationPlanhat
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What goes over the wire for each object, key, behavior and removal: rows of a table, mapped by the engine, asked and
/// sent by the connector, as the account received it. `SLUICE_UPDATE_GOLDEN=1` writes `Golden/` anew.
struct GoldenBodyTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden").path

    @Test(arguments: PlanhatObjects.all) func requestsAreThoseOfTheGoldenFile(_ object: DestinationObject) async throws
    {
        let plays = await BehaviorPlays.shared.plays(of: object)
        let first = plays.flatMap(\.requests).map(Self.asksFirst).first { !$0.isEmpty } ?? []
        var text = "# asked first where custom fields are mapped\n" + first.map { $0 + "\n" }.joined() + "\n"
        for play in plays {
            #expect(play.requests.allSatisfy { [[], first].contains(Self.asksFirst($0)) })
            text += Self.section(play)
        }
        text += try await Self.everyField(object)
        let path = Self.folder + "/\(object.name).txt"
        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_GOLDEN"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(text == (try String(contentsOfFile: path, encoding: .utf8)))
    }

    // MARK: Every key, behavior and removal

    private static func section(_ play: BehaviorPlays.Play) -> String {
        var title = "\(play.of.behavior.rawValue) by \(play.of.key ?? "any columns")"
        if play.isRemoving { title += ", removal: \(play.removal.rawValue)" }
        var text = "# \(title)\n"
        for (name, requests) in zip(["first run", "after changes", "with nothing to do"], play.requests) {
            text += "## \(name)\n" + requests.dropFirst(asksFirst(requests).count).map { $0 + "\n" }.joined()
        }
        return text + "\n"
    }

    /// Which fields the account has.
    private static func asksFirst(_ requests: [String]) -> [String] {
        Array(requests.prefix { $0.hasPrefix("GET /customfields") })
    }

    // MARK: Every field

    /// One row that fills every field that can be written, in the kinds that databases have.
    private static func everyField(_ object: DestinationObject) async throws -> String {
        let wanted: [Behavior] = [.updateOrCreate, .send, .updateOnly]
        let of = try #require(
            wanted.compactMap { behavior in
                AccountCase.all.first { $0.object == object && $0.behavior == behavior }
            }.first)
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
        let lines = try await writes(definition, world, source)
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

    /// Every write of one run.
    private static func writes(
        _ definition: SyncDefinition, _ world: AccountWorld, _ source: SimulatedSource
    ) async throws -> [String] {
        let sandbox = try world.sandbox()
        let (folder, object) = (world.folder, world.of.object)
        return try await AccountWorld.serve(sandbox) { address in
            var environment = try world.environment(address, perMinute: 60_000_000, steps: .none)
            environment.connections = AccountConnections(
                dataSource: source, address: address, declared: object, perMinute: 60_000_000,
                limitPath: folder + "/limit")
            let records = try await RunSync(definition, options: RunOptions(), environment: environment).run()
            let run = try #require(records.last)
            #expect(run.error == nil, "\(run.error as Any)")
            return try WireText.requests(of: run, in: environment).filter { !$0.hasPrefix("GET ") }
        }
    }
}
