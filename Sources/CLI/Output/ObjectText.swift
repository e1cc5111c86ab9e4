internal import ConnectorKit

/// An object of a destination in words for people.
struct ObjectText {
    let object: DestinationObject
    /// The account's own fields.
    let found: [DestinationField]
    /// How wide a line may be; nil is as wide as it gets.
    let width: Int?

    static func list(_ objects: [DestinationObject], width: Int?) -> [String] {
        var table = TextTable(["object", "keys", "behaviors"])
        for object in objects {
            table.add([
                object.name, object.keys.map(\.name).joined(separator: ", "),
                object.behaviors.map(\.rawValue).joined(separator: ", "),
            ])
        }
        return table.lines(fitting: width)
    }

    func lines() -> [String] {
        var lines = ["\(object.displayName) (\(object.name))"]
        lines += paragraph(object.help)
        lines += facts()
        lines.append("keys:")
        for key in object.keys {
            lines.append("  " + key.name)
            lines += paragraph(Self.about(key), indent: 4)
        }
        return lines + fieldLines()
    }

    // MARK: The object

    private func facts() -> [String] {
        var facts = ["behaviors: " + Self.list(object.behaviors.map(\.rawValue))]
        if !object.removals.isEmpty { facts.append("removals: " + Self.list(object.removals.map(\.rawValue))) }
        for group in object.requiredInEachRow where group.count > 1 {
            facts.append("each row needs one of: " + Self.list(group))
        }
        if !object.requiredSettings.isEmpty {
            facts.append("settings of the destination that it needs: " + Self.list(object.requiredSettings))
        }
        facts.append("limits: " + limits())
        return facts.flatMap { paragraph($0, indent: 0) }
    }

    private func limits() -> String {
        func bytes(_ count: Int) -> String { RunText.bytes(Int64(count)) }
        var limits = [
            "\(RunText.counted(object.batchItemsMax, "row")) and \(bytes(object.batchBytesMax)) in a request"
        ]
        if let most = object.rowBytesMax { limits.append("\(bytes(most)) in a row") }
        if let most = object.sendItemsMax { limits.append("\(RunText.counted(most, "row")) in a request that sends") }
        if !object.removals.isEmpty {
            limits.append("\(RunText.counted(object.removalItemsMax, "removal")) in a request")
        }
        return limits.joined(separator: "; ")
    }

    static func about(_ key: KeyField) -> String {
        var parts: [String] = []
        if !key.canCreate { parts.append("finds a record but never creates one") }
        if let within = key.uniqueWithin { parts.append("unique within \(within)") }
        if key.ignoresCase { parts.append("upper and lower case are one") }
        if !key.identityFields.isEmpty {
            parts.append("a row is known by it together with " + list(key.identityFields))
        }
        return sentences(parts, key.note)
    }

    // MARK: Fields

    private func fieldLines() -> [String] {
        var table = TextTable(["field", "type", "about"])
        let fields = object.fields + found
        for field in fields where field.isWritable { table.add([field.name, field.type.word, about(field)]) }
        var lines = table.isEmpty ? [] : [""] + table.lines(fitting: width)
        let fixed = fields.filter { !$0.isWritable }.map(\.name)
        if !fixed.isEmpty {
            lines += ["", "set by the destination itself, not to be mapped:"] + paragraph(Self.list(fixed))
        }
        return lines
    }

    private func about(_ field: DestinationField) -> String {
        var parts: [String] = []
        if field.isRequiredOnCreate {
            let others = field.orElse.isEmpty ? "" : ", unless there is \(field.orElse.joined(separator: " or "))"
            parts.append("needed to create" + others)
        }
        if object.requiredInEachRow.contains([field.name]) { parts.append("needed in each row") }
        parts += Self.limits(field)
        if !field.aliases.isEmpty { parts.append("also written \(Self.list(field.aliases))") }
        return Self.sentences(parts, field.help)
    }

    private static func limits(_ field: DestinationField) -> [String] {
        var parts: [String] = []
        switch field.type {
        case .choice(let choices): parts.append("one of: " + list(choices))
        case .choiceList(let choices): parts.append("any of: " + list(choices))
        case .reference(_, let forms), .referenceList(_, let forms): parts.append(Self.forms(forms))
        default: break
        }
        if let bounds = field.bounds { parts.append(bounds) }
        if let most = field.charactersMax { parts.append("at most \(RunText.counted(most, "character"))") }
        return parts.filter { !$0.isEmpty }
    }

    /// How a column may name the record that a reference points to.
    private static func forms(_ forms: [ReferenceForm]) -> String {
        let words = forms.compactMap(\.lookup)
        let takesID = forms.contains { $0.lookup == nil }
        guard !words.isEmpty else { return takesID ? "by its own id" : "" }
        return (takesID ? "by its own id, or" : "with") + " lookup: " + words.joined(separator: " | ")
    }

    // MARK: Words

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }

    /// `Needed to create; at most 80 characters. The note.`
    private static func sentences(_ parts: [String], _ note: String) -> String {
        let first = parts.joined(separator: "; ")
        guard let letter = first.first else { return note }
        return letter.uppercased() + first.dropFirst() + (note.isEmpty ? "" : ". " + note)
    }

    private func paragraph(_ text: String, indent: Int = 2) -> [String] {
        TextWrap.lines(text, width: width.map { max(20, $0 - indent) })
            .map { String(repeating: " ", count: indent) + $0 }
    }
}
