/// One value as a Swift value: for previews, messages, constants and tests. Rows of a scan stay in a `RowBatch`.
public enum Value: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    /// Canonical decimal text (see `CellKind.decimal`).
    case decimal(String)
    case text(String)
    /// Days since 1970-01-01.
    case date(Int64)
    /// Microseconds since midnight.
    case time(Int64)
    /// Microseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)
    case localTimestamp(Int64)
    case interval(String)
    case uuid(String)
    case json(String)
    case bytes([UInt8])
    case array(String)
    case unreadable(Reason)

    public init(_ cell: Cell) {
        let text = { unsafe String(decoding: cell.bytes, as: UTF8.self) }
        switch cell.kind {
        case .null: self = .null
        case .false: self = .boolean(false)
        case .true: self = .boolean(true)
        case .integer: self = .integer(cell.integer)
        case .double: self = .double(cell.double)
        case .decimal: self = .decimal(text())
        case .text: self = .text(text())
        case .date: self = .date(cell.integer)
        case .time: self = .time(cell.integer)
        case .timestamp: self = .timestamp(cell.integer)
        case .localTimestamp: self = .localTimestamp(cell.integer)
        case .interval: self = .interval(text())
        case .uuid: self = .uuid(text())
        case .json: self = .json(text())
        case .bytes: self = unsafe .bytes(Array(cell.bytes))
        case .array: self = .array(text())
        case .unreadable: self = .unreadable(cell.reason)
        }
    }
}

extension RowBatchBuilder {
    /// Appends any value; for tests and small things.
    public mutating func append(_ value: Value) {
        switch value {
        case .null: appendNull()
        case .boolean(let flag): append(flag)
        case .integer(let number): append(number)
        case .double(let number): append(number)
        case .decimal(let text): append(.decimal, text)
        case .text(let text): append(.text, text)
        case .date(let days): append(.date, days)
        case .time(let micros): append(.time, micros)
        case .timestamp(let micros): append(.timestamp, micros)
        case .localTimestamp(let micros): append(.localTimestamp, micros)
        case .interval(let text): append(.interval, text)
        case .uuid(let text): append(.uuid, text)
        case .json(let text): append(.json, text)
        case .bytes(let bytes): unsafe bytes.withUnsafeBytes { unsafe append(.bytes, $0) }
        case .array(let text): append(.array, text)
        case .unreadable(let reason): appendUnreadable(reason)
        }
    }
}

extension Value {
    /// The value as a person would write it: what a text field of a destination is given, and what tables show.
    /// Dates are ISO 8601; an infinity or a year outside 0001...9999 is written as PostgreSQL writes it.
    public var text: String {
        switch self {
        case .null: ""
        case .boolean(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .double(let number): Self.shortest(number)
        case .decimal(let text), .text(let text), .interval(let text), .uuid(let text), .json(let text),
            .array(let text):
            text
        case .date(let days): Calendar.dateText(days)
        case .time(let micros): Calendar.timeText(micros)
        case .timestamp(let micros): Calendar.timestampText(micros, zone: "Z")
        case .localTimestamp(let micros): Calendar.timestampText(micros, zone: "")
        case .bytes(let bytes): "\\x" + bytes.prefix(64).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case .unreadable(let reason): "(\(reason.message))"
        }
    }

    /// `1.0` is written `1`, as in JSON and in every database's text.
    static func shortest(_ number: Double) -> String {
        if number == number.rounded(), abs(number) < 1e15 { return String(Int64(number)) }
        return number.description
    }
}
