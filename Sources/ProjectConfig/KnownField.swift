package import ConnectorKit
internal import Records
internal import SyncCore

/// A field whose description is known, be it declared or found in the account, and what may be mapped to it.
package struct KnownField {
    private let field: DestinationField
    private let sync: SyncDefinition

    package init(_ field: DestinationField, of sync: SyncDefinition) {
        self.field = field
        self.sync = sync
    }

    /// What is wrong with how the value is given: a look-up that the field does not have, or a constant that cannot be cast.
    package func problem(with mapping: MappingDefinition) -> Diagnostic? {
        switch mapping.source {
        case .column(_, let lookup, _): lookupProblem(mapping, lookup)
        case .constant(let value): constantProblem(mapping, value)
        }
    }

    private func error(_ code: String, _ message: String, _ hint: String, _ mapping: MappingDefinition) -> Diagnostic {
        Diagnostic(.error, code: code, message: message, hint: hint, at: mapping.valueLocation)
    }

    // MARK: Look-ups

    private func lookupProblem(_ mapping: MappingDefinition, _ lookup: String?) -> Diagnostic? {
        let forms: [ReferenceForm]
        switch field.type {
        case .reference(_, let known), .referenceList(_, let known): forms = known
        default:
            guard lookup != nil else { return nil }
            return error(
                "unknown_lookup", "`\(mapping.field)` is no reference; `lookup` does not go with it", "remove `lookup`",
                mapping)
        }
        if forms.isEmpty || forms.contains(where: { $0.lookup == lookup }) { return nil }
        let words = forms.compactMap(\.lookup)
        guard let lookup else {
            return error(
                "unknown_lookup", "`\(mapping.field)` needs `lookup`: what its column holds",
                "it is one of: \(words.joined(separator: ", "))", mapping)
        }
        let near = NearestName.among(words, to: lookup).map { "did you mean `\($0)`? " } ?? ""
        return error(
            "unknown_lookup", "`\(mapping.field)` cannot be looked up by `\(lookup)`",
            words.isEmpty
                ? "remove `lookup`: the column holds the destination's own id"
                : near + "it is one of: \(words.joined(separator: ", "))", mapping)
    }

    // MARK: Constants

    private func constantProblem(_ mapping: MappingDefinition, _ value: Value) -> Diagnostic? {
        let message = "the field `\(mapping.field)` (\(field.type.word)) cannot take this constant"
        guard isOfKind(value) else { return error("invalid_constant", message, expected, mapping) }
        guard
            let problem = ConstantCast.problem(value, for: field, allowsUnknownChoices: sync.allowUnknownChoices)
        else { return nil }
        let reason = problem.message.hasSuffix(".") ? String(problem.message.dropLast()) : problem.message
        let code = problem.code == "reserved_value" ? problem.code : "invalid_constant"
        return error(code, message + ": " + reason, hint(problem), mapping)
    }

    /// A list or a mapping in the file of what takes a plain value is a slip, although the JSON of a column would go.
    private func isOfKind(_ value: Value) -> Bool {
        switch (value, field.type) {
        case (_, .any): true
        case (.json, _): false
        case (.array, .textList), (.array, .choiceList), (.array, .referenceList): true
        case (.array, _): false
        default: true
        }
    }

    private func hint(_ problem: Cast.Problem) -> String {
        switch problem.code {
        case "not_a_choice", "reserved_value": problem.hint
        case "out_of_range": "write a number within the bounds"
        case "text_too_long": "write a shorter text"
        case "text_not_of_form": field.textForm.map { "use letters, digits and \($0.words)" } ?? problem.hint
        default: expected
        }
    }

    private var expected: String {
        switch field.type {
        case .text, .richText, .reference, .any, .choice: "expected a text"
        case .email: "expected an e-mail address"
        case .number: "expected a number"
        case .integer: "expected a whole number"
        case .boolean: "expected true or false"
        case .date, .dateTime: "expected an ISO 8601 date, such as 2026-01-31"
        case .dayNumber: "expected a date, or the days since 1970-01-01"
        case .textList, .choiceList, .referenceList: "expected a list of texts"
        }
    }
}
