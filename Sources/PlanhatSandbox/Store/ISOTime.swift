internal import Records

/// Dates as Planhat takes them: ISO 8601 text, or numbers.
enum ISOTime {
    /// Days since 1970-01-01 of text that starts with an ISO date which exists; nil for anything else.
    static func days(_ inner: ArraySlice<UInt8>) -> Int64? {
        let text = Array(inner)
        guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-") else { return nil }
        guard text.count == 10 || text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " ") else { return nil }
        guard let year = number(text[0..<4]), let month = number(text[5..<7]), let day = number(text[8..<10]) else {
            return nil
        }
        let days = Calendar.days(year: year, month: month, day: day)
        return Calendar.civil(days) == (year, month, day) ? days : nil
    }

    /// Microseconds since 1970 of a canonical JSON value: text with or without a time and an offset, or milliseconds.
    static func micros(_ value: ArraySlice<UInt8>) -> Int64? {
        if JSONText.isNumber(value) {
            return Double(String(decoding: value, as: UTF8.self)).flatMap { Int64(exactly: ($0 * 1_000).rounded()) }
        }
        let inner = JSONText.inner(value)
        guard let days = days(inner) else { return nil }
        let clock = Array(inner.dropFirst(11))
        var micros = days * Calendar.microsPerDay
        guard clock.count >= 5, let hours = number(clock[0..<2]), let minutes = number(clock[3..<5]) else {
            return micros
        }
        micros += (hours * 60 + minutes) * 60_000_000
        var position = 5
        if clock.count >= 8, clock[5] == UInt8(ascii: ":"), let seconds = number(clock[6..<8]) {
            micros += seconds * 1_000_000
            position = 8
        }
        if position < clock.count, clock[position] == UInt8(ascii: ".") {
            let digits = clock[(position + 1)...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            micros += fraction(digits.prefix(6))
            position += 1 + digits.count
        }
        return micros - offset(clock[position...])
    }

    private static func fraction(_ digits: ArraySlice<UInt8>) -> Int64 {
        var value = number(digits) ?? 0
        for _ in digits.count..<6 { value *= 10 }
        return value
    }

    /// Microseconds of `+02:00`, `-0530`; 0 for `Z` and nothing.
    private static func offset(_ zone: ArraySlice<UInt8>) -> Int64 {
        guard let sign = zone.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return 0 }
        let digits = Array(zone.dropFirst().filter { $0 != UInt8(ascii: ":") })
        guard digits.count >= 4, let hours = number(digits[0..<2]), let minutes = number(digits[2..<4]) else {
            return 0
        }
        return (hours * 60 + minutes) * 60_000_000 * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        Int64(String(decoding: digits, as: UTF8.self))
    }
}
