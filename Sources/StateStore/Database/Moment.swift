internal import Records

/// A point in time as milliseconds since 1970-01-01T00:00:00Z. In JSON always `2026-11-23T06:00:00.000Z`.
package struct Moment: Sendable, Hashable, Comparable {
    package static let millisecondsPerDay: Int64 = 86_400_000
    /// 0001-01-01 to 9999-12-31: what the text form can say. Other numbers are moved to the nearer end of it.
    package static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, Self.range.lowerBound), Self.range.upperBound)
    }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// The moment that many days earlier.
    package func minus(days: Int) -> Moment {
        Moment(milliseconds: milliseconds - Int64(clamping: days) * Self.millisecondsPerDay)
    }

    /// `2026-11-23T06:00:00.000Z`.
    package var text: String {
        let (days, micros) = Calendar.split(milliseconds * 1_000)
        let fraction = String(1_000 + micros / 1_000 % 1_000).dropFirst()
        let clock = Calendar.timeText(micros - micros % 1_000_000)
        return "\(Calendar.dateText(days))T\(clock).\(fraction)Z"
    }

    /// Reads exactly the form that `text` writes, or nil.
    package init?(text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 24 else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            guard bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            let fraction = number(20..<23), year > 0
        else { return nil }
        let seconds = Calendar.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second
        let moment = Moment(milliseconds: seconds * 1_000 + fraction)
        // Separators and the limits of each part are checked by writing it again.
        guard moment.text == text else { return nil }
        self = moment
    }
}

extension Moment: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let moment = Moment(text: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected a time such as 2026-11-23T06:00:00.000Z")
        }
        self = moment
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
