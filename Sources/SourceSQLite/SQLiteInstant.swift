internal import Records

/// Dates and times that a column declared DATE, DATETIME or TIMESTAMP holds as text.
enum SQLiteInstant {
    /// The longest text that is looked at; `2024-01-31T23:59:59.123456789+05:30` has 35.
    private static let bytesMax = 40
    private static let fractionStart = 20

    /// The cell for a text that says a date, a date and time, or an instant exactly; nil for any other text, also
    /// for a fraction finer than a microsecond, which would be cut.
    static func read(_ bytes: UnsafeRawBufferPointer) -> (CellKind, Int64)? {
        guard bytes.count >= 10, bytes.count <= bytesMax, let instant = unsafe ISOInstant(bytes) else { return nil }
        guard instant.time != nil else { return (.date, instant.days) }
        guard unsafe !isFinerThanMicroseconds(bytes) else { return nil }
        guard instant.offsetMinutes != nil else { return (.localTimestamp, instant.micros) }
        // An offset may carry a moment of the year 1 or 9999 out of the years that ISO 8601 can name.
        guard Calendar.isISO(days: Calendar.split(instant.micros).days) else { return nil }
        return (.timestamp, instant.micros)
    }

    private static func isFinerThanMicroseconds(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > fractionStart, unsafe bytes[fractionStart - 1] == UInt8(ascii: ".") else { return false }
        let digits = unsafe bytes[fractionStart...].prefix { $0 &- UInt8(ascii: "0") < 10 }
        return unsafe digits.dropFirst(6).contains { $0 != UInt8(ascii: "0") }
    }
}
