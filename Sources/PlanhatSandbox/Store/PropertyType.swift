internal import Records

/// What a property may hold, and how a value of another kind is turned into it: as a schema-bound store casts (a number
/// becomes text, `"12"` becomes 12), or refused.
enum PropertyType: Sendable, Equatable {
    case text
    case number(ClosedRange<Double>?)
    /// A number over 0.
    case positive
    case integer(ClosedRange<Int>)
    /// Whole days since 1970-01-01.
    case day
    case flag
    case list
    case date
    /// A custom field's day: a date or a number of days. Which of the two Planhat keeps is not known.
    case customDay
    case userID
    /// The `_id` of a record.
    case recordID
    case idList
    case companyReference
    case choice([String])
    /// A list of which each element is one of these.
    case choices([String])
    case anything

    /// The types a custom field may have.
    static let customTypes = [
        "number", "text", "rich text", "checkbox", "day", "date", "list", "multipicklist", "team member",
        "team members", "rating", "phone", "email", "enduser", "endusers", "url",
    ]

    /// - Parameter choices: what `list` and `multipicklist` allow; nil for anything.
    init(customType: String, choices: [String]? = nil) {
        switch (customType, choices) {
        case ("list", let choices?):
            self = .choice(choices)
            return
        case ("multipicklist", let choices?):
            self = .choices(choices)
            return
        default: break
        }
        switch customType {
        case "number", "rating": self = .number(nil)
        case "checkbox": self = .flag
        case "date": self = .date
        case "day": self = .customDay
        case "multipicklist", "team members", "endusers": self = .list
        case "text", "rich text", "phone", "email", "url": self = .text
        default: self = .anything
        }
    }

    /// The value as this type holds it, or nil where it cannot be.
    /// - Parameter value: a canonical JSON value that is not null.
    /// - Parameter isStrict: whether a value of another kind is refused instead of being turned into this one.
    func cast(_ value: ArraySlice<UInt8>, _ kind: JSONKind, isStrict: Bool = false) -> ArraySlice<UInt8>? {
        if isStrict, !suits(kind) { return nil }
        switch self {
        case .anything: return value
        case .text, .companyReference: return Self.castText(value, kind)
        case .number(let range): return Self.castNumber(value, kind, range)
        case .positive:
            return Self.castNumber(value, kind, Double.leastNonzeroMagnitude...Double.greatestFiniteMagnitude)
        case .integer(let range): return Self.castInteger(value, kind, range)
        case .day: return Self.castInteger(value, kind, -100_000_000...100_000_000)
        case .flag: return Self.castFlag(value, kind)
        case .list: return kind == .array ? value : [UInt8(ascii: "[")] + value + [UInt8(ascii: "]")]
        case .date, .customDay: return Self.castDate(value, kind)
        case .userID, .recordID: return Self.isID(value, kind) ? value : nil
        case .idList:
            guard kind == .array else { return Self.isID(value, kind) ? JSONText.array([Array(value)]) : nil }
            return JSONText.elements(value).allSatisfy { Self.isID($0[...], .string) } ? value : nil
        case .choice(let choices):
            return kind == .string && choices.contains(JSONText.plain(value)) ? value : nil
        case .choices(let choices):
            let elements = kind == .array ? JSONText.elements(value) : [Array(value)]
            return elements.allSatisfy { choices.contains(JSONText.plain($0[...])) } ? JSONText.array(elements) : nil
        }
    }

    /// What the type asks for, as the end of a sentence about a field.
    var expectation: String {
        switch self {
        case .text, .companyReference: "must be text"
        case .number(let range):
            range.map { "must be a number from \($0.lowerBound) to \($0.upperBound)" }
                ?? "must be a number"
        case .positive: "must be a number over 0"
        case .integer(let range): "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .day: "must be a whole number of days since 1970-01-01"
        case .flag: "must be true or false"
        case .list: "must be an array"
        case .date, .customDay: "must be an ISO 8601 date"
        case .userID: "must be a user's _id (24 hexadecimal digits)"
        case .recordID: "must be an _id (24 hexadecimal digits)"
        case .idList: "must be an array of _ids (24 hexadecimal digits)"
        case .choice(let choices): "must be one of \(choices.joined(separator: ", "))"
        case .choices(let choices): "must be an array of some of \(choices.joined(separator: ", "))"
        case .anything: "cannot hold this value"
        }
    }

    /// Whether values of that kind are the type's own.
    private func suits(_ kind: JSONKind) -> Bool {
        switch self {
        case .anything: true
        case .text, .companyReference, .userID, .recordID, .choice: kind == .string
        case .number, .positive, .integer, .day: kind == .number
        case .flag: kind == .true || kind == .false
        case .list, .idList, .choices: kind == .array
        case .date, .customDay: kind == .string || kind == .number
        }
    }

    private static func isID(_ value: ArraySlice<UInt8>, _ kind: JSONKind) -> Bool {
        kind == .string && value.first == UInt8(ascii: "\"") && RecordID.isForm(JSONText.inner(value))
    }

    private static func castText(_ value: ArraySlice<UInt8>, _ kind: JSONKind) -> ArraySlice<UInt8>? {
        switch kind {
        case .string: return value
        case .number, .true, .false: return [UInt8(ascii: "\"")] + value + [UInt8(ascii: "\"")]
        case .null, .array, .object: return nil
        }
    }

    private static func castNumber(
        _ value: ArraySlice<UInt8>,
        _ kind: JSONKind,
        _ range: ClosedRange<Double>?
    ) -> ArraySlice<UInt8>? {
        let number: ArraySlice<UInt8>
        switch kind {
        case .number: number = value
        case .string: number = JSONText.inner(value)
        case .true: number = [UInt8(ascii: "1")]
        case .false: number = [UInt8(ascii: "0")]
        case .null, .array, .object: return nil
        }
        if kind == .number, range == nil { return number }
        guard JSONText.isNumber(number), let double = Double(String(decoding: number, as: UTF8.self)), double.isFinite
        else { return nil }
        if let range, !range.contains(double) { return nil }
        return number
    }

    private static func castInteger(
        _ value: ArraySlice<UInt8>,
        _ kind: JSONKind,
        _ range: ClosedRange<Int>
    ) -> ArraySlice<UInt8>? {
        guard kind == .number || kind == .string,
            let number = castNumber(value, kind, Double(range.lowerBound)...Double(range.upperBound)),
            let double = Double(String(decoding: number, as: UTF8.self)), double == double.rounded()
        else { return nil }
        return number
    }

    private static func castFlag(_ value: ArraySlice<UInt8>, _ kind: JSONKind) -> ArraySlice<UInt8>? {
        switch kind {
        case .true, .false: return value
        case .null, .array, .object: return nil
        case .string, .number:
            switch String(decoding: JSONText.inner(value), as: UTF8.self) {
            case "true", "1", "yes": return ArraySlice("true".utf8)
            case "false", "0", "no": return ArraySlice("false".utf8)
            default: return nil
            }
        }
    }

    /// Text that starts like an ISO date, or a number (milliseconds, or days).
    private static func castDate(_ value: ArraySlice<UInt8>, _ kind: JSONKind) -> ArraySlice<UInt8>? {
        if kind == .number { return value }
        return kind == .string && ISOTime.days(JSONText.inner(value)) != nil ? value : nil
    }
}
