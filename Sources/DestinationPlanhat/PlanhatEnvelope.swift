/// The answer to a bulk write: counts and lists (`created`, `createdErrors`, `insertsKeys`, ...). The lists of keys,
/// which are long, are only passed over here and read when there is something to tell apart.
package struct PlanhatEnvelope: Sendable {
    /// One entry of one of the error lists, and which list it stood in.
    package struct Entry: Sendable, Hashable {
        package var list: String
        package var value: JSONValue
    }

    package var created = 0
    package var updated = 0
    package var nonupdates = 0
    package var errors: [Entry] = []
    /// At least one of the three counts was there.
    package var hasCounts = false
    /// At least one of the error lists was there, be it empty.
    package var hasErrorLists = false
    /// A single record was answered instead of an envelope.
    package var isRecord = false
    private var keyLists: [Int] = []
    private var idLists: [Int] = []

    /// Why an answer is not an envelope.
    package struct Unreadable: Error {
        package var why: String
    }

    /// Reads the answer. Throws where it is not JSON, not an object, or a count is not a whole number; what else
    /// stands in the object is left alone.
    package init(_ body: [UInt8]) throws(Unreadable) {
        if body.allSatisfy({ $0 <= 0x20 }) { throw Unreadable(why: "it is empty") }
        var reader = JSONReader(body)
        guard reader.peek() == UInt8(ascii: "{") else {
            throw Unreadable(why: JSONReader.valueIfAny(body) == nil ? "it is not JSON" : "it is not a JSON object")
        }
        var badCount: String?
        do {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                if try !read(name, &reader) { badCount = name }
            }
            try reader.expectEnd()
        } catch {
            throw Unreadable(why: "it is not complete JSON (byte \(error.offset))")
        }
        if let badCount { throw Unreadable(why: "`\(badCount)` is not a whole number") }
    }

    package var isEnvelope: Bool { hasCounts || hasErrorLists }

    /// How many rows the counts account for. The counts are at most `Int32.max` each.
    package var succeeded: Int { created + updated + nonupdates }

    /// The entries of `insertsKeys` and `updatesKeys`: who was written, as far as the answer names them.
    package func writtenKeys(in body: [UInt8]) -> [JSONValue] { Self.elements(keyLists, of: body) }

    /// Planhat's own ids of what was written, as `upsertedIds` and `modified` have them: not by row.
    package func writtenIDs(in body: [UInt8]) -> Set<String> {
        Set(Self.elements(idLists, of: body).compactMap(\.scalarText))
    }

    private static func elements(_ lists: [Int], of body: [UInt8]) -> [JSONValue] {
        lists.flatMap { offset -> [JSONValue] in
            var reader = JSONReader(body)
            reader.position = offset
            do {
                guard case .array(let keys) = try reader.value() else { return [] }
                return keys
            } catch {
                return []
            }
        }
    }

    /// Reads one member; false if it is a count that is not a whole number.
    private mutating func read(_ name: String, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
        switch name {
        case "created": return try count(\.created, &reader)
        case "updated": return try count(\.updated, &reader)
        case "nonupdates": return try count(\.nonupdates, &reader)
        case "insertsKeys", "updatesKeys":
            _ = reader.peek()
            keyLists.append(reader.position)
            try reader.skipValue()
        case "upsertedIds", "modified":
            _ = reader.peek()
            idLists.append(reader.position)
            try reader.skipValue()
        case "_id":
            isRecord = true
            try reader.skipValue()
        default:
            if name == "errors" || name.hasSuffix("Errors") {
                hasErrorLists = true
                add(try reader.value(), from: name)
            } else {
                try reader.skipValue()
            }
        }
        return true
    }

    private mutating func count(
        _ field: WritableKeyPath<PlanhatEnvelope, Int>, _ reader: inout JSONReader
    ) throws(JSONFault) -> Bool {
        switch try reader.value() {
        case .null: return true
        case .number(let digits):
            guard let number = Double(digits), let whole = Int32(exactly: number) else { return false }
            hasCounts = true
            self[keyPath: field] = Int(whole)
            return true
        default: return false
        }
    }

    /// A list is taken entry by entry; anything else that says something is one entry.
    private mutating func add(_ value: JSONValue, from list: String) {
        switch value {
        case .null, .boolean(false), .string(""), .object([]): break
        case .array(let entries): errors += entries.map { Entry(list: list, value: $0) }
        default: errors.append(Entry(list: list, value: value))
        }
    }
}
