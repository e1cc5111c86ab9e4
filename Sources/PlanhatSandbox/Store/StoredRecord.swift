/// One record, kept small: its properties as one run of bytes (two for the name's number, four for the length, then the
/// canonical JSON value), and what is not written as JSON.
struct StoredRecord: Sendable {
    private(set) var fields: [UInt8]
    var createdAt: Int64
    var updatedAt: Int64
    /// The number of the company it belongs to, plus one; 0 for none.
    var company: UInt32 = 0

    init(fields: [UInt8], createdAt: Int64) {
        self.fields = fields
        self.createdAt = createdAt
        updatedAt = createdAt
    }

    mutating func replace(fields: [UInt8], at time: Int64) {
        self.fields = fields
        updatedAt = time
    }

    /// Calls `body` with every field's name number and value, in stored order.
    func forEachField(_ body: (UInt16, ArraySlice<UInt8>) -> Void) {
        var position = 0
        while position < fields.count {
            let (name, value) = field(at: position)
            body(name, value)
            position = value.endIndex
        }
    }

    /// The value of one field, nil where it has none.
    func value(_ wanted: UInt16) -> ArraySlice<UInt8>? {
        var position = 0
        while position < fields.count {
            let (name, value) = field(at: position)
            if name == wanted { return value }
            position = value.endIndex
        }
        return nil
    }

    func value(_ property: Property) -> ArraySlice<UInt8>? { value(property.rawValue) }

    /// A property as text for people, nil where it has none.
    func text(_ property: Property) -> String? { value(property).map(JSONText.plain) }

    /// What a person is called: by the whole name, by its parts, or by the email.
    var personName: String? {
        if let name = text(.name) { return name }
        let parts = [text(.firstName), text(.lastName)].compactMap { $0 }.joined(separator: " ")
        return parts.isEmpty ? text(.nickName) ?? text(.email) : parts
    }

    /// A property as a number, nil where it is none.
    func number(_ property: Property) -> Double? {
        value(property).flatMap { JSONText.isNumber($0) ? Double(String(decoding: $0, as: UTF8.self)) : nil }
    }

    /// Whether a conversation is a ticket.
    var isTicket: Bool { value(.type)?.elementsEqual("\"ticket\"".utf8) == true }

    private func field(at position: Int) -> (UInt16, ArraySlice<UInt8>) {
        let name = UInt16(fields[position]) | UInt16(fields[position + 1]) << 8
        var length = 0
        for index in 0..<4 { length |= Int(fields[position + 2 + index]) << (8 * index) }
        return (name, fields[(position + 6)..<(position + 6 + length)])
    }

    static func append(_ name: UInt16, _ value: ArraySlice<UInt8>, to out: inout [UInt8]) {
        out.append(UInt8(truncatingIfNeeded: name))
        out.append(UInt8(truncatingIfNeeded: name >> 8))
        for index in 0..<4 { out.append(UInt8(truncatingIfNeeded: value.count >> (8 * index))) }
        out.append(contentsOf: value)
    }
}
