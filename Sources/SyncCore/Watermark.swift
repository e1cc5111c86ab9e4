package import Records

/// The largest value of a column that a scan has seen, as it is kept between runs and compared in SQL.
package struct Watermark: Sendable, Hashable {
    /// What the value is: decides how it is lowered and written.
    package enum Kind: String, Sendable {
        case integer, date, timestamp, localTimestamp, text
    }

    package let kind: Kind
    /// A number for integers, days and microseconds; the text itself for texts.
    private let number: Int64
    private let text: String

    /// Nil for a kind of value that does not grow with time: such a column cannot be read incrementally.
    package init?(_ value: Value) {
        switch value {
        case .integer(let number): self.init(.integer, number)
        case .decimal(let text):
            guard let number = Int64(text) else { return nil }
            self.init(.integer, number)
        case .date(let days) where days != .min: self.init(.date, days)
        case .timestamp(let micros) where micros != .min: self.init(.timestamp, micros)
        case .localTimestamp(let micros) where micros != .min: self.init(.localTimestamp, micros)
        case .text(let text) where WrittenTime(text) != nil: self.init(.text, 0, text)
        default: return nil
        }
    }

    private init(_ kind: Kind, _ number: Int64, _ text: String = "") {
        self.kind = kind
        self.number = number
        self.text = text
    }

    /// As it was kept.
    package init?(kept: String) {
        let parts = kept.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2, let kind = Kind(rawValue: parts[0]) else { return nil }
        if kind == .text {
            guard WrittenTime(parts[1]) != nil else { return nil }
            self.init(kind, 0, parts[1])
        } else {
            guard let number = Int64(parts[1]) else { return nil }
            self.init(kind, number)
        }
    }

    package var kept: String { kind == .text ? "text \(text)" : "\(kind.rawValue) \(number)" }

    /// Lower by so many seconds, where it is a time, or by the number itself, where it is one. Stops at the least that
    /// there is.
    package func lowered(by amount: Int64) -> Watermark {
        switch kind {
        case .integer: Watermark(kind, number.less(amount))
        case .date: Watermark(kind, number.less(amount / Self.daySeconds + (amount % Self.daySeconds > 0 ? 1 : 0)))
        case .timestamp, .localTimestamp: Watermark(kind, number.less(amount.times(1_000_000)))
        case .text: Watermark(kind, 0, WrittenTime(text)?.lowered(by: amount) ?? text)
        }
    }

    private static let daySeconds: Int64 = 86_400
    private static let zoneSecondsMax: Int64 = 14 * 3_600

    /// How a time without a zone is understood.
    package enum LocalTime: Sendable {
        case asUTC
        /// As that of the first place on earth to see it: it lies after a moment where it does so in every zone.
        case asTheLatest
    }

    /// The moment, given in microseconds, written as this value is, where this value lies after it; else nil. Whole numbers
    /// have no moment.
    package func moment(ifAfter micros: Int64, _ rule: LocalTime = .asUTC) -> Watermark? {
        let local = rule == .asUTC ? micros : micros + Self.zoneSecondsMax * 1_000_000
        let limit: Watermark
        switch kind {
        case .integer: return nil
        case .date: limit = Watermark(kind, local.floored(by: Self.daySeconds * 1_000_000))
        case .timestamp: limit = Watermark(kind, micros)
        case .localTimestamp: limit = Watermark(kind, local)
        case .text:
            guard let written = WrittenTime(text) else { return nil }
            let at = written.hasZone ? micros : local
            return written.micros > at ? Watermark(kind, 0, written.with(micros: at)) : nil
        }
        return number > limit.number ? limit : nil
    }

    /// Lower by so much that no clock of a database, and none on a wall anywhere, shows less; whole numbers stay.
    package var asTheEarliest: Watermark {
        let hasZone = kind == .timestamp || kind == .text && WrittenTime(text)?.hasZone == true
        let seconds = Self.skewSeconds + (hasZone ? 0 : Self.behindSecondsMax)
        return kind == .integer ? self : lowered(by: seconds)
    }

    /// Two clocks may differ by so much.
    package static let skewSeconds: Int64 = 3_600
    private static let behindSecondsMax: Int64 = 12 * 3_600

    /// Whether a scan that began at the other one has passed over rows that are newer than this; those of another kind cannot
    /// be compared.
    package func isBefore(_ other: Watermark) -> Bool {
        guard kind == other.kind else { return true }
        return kind == .text ? text.utf8.lexicographicallyPrecedes(other.text.utf8) : number < other.number
    }

    /// For people.
    package var shown: String { kind == .integer ? literal : String(literal.dropFirst().dropLast()) }

    /// As a literal of standard SQL. Quoted, so that the column's own type decides how it is read.
    package var literal: String {
        switch kind {
        case .integer: String(number)
        case .date: "'\(Value.date(number).text)'"
        case .timestamp: "'\(Value.timestamp(number).text)'"
        case .localTimestamp: "'\(Value.localTimestamp(number).text)'"
        case .text: "'\(text.replacing("'", with: "''"))'"
        }
    }
}

extension Int64 {
    fileprivate func less(_ amount: Int64) -> Int64 {
        let (value, isOver) = subtractingReportingOverflow(amount)
        return isOver ? .min : value
    }

    fileprivate func times(_ factor: Int64) -> Int64 {
        let (value, isOver) = multipliedReportingOverflow(by: factor)
        return isOver ? .max : value
    }

    fileprivate func floored(by part: Int64) -> Int64 { (self - ((self % part) + part) % part) / part }
}

/// A time as texts have it: `2026-11-28`, `2026-11-28 10:00` or `2026-11-28 10:00:00` with a fraction and a zone, or
/// anything else behind the seconds, which stays as it is.
struct WrittenTime {
    private enum Form: Int {
        case date = 10
        case minutes = 16
        case seconds = 19
    }

    /// Since 1970 began, in the zone that is written, or else in that of the text.
    let micros: Int64
    let hasZone: Bool
    private let offset: Int64
    private let form: Form
    private let separator: Substring
    private let rest: Substring

    init?(_ text: String) {
        // What stands behind the seconds may be anything; behind the minutes it is a zone or nothing.
        guard let (form, instant, isWhole) = Self.read(text) else { return nil }
        self.form = form
        separator = text.dropFirst(10).prefix(1)
        rest = text.dropFirst(form.rawValue)
        hasZone = isWhole && instant.offsetMinutes != nil
        offset = hasZone ? (instant.offsetMinutes ?? 0) * 60_000_000 : 0
        micros = instant.micros
    }

    private static func read(_ text: String) -> (Form, ISOInstant, isWhole: Bool)? {
        if let whole = instant(text[...]) {
            if whole.time == nil { return (.date, whole, true) }
            let hasSeconds = text.utf8.dropFirst(Form.minutes.rawValue).first == UInt8(ascii: ":")
            return (hasSeconds ? .seconds : .minutes, whole, true)
        }
        guard let head = instant(text.prefix(Form.seconds.rawValue)), head.time != nil, head.offsetMinutes == nil
        else { return nil }
        return text.utf8.count > Form.seconds.rawValue ? (.seconds, head, false) : nil
    }

    private static func instant(_ text: Substring) -> ISOInstant? {
        unsafe Array(text.utf8).withUnsafeBytes { unsafe ISOInstant($0) }
    }

    /// A date is lowered by whole days and a time without seconds by whole minutes, rather too many than too few.
    func lowered(by seconds: Int64) -> String { with(micros: micros.less(seconds.times(1_000_000))) }

    /// Another moment in the same form; what is behind the seconds stays.
    func with(micros: Int64) -> String {
        let text = Value.localTimestamp(micros.less(-offset)).text
        if form == .date { return String(text.prefix(10)) }
        return String(text.prefix(10) + separator + text.dropFirst(11).prefix(form.rawValue - 11) + rest)
    }
}
