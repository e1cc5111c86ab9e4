internal import ConnectorKit

/// Holds one sync against the object that it writes.
struct SyncCheck {
    let sync: SyncDefinition
    let object: DestinationObject
    let log: DiagnosticLog

    func check() {
        guard checkBehavior() else { return }
        checkRemoval()
        checkKey()
        checkMappings()
        checkRequired()
        checkWithin()
    }

    private func checkBehavior() -> Bool {
        if object.behaviors.contains(sync.behavior) { return true }
        let words = object.behaviors.map(\.rawValue)
        log.error(
            code: "behavior_not_available",
            "\(object.displayName) cannot be written with `behavior: \(sync.behavior.rawValue)`",
            hint: words.count == 1 ? "there is only `\(words[0])`" : "it is one of: \(words.joined(separator: ", "))",
            at: sync.behaviorLocation)
        return false
    }

    private func checkRemoval() {
        guard sync.behavior == .mirror || sync.behavior == .delete else { return }
        let words = removals.map(\.rawValue)
        if !removals.contains(sync.removal) {
            log.error(
                code: "removal_not_available",
                "\(object.displayName) cannot be removed with `removal: \(sync.removal.rawValue)`",
                hint: words.count == 1
                    ? "there is only `\(words[0])`" : "it is one of: \(words.joined(separator: ", "))",
                at: sync.behaviorLocation)
        } else if sync.behavior == .delete, let first = sync.mappings.first {
            log.warning(
                code: "mappings_not_used", "`behavior: delete` writes no fields, so the mappings are not used",
                hint: "remove `mappings`; only the key says what is removed", at: first.location)
        }
    }

    /// What only empties fields needs fields, which `delete` has none of.
    private var removals: [Removal] {
        sync.behavior == .delete ? object.removals.filter { $0 != .clear } : object.removals
    }

    // MARK: The key

    private func checkKey() {
        if sync.behavior == .send {
            checkKeyOfSend()
        } else if sync.key.columns.count != 1 {
            log.error(
                code: "illegal_key", "`behavior: \(sync.behavior.rawValue)` takes a key of one column",
                hint: "write `key: {column: id, field: …}`; only what is sent may be known by several columns",
                at: sync.key.location)
        } else if let field = sync.key.field {
            checkKeyField(field)
        } else {
            log.error(
                code: "illegal_key",
                "`key` needs `field`: the field of \(object.displayName) that the key is written to",
                hint: keyHint, at: sync.key.location)
        }
    }

    private var keyNames: [String] {
        object.keys.filter { sync.behavior != .send || $0.canCreate }.map(\.name)
    }
    private var keyHint: String {
        keyNames.count == 1 ? "there is only `\(keyNames[0])`" : "it is one of: \(keyNames.joined(separator: ", "))"
    }

    /// Where an object is sent the key only says which row it is; a field makes it the reference as well.
    private func checkKeyOfSend() {
        if sync.key.within != nil {
            log.error(
                code: "illegal_key", "`within` does not go with `behavior: send`",
                hint: "write `columns: […]` with every column that tells one row from another",
                at: sync.key.location)
        }
        guard let field = sync.key.field else { return }
        if let key = object.key(field), !key.canCreate {
            log.error(
                code: "illegal_key", "a record cannot be sent by `\(field)`: only the destination gives it out",
                hint: "remove `field`: the key only says which row it is", at: sync.key.fieldLocation)
        } else if object.key(field) == nil {
            log.error(
                code: "illegal_key", "`\(field)` is no key of \(object.displayName)",
                hint: "where an object is sent `field` may be left out" + (keyNames.isEmpty ? "" : "; else " + keyHint),
                at: sync.key.fieldLocation)
        } else if sync.key.columns.count != 1 {
            log.error(
                code: "illegal_key", "a key with `field` takes one column", hint: "remove `field`, or name one column",
                at: sync.key.fieldLocation)
        }
    }

    private func checkKeyField(_ field: String) {
        guard let key = object.key(field) else {
            let near = NearestName.among(keyNames, to: field)
            log.error(
                code: "illegal_key", "`\(field)` cannot be the key of \(object.displayName)",
                hint: near.map { "did you mean `\($0)`?" } ?? keyHint, at: sync.key.fieldLocation)
            return
        }
        if sync.behavior == .createOnly, !key.canCreate {
            log.error(
                code: "illegal_key", "a record cannot be created by `\(field)`: only the destination gives it out",
                hint: "use another key: \(object.keys.filter(\.canCreate).map(\.name).joined(separator: ", "))",
                at: sync.key.fieldLocation)
        } else if sync.behavior == .updateOrCreate || sync.behavior == .mirror, !key.canCreate {
            log.warning(
                code: "key_cannot_create", "rows whose `\(field)` the destination does not know cannot be created",
                hint: "use `behavior: update_only`, or another key", at: sync.key.fieldLocation)
        }
        if sync.key.within != nil, key.uniqueWithin == nil {
            log.error(
                code: "illegal_key", "`\(key.name)` is unique everywhere; `within` does not go with it",
                hint: "remove `within`", at: sync.key.location)
        } else if sync.key.within != nil, sync.behavior != .updateOrCreate, !withinCanBeRead(key) {
            log.error(
                code: "illegal_key", "`\(sync.behavior.rawValue)` cannot tell which `\(key.name)` exists within what",
                hint: asksForKeys
                    ? "map `\(key.uniqueWithin ?? "")` from the column `\(sync.key.within ?? "")`, by an id"
                    : "use `behavior: update_or_create`, or a key that is unique everywhere", at: sync.key.location)
        } else if sync.key.within == nil, let parent = key.uniqueWithin {
            log.warning(
                code: "key_unique_within",
                "`\(key.name)` is unique within one `\(parent)` only: where two have it, the key means both",
                hint: sync.behavior == .updateOrCreate || asksForKeys
                    ? "say `within` which column names it, and map `\(parent)` from that column; or use a key that is "
                        + "unique everywhere"
                    : "use a key that is unique everywhere", at: sync.key.location)
        }
    }

    /// Whether it is read at the destination which keys are there.
    private var asksForKeys: Bool { sync.behavior == .updateOnly || sync.behavior == .createOnly }

    /// Whether the records within which keys are unique can be told apart as the rows name them.
    private func withinCanBeRead(_ key: KeyField) -> Bool {
        guard asksForKeys, let parent = key.uniqueWithin,
            let mapping = sync.mappings.first(where: { canonical($0.field) == canonical(parent) }),
            case .column(let column, let lookup, _) = mapping.source, column == sync.key.within,
            case .reference(_, let forms)? = object.field(parent)?.type,
            let form = forms.first(where: { $0.lookup == lookup })
        else { return false }
        return !form.ignoresCase
    }

    private func checkWithin() {
        guard sync.behavior != .send, sync.key.within != nil, let field = sync.key.field,
            let parent = object.key(field)?.uniqueWithin
        else { return }
        if sync.mappings.contains(where: { canonical($0.field) == canonical(parent) }) { return }
        log.warning(
            code: "within_not_mapped", "the key is unique within `\(parent)`, which is not mapped",
            hint: "map `\(parent)` from the column `\(sync.key.within ?? "")`", at: sync.key.location)
    }

    // MARK: The fields

    private func canonical(_ field: String) -> String { object.canonicalName(field) }

    private func checkMappings() {
        var seen: [String: MappingDefinition] = [:]
        let keyField = sync.key.field.map(canonical)
        for mapping in sync.mappings {
            let name = canonical(mapping.field)
            if let first = seen[name] {
                log.error(
                    code: "field_mapped_twice", "`\(mapping.field)` is mapped twice; the first is at \(first.location)",
                    hint: "keep one of them"
                        + (first.field == mapping.field ? "" : "; `\(first.field)` is the same field"),
                    at: mapping.location)
                continue
            }
            seen[name] = mapping
            if name == keyField {
                log.error(
                    code: "key_field_mapped", "`\(mapping.field)` is the key's field, which is written from the key",
                    hint: "remove this mapping", at: mapping.location)
                continue
            }
            FieldCheck(sync: sync, object: object, log: log).check(mapping)
        }
    }

    private func checkRequired() {
        guard [.updateOrCreate, .createOnly, .mirror, .send].contains(sync.behavior) else { return }
        let written = Set(sync.mappings.map { canonical($0.field) } + [sync.key.field.map(canonical) ?? ""])
        for field in object.fields where field.isRequiredOnCreate {
            let names = [field.name] + field.orElse
            guard written.isDisjoint(with: names) else { continue }
            let words = names.map { "`\($0)`" }.joined(separator: " or ")
            let fault = names.count > 1 ? "none of which is mapped" : "which is not mapped"
            log.warning(
                code: "required_field_missing",
                "a new \(object.displayName) needs \(words), \(fault)",
                hint: sync.behavior == .send
                    ? "map it" : "map it, or use `behavior: update_only` where nothing is to be created",
                at: sync.location)
        }
    }
}

extension DestinationObject {
    /// The name that a field or a key is declared with, for any of its spellings.
    func canonicalName(_ name: String) -> String { field(name)?.name ?? key(name)?.name ?? name }
}

/// Finds syncs that write the same field of the same records.
struct OverlapCheck {
    static let fieldsShownMax = 5
    static let syncsShownMax = 20

    /// The fields of one object that the same syncs write.
    private struct Overlap {
        var syncs: [String]
        var fields: [String]
        /// Where the last of the syncs writes the first of the fields.
        var place: Location
    }

    let project: Project
    let catalog: ConnectorCatalog
    let log: DiagnosticLog

    func check() {
        var targets: [String] = []
        var writers: [String: [String: [(sync: String, place: Location)]]] = [:]
        for sync in project.syncs where sync.behavior != .send && sync.behavior != .delete {
            guard let type = project.destinations[sync.destination]?.type,
                let object = catalog.destination(type)?.objects.first(where: { $0.name == sync.object })
            else { continue }
            let target = "\(sync.destination).\(sync.object)"
            if writers[target] == nil { targets.append(target) }
            for mapping in sync.mappings {
                let field = object.canonicalName(mapping.field)
                // A field that one sync maps twice is told elsewhere.
                guard writers[target]?[field]?.last?.sync != sync.name else { continue }
                writers[target, default: [:]][field, default: []].append((sync.name, mapping.location))
            }
        }
        for target in targets {
            for overlap in Self.overlaps(writers[target] ?? [:]) { tell(overlap) }
        }
    }

    /// One for each group of syncs, so that a hundred syncs of one object are one warning and not five thousand.
    private static func overlaps(_ writers: [String: [(sync: String, place: Location)]]) -> [Overlap] {
        var found: [[String]: Overlap] = [:]
        for (field, uses) in writers.sorted(by: { $0.key < $1.key }) where uses.count > 1 {
            guard let place = uses.last?.place else { continue }
            let syncs = uses.map(\.sync)
            found[syncs, default: Overlap(syncs: syncs, fields: [], place: place)].fields.append(field)
        }
        return found.values.sorted { $0.fields[0] < $1.fields[0] }
    }

    private func tell(_ overlap: Overlap) {
        let fields = Self.listed(overlap.fields, max: Self.fieldsShownMax)
        let all = overlap.syncs.count == 2 ? "both" : "all"
        log.warning(
            code: "field_written_twice",
            "the syncs \(Self.listed(overlap.syncs, max: Self.syncsShownMax)) \(all) write \(fields)",
            hint: "where both have the same record the one that runs last wins; map each field in one sync",
            at: overlap.place)
    }

    /// `a`, `b` and `c`; beyond so many only how many more.
    private static func listed(_ names: [String], max: Int) -> String {
        let shown = names.prefix(max).map { "`\($0)`" }
        if names.count > max { return shown.joined(separator: ", ") + " and \(names.count - max) more" }
        guard let last = shown.last, shown.count > 1 else { return shown.joined() }
        return shown.dropLast().joined(separator: ", ") + " and " + last
    }
}
