package import ConnectorKit
internal import Records

/// Another key than the sync's own that rows write, by which the destination finds a record too.
package struct OtherKey: Sendable, Hashable {
    /// As the destination calls it.
    package var field: String
    package var column: String
    package var ignoresCase: Bool
    package var mayRepeat: Bool
    /// The column that names what it is unique within, where it is not unique everywhere and the row says it.
    package var parentColumn: String?
}

/// How rows name the record within which their keys are unique.
package struct KeyParent: Sendable, Hashable {
    /// The field of the object that refers to it.
    package var field: String
    package var column: String
    /// The object it is of.
    package var object: String
    /// The other object's field that the column holds; nil for the destination's own id.
    package var match: String?
}

extension SyncShape {
    /// The key that records are known by; nil where rows are sent.
    package var keyField: KeyField? { key.field.flatMap { object.key($0) } }

    /// Nil where the rows do not say it, or say it in a way that cannot be compared (a name whose case does not count).
    package var keyParent: KeyParent? {
        guard let name = object.keys.lazy.compactMap(\.uniqueWithin).first,
            let rule = rules.first(where: { (object.field($0.field)?.name ?? $0.field) == name }),
            case .column(let column) = rule.source, let (parent, form) = form(of: rule), !form.ignoresCase
        else { return nil }
        return KeyParent(field: name, column: column, object: parent, match: form.matchField ?? form.lookup)
    }

    /// The keys that rows write besides the sync's own.
    package var otherKeys: [OtherKey] {
        rules.compactMap { rule in
            guard case .column(let column) = rule.source, let key = object.key(rule.field), key.name != keyField?.name
            else { return nil }
            return OtherKey(
                field: key.name, column: column, ignoresCase: key.ignoresCase, mayRepeat: key.mayRepeat,
                parentColumn: key.uniqueWithin == nil ? nil : keyParent?.column)
        }
    }

    /// Whether the sync's key alone says which record the destination takes a row for.
    package var keyDecides: Bool {
        guard let key = keyField else { return true }
        if !key.canCreate { return true }
        let isAlone = rules.allSatisfy { object.key($0.field).map { $0.name == key.name } ?? true }
        return isAlone && key.uniqueWithin == nil && !key.mayRepeat
    }
}

extension KeyWriter {
    /// The identity that a row with these texts in its key columns has.
    package static func composite(_ parts: [String]) -> String {
        var writer = ByteWriter(capacity: 64)
        writer.append(UInt8(ascii: "["))
        for (place, part) in parts.enumerated() {
            if place > 0 { writer.append(UInt8(ascii: ",")) }
            JSONText.appendString(part, to: &writer)
        }
        writer.append(UInt8(ascii: "]"))
        return writer.text
    }

    /// An identity of several parts whose last is the parent's, as the destination takes it: without blanks around it.
    package static func withTrimmedParent(_ identity: String) -> String {
        var elements = JSONElements(Array(identity.utf8))
        var parts: [String] = []
        do throws(JSONElements.Malformed) {
            while let element = try elements.next() {
                guard case .text(let bytes) = element else { return identity }
                parts.append(JSONElements.decoded(bytes))
            }
        } catch {
            return identity
        }
        guard let parent = parts.popLast() else { return identity }
        return composite(parts + [parent.trimmingBlanks])
    }
}
