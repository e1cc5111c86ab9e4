internal import ConnectorKit
internal import Foundation
internal import Records

/// Holds one mapping against the field that it names.
struct FieldCheck {
    let sync: SyncDefinition
    let object: DestinationObject
    let log: DiagnosticLog

    func check(_ mapping: MappingDefinition) {
        if let field = object.field(mapping.field) {
            guard field.isWritable else { return reportReadOnly(mapping) }
            check(mapping, type: field.type)
            checkForm(mapping, field)
        } else if let key = object.key(mapping.field) {
            guard key.canCreate else { return reportReadOnly(mapping) }
            check(mapping, type: .text)
        } else if !isCustom(mapping.field) {
            reportUnknown(mapping)
        }
    }

    /// A field of the account's own making; whether it exists is seen when the account is asked.
    private func isCustom(_ field: String) -> Bool {
        guard let under = object.acceptsUnknownFieldsUnder else { return false }
        return field.hasPrefix(under + ".") && field.utf8.count > under.utf8.count + 1
    }

    private func reportReadOnly(_ mapping: MappingDefinition) {
        log.error(
            code: "field_not_writable", "`\(mapping.field)` of \(object.displayName) cannot be written",
            hint: "the destination sets it itself; remove this mapping", at: mapping.location)
    }

    private func reportUnknown(_ mapping: MappingDefinition) {
        let writable = object.fields.filter(\.isWritable)
        let keys = object.keys.filter(\.canCreate)
        let names = writable.map(\.name) + keys.map(\.name) + writable.flatMap(\.aliases) + keys.flatMap(\.aliases)
        var hint = NearestName.among(names, to: mapping.field).map { "did you mean `\($0)`?" } ?? ""
        if hint.isEmpty, let under = object.acceptsUnknownFieldsUnder, !mapping.field.hasPrefix(under + ".") {
            hint = "a custom field is written `\(under).\(mapping.field)`; "
        }
        if !hint.hasPrefix("did") { hint += "`sluice objects \(sync.destination) \(object.name)` lists the fields" }
        log.error(
            code: "unknown_field", "\(object.displayName) has no field `\(mapping.field)`", hint: hint,
            at: mapping.location)
    }

    private func check(_ mapping: MappingDefinition, type: FieldType) {
        switch mapping.source {
        case .column(_, let lookup, _):
            switch type {
            case .reference(_, let forms), .referenceList(_, let forms):
                checkReference(mapping, lookup: lookup, forms: forms)
            case _ where lookup != nil:
                log.error(
                    code: "unknown_lookup", "`\(mapping.field)` is no reference; `lookup` does not go with it",
                    hint: "remove `lookup`", at: mapping.valueLocation)
            default: break
            }
        case .constant(let value):
            guard let problem = ConstantCheck.problem(value, for: allowing(type)) else { return }
            log.error(
                code: "invalid_constant", "the field `\(mapping.field)` (\(type.word)) cannot take this constant",
                hint: problem, at: mapping.valueLocation)
        }
    }

    private func checkForm(_ mapping: MappingDefinition, _ field: DestinationField) {
        guard case .constant(let value) = mapping.source, let form = field.textForm,
            let misfit = form.misfit(in: value.text)
        else { return }
        log.error(
            code: "invalid_constant", "the field `\(mapping.field)` cannot take a text with \"\(misfit)\" there",
            hint: "use letters, digits and \(form.words)", at: mapping.valueLocation)
    }

    private func checkReference(_ mapping: MappingDefinition, lookup: String?, forms: [ReferenceForm]) {
        if forms.isEmpty || forms.contains(where: { $0.lookup == lookup }) { return }
        let words = forms.compactMap(\.lookup)
        guard let lookup else {
            log.error(
                code: "unknown_lookup", "`\(mapping.field)` needs `lookup`: what its column holds",
                hint: "it is one of: \(words.joined(separator: ", "))", at: mapping.valueLocation)
            return
        }
        let near = NearestName.among(words, to: lookup).map { "did you mean `\($0)`? " } ?? ""
        log.error(
            code: "unknown_lookup", "`\(mapping.field)` cannot be looked up by `\(lookup)`",
            hint: words.isEmpty
                ? "remove `lookup`: the column holds the destination's own id"
                : near + "it is one of: \(words.joined(separator: ", "))", at: mapping.valueLocation)
    }

    /// What a constant must suit: without choices, any text is one.
    private func allowing(_ type: FieldType) -> FieldType {
        switch type {
        case .choice where sync.allowUnknownChoices: .choice([])
        case .choiceList where sync.allowUnknownChoices: .choiceList([])
        default: type
        }
    }
}

/// Whether a constant can be what its field takes.
struct ConstantCheck {
    /// What the field expects, or nil where the constant suits. Null suits every field: it empties it.
    static func problem(_ value: Value, for type: FieldType) -> String? {
        if value == .null { return nil }
        let text = value.text
        switch type {
        case .any: return nil
        case .text, .richText, .reference: return isScalar(value) ? nil : "expected a text"
        case .email: return isScalar(value) && isEmail(text) ? nil : "expected an e-mail address"
        case .number: return number(value) == nil ? "expected a number" : nil
        case .integer: return number(value).map { $0 == $0.rounded() } ?? false ? nil : "expected a whole number"
        case .boolean: return isBoolean(value) ? nil : "expected true or false"
        case .date, .dateTime: return isDate(text) ? nil : "expected an ISO 8601 date, such as 2026-01-31"
        case .dayNumber:
            return isDate(text) || (number(value).map { $0 == $0.rounded() } ?? false)
                ? nil : "expected a date, or the days since 1970-01-01"
        case .choice(let choices):
            guard isScalar(value) else { return "expected a text" }
            return choices.isEmpty || choices.contains(text) ? nil : hint(text, choices)
        case .textList, .referenceList: return elements(value) == nil ? "expected a list of texts" : nil
        case .choiceList(let choices):
            guard let elements = elements(value) else { return "expected a list of texts" }
            return choices.isEmpty ? nil : elements.first { !choices.contains($0) }.map { hint($0, choices) }
        }
    }

    /// The elements of a list of plain values as texts, or a single value as the only one; nil for anything else.
    private static func elements(_ value: Value) -> [String]? {
        guard case .array(let json) = value else { return isScalar(value) ? [value.text] : nil }
        do {
            return try JSONDecoder().decode([PlainElement?].self, from: Data(json.utf8)).compactMap { $0?.text }
        } catch {
            return nil
        }
    }

    /// A text, number or boolean of a JSON array.
    private struct PlainElement: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else if let flag = try? container.decode(Bool.self) {
                text = String(flag)
            } else {
                text = "\(try container.decode(Decimal.self))"
            }
        }
    }

    private static func hint(_ text: String, _ choices: [String]) -> String {
        let near = NearestName.hint(for: text, among: choices)
        return near.isEmpty ? "expected one of \(choices.count) choices" : near
    }

    private static func isScalar(_ value: Value) -> Bool {
        switch value {
        case .json, .array, .bytes, .unreadable: false
        default: true
        }
    }

    private static func number(_ value: Value) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .double(let number): number.isFinite ? number : nil
        case .decimal(let text), .text(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }

    private static func isBoolean(_ value: Value) -> Bool {
        switch value {
        case .boolean: true
        case .integer(let number): number == 0 || number == 1
        case .text(let text):
            ["true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0"]
                .contains(text.lowercased())
        default: false
        }
    }

    private static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty && !text.contains(where: \.isWhitespace)
    }

    /// `YYYY-MM-DD`, alone or followed by `T` or a blank and a time.
    private static func isDate(_ text: String) -> Bool {
        let parts = text.prefix(10).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
            let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2]),
            (1...12).contains(month), (1...31).contains(day)
        else { return false }
        let (realYear, realMonth, realDay) = Calendar.civil(Calendar.days(year: year, month: month, day: day))
        guard (realYear, realMonth, realDay) == (year, month, day) else { return false }
        let rest = text.dropFirst(10)
        return rest.isEmpty || ((rest.first == "T" || rest.first == " ") && rest.count > 5)
    }
}
