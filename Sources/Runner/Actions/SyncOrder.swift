internal import ConnectorKit
package import ProjectConfig

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
            switch field.type {
            case .reference(let to, _), .referenceList(let to, _): names.insert(to)
            default: if let needed = field.requiredRecord { names.insert(needed.object) }
            }
        }
        return names
    }

    /// Parents first; otherwise as the project has them. What is in a circle keeps the project's order.
    package func sorted() -> [SyncDefinition] {
        var left = syncs
        var placed: [SyncDefinition] = []
        while !left.isEmpty {
            let names = Set(left.map(\.name))
            let index = left.firstIndex { parents(of: $0).allSatisfy { !names.contains($0) } } ?? 0
            placed.append(left.remove(at: index))
        }
        return placed
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
