internal import Records

/// Dates and times: the server counts from 2000-01-01, everything here from 1970-01-01.
enum DateTimeText {
    static let epochDays: Int64 = 10_957
    static let epochMicros: Int64 = 946_684_800_000_000

    /// Infinities become the infinities of `CellKind.date`.
    @inline(__always)
    static func days(_ days: Int32) -> Int64 {
        if days == .max { return .max }
        if days == .min { return .min }
        return Int64(days) + epochDays
    }

    /// Nil for an instant that does not fit, which is one after the year 294246.
    @inline(__always)
    static func micros(_ micros: Int64) -> Int64? {
        if micros == .max || micros == .min { return micros }
        let (sum, isOverflow) = micros.addingReportingOverflow(epochMicros)
        return isOverflow || sum == .max ? nil : sum
    }
}
