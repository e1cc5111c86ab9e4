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
        case .date(let days) where Self.isFinite(days): self.init(.date, days)
        case .timestamp(let micros) where Self.isFinite(micros): self.init(.timestamp, micros)
        case .localTimestamp(let micros) where Self.isFinite(micros): self.init(.localTimestamp, micros)
        case .text(let text) where WrittenTime(text) != nil: self.init(.text, 0, text)
        default: return nil
        }
    }

    private static func isFinite(_ number: Int64) -> Bool { number != .max && number != .min }

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

    /// Lower by so many seconds, where it is a time, or by the number itself, where it is one.
    package func lowered(by amount: Int64) -> Watermark {
        switch kind {
        case .integer: Watermark(kind, number.subtractingReportingOverflow(amount).partialValue)
        case .date: Watermark(kind, number - (amount + 86_399) / 86_400)
        case .timestamp, .localTimestamp: Watermark(kind, number - amount * 1_000_000)
        case .text: Watermark(kind, 0, WrittenTime(text)?.lowered(by: amount) ?? text)
        }
    }

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

/// A time as texts have it, `2026-11-28 10:00:00` with anything behind it that stays as it is.
struct WrittenTime {
    private static let length = 19

    private let micros: Int64
    private let separator: Substring
    private let rest: Substring

    init?(_ text: String) {
        let head = Array(text.utf8.prefix(Self.length))
        guard head.count == Self.length,
            let instant = unsafe head.withUnsafeBytes({ unsafe ISOInstant($0) }), instant.time != nil
        else { return nil }
        micros = instant.micros
        separator = text.dropFirst(10).prefix(1)
        rest = text.dropFirst(Self.length)
    }

    func lowered(by seconds: Int64) -> String {
        let text = Value.localTimestamp(micros - seconds * 1_000_000).text
        return String(text.prefix(10) + separator + text.dropFirst(11).prefix(8) + rest)
    }
}
