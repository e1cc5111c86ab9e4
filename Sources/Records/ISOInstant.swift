/// A date or a date and time read from ISO 8601 text.
public struct ISOInstant: Sendable, Hashable {
    /// Days since 1970-01-01 of the date as written.
    public var days: Int64
    /// Microseconds since midnight as written; nil for a date alone.
    public var time: Int64?
    /// Minutes east of UTC; nil where the text names no zone.
    public var offsetMinutes: Int64?

    /// Microseconds since 1970-01-01T00:00:00Z; a text without a zone counts as UTC.
    public var micros: Int64 {
        days * Calendar.microsPerDay + (time ?? 0) - (offsetMinutes ?? 0) * 60_000_000
    }

    /// Reads `YYYY-MM-DD`, and after `T`, `t` or one space `HH:MM[:SS[.fraction]]` and `Z`, `±HH`, `±HHMM` or
    /// `±HH:MM`. Digits of the fraction beyond the sixth are cut. Nil for anything else, also for days that no
    /// calendar has.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = unsafe Reader(bytes: bytes)
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), Self.isDay(year, month, day)
        else { return nil }
        days = Calendar.days(year: year, month: month, day: day)
        time = nil
        offsetMinutes = nil
        if reader.isAtEnd { return }
        guard reader.skip("T") || reader.skip("t") || reader.skip(" "), let clock = reader.clock() else { return nil }
        time = clock
        if reader.isAtEnd { return }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        offsetMinutes = offset
    }

    private static func isDay(_ year: Int64, _ month: Int64, _ day: Int64) -> Bool {
        guard year >= 1, (1...12).contains(month), day >= 1, day <= 31 else { return false }
        let back = Calendar.civil(Calendar.days(year: year, month: month, day: day))
        return back.month == month && back.day == day
    }
}

@safe
private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var place = 0

    init(bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

    var isAtEnd: Bool { unsafe place == bytes.count }

    mutating func digits(_ count: Int) -> Int64? {
        guard unsafe place + count <= bytes.count else { return nil }
        var number: Int64 = 0
        for offset in 0..<count {
            let digit = unsafe bytes[place + offset] &- 48
            guard digit < 10 else { return nil }
            number = number * 10 + Int64(digit)
        }
        place += count
        return number
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard unsafe place < bytes.count, unsafe bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    mutating func clock() -> Int64? {
        guard let hour = digits(2), skip(":"), let minute = digits(2), hour < 24, minute < 60 else { return nil }
        var micros = (hour * 60 + minute) * 60_000_000
        guard skip(":") else { return micros }
        guard let second = digits(2), second < 60 else { return nil }
        micros += second * 1_000_000
        guard skip(".") else { return micros }
        guard let fraction = fraction() else { return nil }
        return micros + fraction
    }

    private mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let digit = digits(1) {
            if count < 6 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        while count < 6 {
            value *= 10
            count += 1
        }
        return value
    }

    mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = digits(2), hours < 24 else { return nil }
        if isAtEnd { return sign * hours * 60 }
        _ = skip(":")
        guard let minutes = digits(2), minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
