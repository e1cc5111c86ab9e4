/// The five fields of a cron line: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).
package struct CronExpression: Sendable, Hashable {
    package struct Malformed: Error, Sendable, Hashable {
        package var message: String
    }

    /// As written.
    package var text: String
    package private(set) var minutes: Set<Int> = []
    package private(set) var hours: Set<Int> = []
    package private(set) var days: Set<Int> = []
    package private(set) var months: Set<Int> = []
    /// 0 is Sunday.
    package private(set) var weekdays: Set<Int> = []
    /// Where both the day and the weekday are restricted, one of them suffices, as in every cron.
    package private(set) var isEitherDayEnough = false

    private static let shortcuts = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]
    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    package init(_ text: String) throws(Malformed) {
        self.text = text
        let trimmed = text.split { $0 == " " || $0 == "\t" }.map { $0.lowercased() }
        var fields = trimmed
        if trimmed.count == 1, trimmed[0].hasPrefix("@") {
            guard let meaning = Self.shortcuts[trimmed[0]] else {
                throw Malformed(message: "`\(trimmed[0])` is not known; there are \(Self.shortcutList)")
            }
            fields = meaning.split(separator: " ").map(String.init)
        }
        guard fields.count == 5 else {
            throw Malformed(message: "it has \(fields.count) fields; five are expected")
        }
        minutes = try Self.values(fields[0], in: 0...59, named: "minute")
        hours = try Self.values(fields[1], in: 0...23, named: "hour")
        days = try Self.values(fields[2], in: 1...31, named: "day of the month")
        months = try Self.values(fields[3], in: 1...12, named: "month", words: Self.monthNames)
        let week = try Self.values(fields[4], in: 0...7, named: "day of the week", words: Self.weekdayNames)
        weekdays = Set(week.map { $0 % 7 })
        isEitherDayEnough = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        if !isEitherDayEnough, !happens { throw Malformed(message: "no month of it has such a day") }
    }

    private static var shortcutList: String { shortcuts.keys.sorted().joined(separator: ", ") }

    private var happens: Bool {
        let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return months.contains { month in days.contains { $0 <= longest[month - 1] } }
    }

    private static func values(
        _ field: String, in range: ClosedRange<Int>, named name: String, words: [String] = []
    ) throws(Malformed) -> Set<Int> {
        var values: Set<Int> = []
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let step = halves.count == 2 ? Int(halves[1]) ?? 0 : 1
            guard step >= 1, step <= range.upperBound + 1 else {
                throw Malformed(message: "the \(name) `\(part)` has no useful step after the /")
            }
            let span = try Self.span(halves[0], hasStep: halves.count == 2, in: range, named: name, words: words)
            values.formUnion(stride(from: span.lowerBound, through: span.upperBound, by: step))
        }
        return values
    }

    private static func span(
        _ text: Substring, hasStep: Bool, in range: ClosedRange<Int>, named name: String, words: [String]
    ) throws(Malformed) -> ClosedRange<Int> {
        if text == "*" { return range }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        var numbers: [Int] = []
        for end in ends {
            let word = words.firstIndex(of: String(end)).map { $0 + range.lowerBound }
            let digits = end.utf8.allSatisfy { (48...57).contains($0) } ? Int(end) : nil
            guard let number = word ?? digits, range.contains(number) else {
                throw Malformed(
                    message: "the \(name) `\(text)` is not from \(range.lowerBound) to \(range.upperBound)")
            }
            numbers.append(number)
        }
        guard let first = numbers.first, let last = numbers.last, first <= last else {
            throw Malformed(message: "the \(name) `\(text)` begins after it ends")
        }
        return first...(numbers.count == 1 && hasStep ? range.upperBound : last)
    }
}
