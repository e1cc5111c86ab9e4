package import ConnectorKit

extension PlanhatDestination {
    package func discoveredFields(
        of object: DestinationObject
    ) async throws(DestinationError) -> [DestinationField] {
        var pages = RecordPages(client: client, path: "customfields")
        var fields: [String: DestinationField] = [:]
        while let records = try await pages.next() {
            for record in records {
                guard let parent = record["parent"]?.scalarText, CustomField.names(parent, object.name),
                    let field = CustomField.field(record), fields[field.name] == nil
                else { continue }
                fields[field.name] = field
            }
        }
        days.learn(fields.values, of: object)
        return fields.values.sorted { $0.name < $1.name }
    }
}

/// How a custom field of an account becomes a field that can be mapped.
package enum CustomField {
    /// Kept as conversations in Planhat, so that a conversation's custom fields are theirs.
    private static let talks: Set<String> = ["note", "ticket"]

    /// `enduser`, `EndUser` and `end_user` are one model.
    package static func names(_ parent: String, _ object: String) -> Bool {
        func folded(_ text: String) -> String { text.lowercased().filter { $0 != "_" && $0 != " " } }
        let names = talks.contains(object) ? [object, "conversation"] : [object]
        return names.contains { folded(parent) == folded($0) }
    }

    /// Nil for a record without a name.
    package static func field(_ record: JSONValue) -> DestinationField? {
        guard case .string(let name)? = record["name"], !name.isEmpty else { return nil }
        let word = record["type"]?.scalarText ?? ""
        let isFormula = record["isFormula"] == .boolean(true)
        return DestinationField(
            "custom.\(name)", isFormula ? .any : type(word.lowercased(), choices: choices(record)),
            isWritable: !isFormula, help: help(record, word: word, isFormula: isFormula))
    }

    private static func choices(_ record: JSONValue) -> [String] {
        guard case .array(let values)? = record["listValues"] else { return [] }
        return values.compactMap(\.scalarText)
    }

    private static func type(_ word: String, choices: [String]) -> FieldType {
        switch word {
        case "number", "rating": .number
        case "text", "phone", "url": .text
        case "rich text": .richText
        case "email": .email
        case "checkbox": .boolean
        case "day": .date
        case "date": .dateTime
        case "list": choices.isEmpty ? .text : .choice(choices)
        case "multipicklist": choices.isEmpty ? .textList : .choiceList(choices)
        case "team member": PlanhatObjects.userReference
        case "team members": PlanhatObjects.usersReference
        case "enduser": PlanhatObjects.endUserReference
        case "endusers": PlanhatObjects.endUsersReference
        default: .any
        }
    }

    private static func help(_ record: JSONValue, word: String, isFormula: Bool) -> String {
        if isFormula { return "Computed by Planhat with a formula." }
        var parts = ["Custom field of type \(word.isEmpty ? "unknown" : word)."]
        if record["isMandatory"] == .boolean(true) { parts.append("Mandatory in Planhat.") }
        if record["isLocked"] == .boolean(true) { parts.append("Locked against changes in Planhat's app.") }
        return parts.joined(separator: " ")
    }
}
