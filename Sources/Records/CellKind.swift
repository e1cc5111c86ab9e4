/// What one cell of a row holds. The raw value is the first byte of the cell's encoding and part of the
/// fingerprint, so a number here never changes its meaning.
@frozen
public enum CellKind: UInt8, Sendable, CaseIterable {
    case null = 0
    case `false` = 1
    case `true` = 2
    /// Any integer width: eight bytes, little-endian, signed.
    case integer = 3
    /// Eight bytes, IEEE 754. Negative zero is stored as zero and every NaN as one NaN.
    case double = 4
    /// Exact decimal as ASCII, canonical: no plus sign, no exponent, no leading or trailing zeros, `0` for zero,
    /// or `NaN`, `Infinity`, `-Infinity`.
    case decimal = 5
    /// Valid UTF-8.
    case text = 6
    /// Days since 1970-01-01, eight bytes. `Int64.max` and `Int64.min` are the infinities.
    case date = 7
    /// Microseconds since midnight, eight bytes.
    case time = 8
    /// An instant: microseconds since 1970-01-01T00:00:00Z, eight bytes, infinities as for `date`.
    case timestamp = 9
    /// A date and time without a zone: microseconds since 1970-01-01T00:00:00 of its own clock, infinities likewise.
    case localTimestamp = 10
    /// ISO 8601 duration as ASCII (`P1Y2M3DT4H5M6.5S`).
    case interval = 11
    /// Thirty-six lower-case characters.
    case uuid = 12
    /// A JSON document as UTF-8, as the source gave it.
    case json = 13
    /// Raw bytes.
    case bytes = 14
    /// A JSON array as UTF-8.
    case array = 15
    /// A cell the source could not read: its reason as `code NUL message NUL hint`, UTF-8.
    case unreadable = 16

    /// The raw value, without the table look-up that a raw value of an enumeration usually costs: the cases are
    /// numbered as they are declared (a test says so).
    @inlinable
    public var tag: UInt8 { unsafe unsafeBitCast(self, to: UInt8.self) }

    /// The kind of a tag that `tag` gave.
    @inlinable
    public init(tag: UInt8) { self = unsafe unsafeBitCast(tag, to: CellKind.self) }

    /// Whether the encoding is the tag, eight bytes and nothing else.
    @inlinable
    public var isFixedWidth: Bool {
        switch self {
        case .integer, .double, .date, .time, .timestamp, .localTimestamp: true
        default: false
        }
    }
}

/// A column of a scan, in the source's order.
public struct Column: Sendable, Hashable {
    /// The name exactly as the source spells it.
    public var name: String
    public var type: ColumnType
    /// The type in the source's own words (`numeric(12,2)`, `TEXT`).
    public var declaredType: String
    /// False only where the source promises that the column is never null.
    public var isNullable: Bool

    public init(name: String, type: ColumnType, declaredType: String, isNullable: Bool = true) {
        self.name = name
        self.type = type
        self.declaredType = declaredType
        self.isNullable = isNullable
    }
}

/// What a column declares. A source may still deliver cells of another kind (SQLite does): the cell's kind decides.
public enum ColumnType: String, Sendable, Hashable, CaseIterable {
    case boolean, integer, double, decimal, text, date, time, timestamp
    case localTimestamp = "local_timestamp"
    case interval, uuid, json, bytes, array
    /// The source promises nothing.
    case any
}
