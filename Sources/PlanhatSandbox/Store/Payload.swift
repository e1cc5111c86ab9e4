/// Why a request's body is not taken at all.
package enum PayloadError: Error, Equatable {
    case notJSON(JSONError)
    case notAnArray
    case notAnObject
    case tooManyRows

    var message: String {
        switch self {
        case .notJSON(let error): "The body is not JSON: \(error.message) (byte \(error.offset))"
        case .notAnArray: "The body must be an array of objects"
        case .notAnObject: "The body must be an object"
        case .tooManyRows: "At most \(Payload.rowsMax) items are allowed in one request"
        }
    }
}

/// The rows of a request's body, read in one go before anything is written: flat, every value canonical.
struct Payload {
    /// Items of one bulk upsert.
    static let rowsMax = 5_000

    struct Field {
        let name: UInt16
        let kind: JSONKind
        let range: Range<Int>
    }

    struct Row {
        var fields: Range<Int> = 0..<0
        /// The row as it was sent, in the body.
        var sent: Range<Int> = 0..<0
        var problem: String?
        /// It holds a `custom` object that is not empty.
        var hasCustom = false
    }

    let body: [UInt8]
    private(set) var arena: [UInt8] = []
    private(set) var fields: [Field] = []
    private(set) var rows: [Row] = []

    private init(body: [UInt8]) {
        self.body = body
        arena.reserveCapacity(body.count)
    }

    func value(_ field: Field) -> ArraySlice<UInt8> { arena[field.range] }

    func sent(_ row: Row) -> ArraySlice<UInt8> { body[row.sent] }

    /// Reads an array of rows.
    /// - Parameter allowsObject: whether one row may come without an array around it.
    static func rows(
        _ body: [UInt8],
        _ names: inout NameTable,
        allowsObject: Bool = false
    ) throws(PayloadError) -> Payload {
        var payload = Payload(body: body)
        do {
            var reader = try JSONReader(body)
            if allowsObject, try reader.peek() == .object { return try row(body, &names) }
            guard try reader.peek() == .array else { throw PayloadError.notAnArray }
            var isMore = try reader.enter(.array)
            while isMore {
                guard payload.rows.count < rowsMax else { throw PayloadError.tooManyRows }
                try payload.readRow(&reader, &names)
                isMore = try reader.hasNext(in: .array)
            }
            try reader.expectEnd()
        } catch let error as PayloadError {
            throw error
        } catch let error as JSONError {
            throw .notJSON(error)
        } catch {
            throw .notAnArray
        }
        return payload
    }

    /// Reads one row, the body of a single call.
    static func row(_ body: [UInt8], _ names: inout NameTable) throws(PayloadError) -> Payload {
        var payload = Payload(body: body)
        do throws(JSONError) {
            var reader = try JSONReader(body)
            try payload.readRow(&reader, &names)
            try reader.expectEnd()
        } catch {
            throw .notJSON(error)
        }
        guard payload.body[payload.rows[0].sent].first == UInt8(ascii: "{") else { throw .notAnObject }
        return payload
    }

    private mutating func readRow(_ reader: inout JSONReader, _ names: inout NameTable) throws(JSONError) {
        let first = fields.count
        var row = Row()
        let kind = try reader.peek()
        let start = reader.position
        if kind == .object {
            try readFields(&reader, &names, into: &row)
        } else {
            try skipValue(&reader)
            row.problem = "An item must be an object"
        }
        row.fields = first..<fields.count
        row.sent = start..<reader.position
        rows.append(row)
    }

    private mutating func readFields(
        _ reader: inout JSONReader,
        _ names: inout NameTable,
        into row: inout Row
    ) throws(JSONError) {
        var isMore = try reader.enter(.object)
        while isMore {
            let mark = arena.count
            try reader.copyName(into: &arena)
            let name = names.property(JSONText.inner(arena[mark...]))
            arena.removeLast(arena.count - mark)
            if name == Property.custom.rawValue, try reader.peek() == .object {
                try readCustom(&reader, &names, into: &row)
            } else if let name {
                try readValue(&reader, name)
            } else {
                try skipValue(&reader)
            }
            isMore = try reader.hasNext(in: .object)
        }
    }

    private mutating func readCustom(
        _ reader: inout JSONReader,
        _ names: inout NameTable,
        into row: inout Row
    ) throws(JSONError) {
        var isMore = try reader.enter(.object)
        row.hasCustom = row.hasCustom || isMore
        while isMore {
            let mark = arena.count
            try reader.copyName(into: &arena)
            let name = names.customName(JSONText.inner(arena[mark...]))
            arena.removeLast(arena.count - mark)
            if let name {
                try readValue(&reader, name)
            } else {
                try skipValue(&reader)
                row.problem = "There are too many custom field names"
            }
            isMore = try reader.hasNext(in: .object)
        }
    }

    private mutating func readValue(_ reader: inout JSONReader, _ name: UInt16) throws(JSONError) {
        let start = arena.count
        let kind = try reader.copyValue(into: &arena, depth: 2)
        fields.append(Field(name: name, kind: kind, range: start..<arena.count))
    }

    private mutating func skipValue(_ reader: inout JSONReader) throws(JSONError) {
        let mark = arena.count
        try reader.copyValue(into: &arena, depth: 1)
        arena.removeLast(arena.count - mark)
    }
}
