/// What a parameter of a list picks records by. Values may be a list with commas.
enum ListFilter: Sendable {
    /// The property is one of the values, letter for letter.
    case texts(Property)
    /// The property is the value, whatever the case of the letters.
    case text(Property)
    /// The property is true, or not.
    case flag(Property)
    /// The property has a value, or not.
    case isPresent(Property)
    /// The list holds one of the values, alone or as the id of an object.
    case members(Property)
    /// One of the properties holds the value, whatever the case of the letters.
    case search([Property])

    /// The property whose index names the few records that can match.
    var indexed: Property? {
        switch self {
        case .texts(let property), .text(let property): ModelTable.isKey(property.rawValue) ? property : nil
        case .flag, .isPresent, .members, .search: nil
        }
    }

    func matches(_ record: StoredRecord, _ value: String) -> Bool {
        switch self {
        case .texts(let property):
            guard let text = record.text(property) else { return false }
            return Self.parts(value).contains(text)
        case .text(let property): return record.text(property)?.lowercased() == value.lowercased()
        case .flag(let property): return (record.text(property) == "true") == (value == "true")
        case .isPresent(let property): return (record.value(property) != nil) == (value == "true")
        case .members(let property):
            let wanted = Set(Self.parts(value))
            return record.ids(property).contains { wanted.contains($0) }
        case .search(let properties):
            let wanted = value.lowercased()
            return properties.contains { record.text($0)?.lowercased().contains(wanted) == true }
        }
    }

    /// The parts between commas, without the spaces around them.
    static func parts(_ text: String) -> [String] {
        text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }
}

extension StoredRecord {
    /// The ids in a list of ids, or of objects with an `id` or `_id`.
    func ids(_ property: Property) -> [String] {
        guard let value = value(property) else { return [] }
        return JSONText.elements(value).compactMap { element in
            guard element.first == UInt8(ascii: "{") else { return JSONText.plain(element[...]) }
            for name in ["id", "_id"] {
                if let id = try? JSONText.member(name, of: element) { return JSONText.plain(id[...]) }
            }
            return nil
        }
    }
}
