/// One object of an analytics body: its properties as canonical JSON, each name once.
struct EventFields: Sendable {
    private(set) var members: [(name: String, value: [UInt8])] = []

    /// A value that is not null.
    subscript(_ name: String) -> ArraySlice<UInt8>? {
        guard let value = members.last(where: { $0.name == name })?.value, !value.elementsEqual("null".utf8) else {
            return nil
        }
        return value[...]
    }

    /// A text or a number that is not blank, as a canonical JSON string without its quotes.
    func key(_ names: String...) -> ArraySlice<UInt8>? {
        for name in names {
            guard let value = self[name], value.first == UInt8(ascii: "\"") || JSONText.isNumber(value) else {
                continue
            }
            let inner = JSONText.inner(value)
            if inner.contains(where: { $0 != 0x20 }) { return inner }
        }
        return nil
    }

    func text(_ names: String...) -> String? {
        for name in names {
            if let key = key(name) { return JSONText.plain(key) }
        }
        return nil
    }

    /// The properties of an object within this one; none where there is no such object.
    func object(_ name: String) -> EventFields {
        guard let value = self[name] else { return EventFields() }
        do {
            return try EventFields.read(Array(value)).first ?? EventFields()
        } catch {
            return EventFields()
        }
    }

    mutating func set(_ name: String, _ value: some Sequence<UInt8>) {
        members.removeAll { $0.name == name }
        members.append((name, Array(value)))
    }

    /// Reads a body: one object, or an array of objects.
    static func read(_ body: [UInt8]) throws(PayloadError) -> [EventFields] {
        var rows: [EventFields] = []
        do {
            var reader = try JSONReader(body)
            switch try reader.peek() {
            case .object: rows.append(try row(&reader))
            case .array:
                var isMore = try reader.enter(.array)
                while isMore {
                    guard try reader.peek() == .object else { throw PayloadError.notAnObject }
                    rows.append(try row(&reader))
                    isMore = try reader.hasNext(in: .array)
                }
            default: throw PayloadError.notAnArray
            }
            try reader.expectEnd()
        } catch let error as PayloadError {
            throw error
        } catch let error as JSONError {
            throw .notJSON(error)
        } catch {
            throw .notAnArray
        }
        return rows
    }

    private static func row(_ reader: inout JSONReader) throws(JSONError) -> EventFields {
        var fields = EventFields()
        var isMore = try reader.enter(.object)
        while isMore {
            var name: [UInt8] = []
            try reader.copyName(into: &name)
            var value: [UInt8] = []
            try reader.copyValue(into: &value)
            fields.members.append((JSONText.plain(name[...]), value))
            isMore = try reader.hasNext(in: .object)
        }
        return fields
    }
}
