import ConnectorKit
import Foundation
import ProjectConfig
import TestKit

/// The definitions a history goes through.
enum Definitions {
    static let here = Location(file: "sluice.yaml", line: 1, column: 1)

    static let first = of(.updateOrCreate)

    static func of(_ behavior: Behavior, isIncremental: Bool = false, isTimed: Bool = false) -> SyncDefinition {
        var definition = make(behavior == .delete ? [] : ["name", "seats"], behavior)
        guard isIncremental else { return definition }
        definition.dataset.incremental = IncrementalDefinition(
            column: "revision", overlap: isTimed ? .seconds(World.overlap) : .number(World.overlap),
            completeScan: .every(seconds: 86_400), location: here)
        return definition
    }

    static func other(than now: SyncDefinition) -> SyncDefinition {
        if now.behavior == .delete { return now }
        var other = now
        other.mappings = make(now.mappings.count == 2 ? ["name"] : ["name", "seats"], now.behavior).mappings
        return other
    }

    private static func make(_ columns: [String], _ behavior: Behavior) -> SyncDefinition {
        let dataset = DatasetDefinition(
            name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
            sourceLocation: here)
        return SyncDefinition(
            name: "things", dataset: dataset, destination: "account", object: "thing", behavior: behavior,
            key: KeyDefinition(columns: ["id"], field: behavior == .send ? nil : "externalId", location: here),
            mappings: columns.map {
                MappingDefinition(field: $0, source: .column($0, lookup: nil, nulls: .clear), location: here)
            }, location: here)
    }
}

/// Folders in memory where the system has such a place: nothing here is to wait for a disk.
enum Scratch {
    static func make() throws -> String {
        let memory = "/dev/shm"
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        let base = isThere ? memory : FileManager.default.temporaryDirectory.path
        let folder = base + "/sluice-simulation-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }
}
