internal import Records

/// What a property may hold, and how a value of another kind is turned into it: as a schema-bound store casts (a number
/// becomes text, `"12"` becomes 12), or refused.
enum PropertyType: Sendable, Equatable {
    case text
    case number(ClosedRange<Double>?)
    case flag
    case list
    case date
    case userID
    case companyReference
    case choice([String])
    case anything

    /// The types a custom field may have.
    static let customTypes = [
        "number", "text", "rich text", "checkbox", "day", "date", "list", "multipicklist", "team member",
        "team members", "rating", "phone", "email", "enduser", "endusers", "url",
    ]

    init(customType: String) {
        switch customType {
        case "number", "rating": self = .number(nil)
        case "checkbox": self = .flag
        case "date", "day": self = .date
        case "multipicklist", "team members", "endusers": self = .list
        case "text", "rich text", "phone", "email", "url": self = .text
        default: self = .anything
        }
    }

    /// The value as this type holds it, or nil where it cannot be.
    /// - Parameter value: a canonical JSON value that is not null.
    func cast(_ value: ArraySlice<UInt8>, _ kind: JSONKind) -> ArraySlice<UInt8>? {
        switch self {
        case .anything: return value
        case .text, .companyReference: return Self.castText(value, kind)
        case .number(let range): return Self.castNumber(value, kind, range)
        case .flag: return Self.castFlag(value, kind)
        case .list: return kind == .array ? value : [UInt8(ascii: "[")] + value + [UInt8(ascii: "]")]
        case .date: return Self.castDate(value, kind)
        case .userID:
            return kind == .string && RecordID.isForm(JSONText.inner(value)) ? value : nil
        case .choice(let choices):
            return kind == .string && choices.contains(JSONText.plain(value)) ? value : nil
        }
    }

    /// What the type asks for, as the end of a sentence about a field.
    var expectation: String {
        switch self {
        case .text, .companyReference: "must be text"
        case .number(let range):
            range.map { "must be a number from \($0.lowerBound) to \($0.upperBound)" }
                ?? "must be a number"
        case .flag: "must be true or false"
        case .list: "must be an array"
        case .date: "must be an ISO 8601 date"
        case .userID: "must be a user's _id (24 hexadecimal digits)"
        case .choice(let choices): "must be one of \(choices.joined(separator: ", "))"
        case .anything: "cannot hold this value"
        }
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
        let text = Array(JSONText.inner(value))
        guard kind == .string, text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-") else {
            return nil
        }
        guard text.count == 10 || text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " ") else { return nil }
        let parts = [text[0..<4], text[5..<7], text[8..<10]].map { Int64(String(decoding: $0, as: UTF8.self)) }
        guard let year = parts[0], let month = parts[1], let day = parts[2] else { return nil }
        let civil = Calendar.civil(Calendar.days(year: year, month: month, day: day))
        return civil == (year, month, day) ? value : nil
    }
}
