internal import ConnectorKit
internal import Records

/// How a column names the record that a reference points to, and how the reference is written.
package struct ReferenceRule: Sendable {
    package enum Way: Sendable {
        /// Written before the value; the destination finds the record.
        case prefix(String)
        /// Looked for among the records that were read before the scan; the record's id is written.
        case lookup(LookupTable)
    }

    package var way: Way
    /// The names under which each id stands in an object of its own, in a list; empty where the list holds the ids.
    package var members: [String] = []

    package static func prefix(_ prefix: String) -> ReferenceRule { ReferenceRule(way: .prefix(prefix)) }
    package static func lookup(_ table: LookupTable) -> ReferenceRule { ReferenceRule(way: .lookup(table)) }
}

/// Casts to choices and references, single ones and lists.
enum ChoiceCast {
    /// Of more choices only those are compared that begin as the text does, as many as this: the work is done for each row.
    static let comparedMax = 100
    private static let nearestMax = 3

    /// Appends a choice; where there are no choices, any text is one.
    static func write(_ text: String, _ choices: [String], to writer: inout ByteWriter) throws(Cast.Problem) {
        guard choices.isEmpty || choices.contains(text) else { throw problem(text, choices) }
        JSONText.appendString(text, to: &writer)
    }

    private static func problem(_ text: String, _ choices: [String]) -> Cast.Problem {
        let shown = choices.prefix(NearestName.listedMax).joined(separator: ", ")
        let more = choices.count > NearestName.listedMax ? ", …" : ""
        return Cast.Problem(
            code: "not_a_choice",
            message: "\"\(text.prefix(60))\" is not one of the field's choices"
                + nearest(text, choices) + ".",
            hint: "The choices are: \(shown)\(more). Correct the value, add the choice at the destination, "
                + "or set allow_unknown_choices: true.")
    }

    /// What was probably meant, in words; nothing where no choice is near.
    private static func nearest(_ text: String, _ choices: [String]) -> String {
        var compared = choices
        if choices.count > comparedMax {
            let start = text.prefix(1).lowercased()
            compared = Array(choices.lazy.filter { $0.prefix(1).lowercased() == start }.prefix(comparedMax))
        }
        let near = NearestName.several(nearestMax, of: compared, to: text).map { "\"\($0)\"" }
        guard let last = near.last else { return "" }
        guard near.count > 1 else { return "; the nearest is \(last)" }
        return "; the nearest are \(near.dropLast().joined(separator: ", ")) and \(last)"
    }
}

enum ReferenceCast {
    static func write(_ cell: Cell, _ rule: ReferenceRule, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch rule.way {
        case .prefix(let prefix): try TextCast.write(cell, prefix: prefix, to: &writer)
        case .lookup(let table):
            guard cell.kind != .bytes else { return try TextCast.write(cell, prefix: "", to: &writer) }
            try write(Value(cell).text, table, to: &writer)
        }
    }

    /// What was looked for, cut where it is long.
    static func shown(_ text: String) -> String { text.count > 60 ? text.prefix(60) + "…" : text }

    static func write(_ text: String, _ table: LookupTable, to writer: inout ByteWriter) throws(Cast.Problem) {
        let (object, field) = (table.name.object, table.name.field)
        let shown = shown(text)
        switch table.find(text) {
        case .found(let id): JSONText.appendString(id, to: &writer)
        case .missing:
            throw Cast.Problem(
                code: "lookup_missing", message: "No \(object) has the \(field) \"\(shown)\".",
                hint: "Sync \(object) first, or correct the value; the row is looked at again by every run.")
        case .ambiguous:
            throw Cast.Problem(
                code: "lookup_ambiguous", message: "Several records of \(object) have the \(field) \"\(shown)\".",
                hint: "Make it unique at the destination, or look the record up by something else.")
        }
    }
}

/// Casts to lists: an array element by element, and a single value as a list of one. Nulls in it are left out. A text that
/// is a whole JSON array is an array: so lists are kept where a database has no other way.
struct ListCast {
    enum Element {
        case text
        case choice([String])
        case reference(ReferenceRule)
    }

    let element: Element

    func write(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        writer.append(UInt8(ascii: "["))
        if isArray(cell) { try writeElements(cell, to: &writer) } else { try writeOne(cell, to: &writer) }
        writer.append(UInt8(ascii: "]"))
    }

    private func isArray(_ cell: Cell) -> Bool {
        switch cell.kind {
        case .array: true
        case .json: opensAsArray(cell)
        case .text: unsafe opensAsArray(cell) && JSONSyntax.isDocument(cell.bytes)
        default: false
        }
    }

    private func opensAsArray(_ cell: Cell) -> Bool {
        unsafe cell.bytes.first { $0 > 0x20 } == UInt8(ascii: "[")
    }

    private func writeOne(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch element {
        case .text: try TextCast.write(cell, prefix: "", to: &writer)
        case .choice(let choices): try TextCast.writeChoice(cell, choices, to: &writer)
        case .reference(let rule):
            if isObject(cell), takesObjects {
                unsafe writer.append(cell.bytes)
            } else {
                try write(rule, to: &writer) { (writer) throws(Cast.Problem) in
                    try ReferenceCast.write(cell, rule, to: &writer)
                }
            }
        }
    }

    /// Whether an element that is an object already is written as it is.
    private var takesObjects: Bool {
        guard case .reference(let rule) = element, case .prefix = rule.way else { return false }
        return !rule.members.isEmpty
    }

    private func isObject(_ cell: Cell) -> Bool {
        switch cell.kind {
        case .json: unsafe cell.bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
        case .text:
            unsafe cell.bytes.first { $0 > 0x20 } == UInt8(ascii: "{") && JSONSyntax.isDocument(cell.bytes)
        default: false
        }
    }

    /// Writes an id by itself, or under its names in an object.
    private func write(
        _ rule: ReferenceRule, to writer: inout ByteWriter,
        _ id: (inout ByteWriter) throws(Cast.Problem) -> Void
    ) throws(Cast.Problem) {
        guard !rule.members.isEmpty else { return try id(&writer) }
        var opening = UInt8(ascii: "{")
        for name in rule.members {
            writer.append(opening)
            opening = UInt8(ascii: ",")
            JSONText.appendString(name, to: &writer)
            writer.append(UInt8(ascii: ":"))
            try id(&writer)
        }
        writer.append(UInt8(ascii: "}"))
    }

    private func writeElements(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        var elements = unsafe JSONElements(Array(cell.bytes))
        var isFirst = true
        do {
            while let element = try elements.next() {
                if case .nested(let bytes) = element, takesObjects, bytes.first == UInt8(ascii: "{") {
                    if !isFirst { writer.append(UInt8(ascii: ",")) }
                    isFirst = false
                    writer.append(Array(bytes))
                    continue
                }
                guard let raw = try raw(element, of: cell) else { continue }
                if !isFirst { writer.append(UInt8(ascii: ",")) }
                isFirst = false
                try write(raw, to: &writer)
            }
        } catch let problem as Cast.Problem {
            throw problem
        } catch {
            throw Cast.cannot(cell, be: "a list")
        }
    }

    /// An element's bytes as they stand between quotes; nil for what is left out.
    private func raw(_ element: JSONElements.Element, of cell: Cell) throws(Cast.Problem) -> ArraySlice<UInt8>? {
        switch element {
        case .null: return nil
        case .word(let bytes): return bytes
        case .text(let bytes):
            if case .text = self.element { return bytes }
            // A blank is no choice and points nowhere.
            return bytes.contains { $0 > 0x20 } ? bytes : nil
        case .nested:
            throw Cast.cannot(
                cell, be: "a list of texts", hint: "Flatten the lists and objects in it in the dataset's SQL.")
        }
    }

    private func write(_ raw: ArraySlice<UInt8>, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch element {
        case .choice(let choices): try ChoiceCast.write(JSONElements.decoded(raw), choices, to: &writer)
        case .text: writeQuoted(raw, prefix: "", to: &writer)
        case .reference(let rule):
            try write(rule, to: &writer) { (writer) throws(Cast.Problem) in
                switch rule.way {
                case .lookup(let table): try ReferenceCast.write(JSONElements.decoded(raw), table, to: &writer)
                case .prefix(let prefix): writeQuoted(raw, prefix: prefix, to: &writer)
                }
            }
        }
    }

    private func writeQuoted(_ raw: ArraySlice<UInt8>, prefix: String, to writer: inout ByteWriter) {
        writer.append(UInt8(ascii: "\""))
        writer.append(prefix)
        writer.append(Array(raw))
        writer.append(UInt8(ascii: "\""))
    }
}
