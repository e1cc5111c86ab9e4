internal import ConnectorKit
package import ProjectConfig
internal import Records

/// Which sync goes before which: one that writes the object another one's rows refer to or need, and what `after` names.
package struct SyncOrder {
    private let syncs: [SyncDefinition]
    /// The objects that a sync's rows point to.
    private let references: [String: Set<String>]

    package init(_ syncs: [SyncDefinition], environment: RunEnvironment) {
        self.syncs = syncs
        var references: [String: Set<String>] = [:]
        for sync in syncs {
            do {
                references[sync.name] = Self.references(sync, try environment.connections.object(sync))
            } catch {
                // A sync to nowhere fails when it is run, and says why.
                continue
            }
        }
        self.references = references
    }

    private static func references(_ sync: SyncDefinition, _ object: DestinationObject) -> Set<String> {
        var names: Set<String> = []
        for name in sync.mappings.map(\.field) + [sync.key.field].compactMap({ $0 }) {
            guard let field = object.field(name) else { continue }
            names.formUnion(field.pointsTo)
            switch field.type {
            case .reference(let to, _), .referenceList(let to, _): names.insert(to)
            default: if let needed = field.requiredRecord { names.formUnion(kinds(of: needed, sync, object)) }
            }
        }
        return names
    }

    /// The objects that rows may need a record of: where a column says which, each that it may name.
    private static func kinds(
        of record: RequiredRecord, _ sync: SyncDefinition, _ object: DestinationObject
    ) -> [String] {
        guard let kindField = record.kindField,
            let mapping = sync.mappings.first(where: { (object.field($0.field)?.name ?? $0.field) == kindField })
        else { return [record.object] }
        switch mapping.source {
        case .constant(let value): return [record.kinds[value.text] ?? record.object]
        case .column: return [record.object] + record.kinds.values
        }
    }

    /// Parents first; otherwise as the project has them. What is in a circle keeps the project's order, and goes before
    /// what only waits for the circle.
    package func sorted() -> [SyncDefinition] {
        let parents = Dictionary(
            syncs.map { ($0.name, Set(self.parents(of: $0))) }, uniquingKeysWith: { first, _ in first })
        var left = syncs
        var placed: [SyncDefinition] = []
        while !left.isEmpty {
            let names = Set(left.map(\.name))
            let index =
                left.firstIndex { parents[$0.name]?.isDisjoint(with: names) ?? true }
                ?? Self.firstOfCircle(left, parents, among: names)
            placed.append(left.remove(at: index))
        }
        return placed
    }

    /// Who waits for a circle without being in it waits for all of it and more.
    private static func firstOfCircle(
        _ left: [SyncDefinition], _ parents: [String: Set<String>], among names: Set<String>
    ) -> Int {
        let counts = left.map { sync in
            var found: Set<String> = []
            var waiting = [sync.name]
            while let name = waiting.popLast() {
                for parent in parents[name] ?? [] where names.contains(parent) && found.insert(parent).inserted {
                    waiting.append(parent)
                }
            }
            return found.subtracting([sync.name]).count
        }
        return counts.indices.min { counts[$0] < counts[$1] } ?? 0
    }

    /// The names of the syncs that go before `sync`.
    package func parents(of sync: SyncDefinition) -> [String] {
        var parents: [String] = []
        if case .after(let names) = sync.schedule?.trigger { parents += names }
        let wanted = references[sync.name] ?? []
        for other in syncs where other.name != sync.name && other.destination == sync.destination {
            if other.object != sync.object && wanted.contains(other.object) { parents.append(other.name) }
        }
        return parents
    }
}
