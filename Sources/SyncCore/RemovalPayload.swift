internal import ConnectorKit
package import Records

/// What is asked of the destination for a record that is to be removed, and the bytes of it.
package struct RemovalPayload: Sendable {
    package let kind: OperationKind
    private let keyName: String
    /// What archives a record, or empties its mapped fields; begins with a comma. Empty for a delete.
    private let rest: String

    package init(_ shape: SyncShape) {
        let field = shape.key.field ?? ""
        keyName = shape.object.key(field)?.name ?? field
        switch shape.removal {
        case .delete: (kind, rest) = (.delete, "")
        case .archive: (kind, rest) = (.archive, ",\(Self.json(shape.object.archiveField ?? "archived")):true")
        case .clear: (kind, rest) = (.clear, Self.emptied(shape, keyName: keyName))
        }
    }

    /// Appends the payload of one removal: for a delete the destination's own id, or nothing where it is not known;
    /// otherwise an object that names the record by its id, or by its key, and what becomes of it.
    package func write(key: String, id: String, to writer: inout ByteWriter) {
        if kind == .delete {
            writer.append(keyName == Self.idName ? key : id)
            return
        }
        let (name, value) = id.isEmpty ? (keyName, key) : (Self.idName, id)
        writer.append("{\(Self.json(name)):\(Self.json(value))\(rest)}")
    }

    /// The field that is the destination's own id.
    package static let idName = "_id"

    /// Every mapped field as null, but not those that a record must have.
    private static func emptied(_ shape: SyncShape, keyName: String) -> String {
        let prefix = shape.object.acceptsUnknownFieldsUnder.map { $0 + "." }
        var own = ""
        var nested: [String] = []
        for rule in shape.rules {
            let field = shape.field(rule.field)
            let name = shape.object.field(rule.field)?.name ?? rule.field
            if name == keyName || field?.staysWhenCleared == true { continue }
            if let prefix, rule.field.hasPrefix(prefix) {
                nested.append("\(json(String(rule.field.dropFirst(prefix.count)))):null")
            } else {
                own += ",\(json(name)):null"
            }
        }
        guard let under = shape.object.acceptsUnknownFieldsUnder, !nested.isEmpty else { return own }
        return own + ",\(json(under)):{\(nested.joined(separator: ","))}"
    }

    private static func json(_ text: String) -> String {
        var writer = ByteWriter(capacity: 64)
        JSONText.appendString(text, to: &writer)
        return writer.text
    }
}

/// What is written of a record that is named by the destination's own id.
package enum AddressedPayload {
    /// The JSON object with the id before its members, in the place of one that stood there: a refused row that is
    /// carried was addressed before, and its record may be another now.
    package static func json(_ payload: String, id: String) -> String {
        var writer = ByteWriter(capacity: payload.utf8.count + 64)
        writer.append("{\"\(RemovalPayload.idName)\":")
        JSONText.appendString(id, to: &writer)
        let members = withoutID(payload.dropFirst())
        if members != "}" { writer.append(UInt8(ascii: ",")) }
        writer.append(String(members))
        return writer.text
    }

    private static func withoutID(_ members: Substring) -> Substring {
        let start = "\"\(RemovalPayload.idName)\":\""
        guard members.hasPrefix(start), let end = members.dropFirst(start.count).firstIndex(of: "\"") else {
            return members
        }
        let rest = members[members.index(after: end)...]
        return rest.first == "," ? rest.dropFirst() : rest
    }
}

/// Whether a run may remove what vanished from its source (design.md §4.2).
package enum RemovalRule: Sendable, Hashable {
    case none
    /// A row without a key may be any record's: nothing is removed while there is one.
    case withheld
    case allowed

    package static func decide(
        _ rules: BehaviorRules, isScanComplete: Bool, keylessRows: Int, acceptsKeyless: Bool
    ) -> RemovalRule {
        guard rules.removesVanished || rules.forgetsVanished, isScanComplete else { return .none }
        return keylessRows == 0 || acceptsKeyless ? .allowed : .withheld
    }
}
