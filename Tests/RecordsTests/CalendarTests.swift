import Records
import Testing

@Suite struct CalendarTests {
    @Test func everyDayOfFourHundredYearsComesBack() {
        for days in stride(from: Int64(-200_000), through: 200_000, by: 1) {
            let (year, month, day) = Calendar.civil(days)
            #expect(Calendar.days(year: year, month: month, day: day) == days)
        }
    }

    @Test func theQuickWayGivesTheSameDateForEveryDayThatISOCanName() {
        var wrong = 0
        for days in Calendar.days(year: 1, month: 1, day: 1)...Calendar.days(year: 9999, month: 12, day: 31) {
            let (year, month, day) = Calendar.civil(days)
            let quick = Calendar.civil(isoDays: days)
            if Int64(quick.year) != year || Int64(quick.month) != month || Int64(quick.day) != day { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func knownDaysAreWhereTheyBelong() {
        #expect(Calendar.days(year: 1970, month: 1, day: 1) == 0)
        #expect(Calendar.days(year: 2026, month: 11, day: 23) == 20_780)
        #expect(Calendar.days(year: 2000, month: 2, day: 29) == 11_016)
        #expect(Calendar.isISO(days: Calendar.days(year: 1, month: 1, day: 1)))
        #expect(!Calendar.isISO(days: Calendar.days(year: 1, month: 1, day: 1) - 1))
        #expect(Calendar.isISO(days: Calendar.days(year: 9999, month: 12, day: 31)))
        #expect(!Calendar.isISO(days: Calendar.days(year: 9999, month: 12, day: 31) + 1))
    }

    @Test func textsAreThoseOfTheStandardAndOfPostgresBeyondIt() {
        #expect(Value.date(0).text == "1970-01-01")
        #expect(Value.date(.max).text == "infinity")
        #expect(Value.date(Calendar.days(year: 0, month: 3, day: 1)).text == "0001-03-01 BC")
        #expect(Value.timestamp(-1).text == "1969-12-31T23:59:59.999999Z")
        #expect(Value.localTimestamp(60_000_000).text == "1970-01-01T00:01:00")
        #expect(Value.time(3_661_000_000).text == "01:01:01")
    }

    private static let readable: [(String, Int64)] = [
        ("2026-11-23", 0), ("2026-11-23T01:02:03Z", 3_723_000_000), ("2026-11-23 01:02", 3_720_000_000),
        ("2026-11-23T01:02:03.123456789+02:00", -3_476_876_544), ("2026-11-22T23:59:59.5-00:30", 1_799_500_000),
    ]

    /// The second of each pair: microseconds from 2026-11-23T00:00:00Z.
    @Test(arguments: readable)
    func isoTextsAreRead(text: String, micros: Int64) {
        #expect(instant(text)?.micros == 20_780 * Calendar.microsPerDay + micros)
    }

    @Test(arguments: [
        "", "2026", "2026-11", "2026-11-2", "2026-13-01", "2026-02-30", "2025-02-29", "2026-11-23T", "2026-11-23T25:00",
        "2026-11-23T10:60", "2026-11-23T10:00:00.", "2026-11-23T10:00+", "2026-11-23T10:00Zx", "0000-01-01",
        "23/11/2026",
    ])
    func whatIsNoIsoTextIsRefused(text: String) {
        #expect(instant(text) == nil)
    }

    private func instant(_ text: String) -> ISOInstant? {
        Array(text.utf8).withUnsafeBytes { ISOInstant($0) }
    }
}

@Suite struct ByteWriterTests {
    @Test(arguments: [Int64.min, -1_000_000_000_000_000_000, -10, -9, -1, 0, 1, 9, 10, 99, 100, 999_999_999, .max])
    func decimalsAreWrittenAsSwiftWritesThem(number: Int64) {
        var writer = ByteWriter(capacity: 1)
        writer.append(decimal: number)
        let text = writer.text
        #expect(text == String(number))
    }

    @Test func writingGrowsAndTruncatingKeepsTheFront() {
        var writer = ByteWriter(capacity: 1)
        for number in 0..<1_000 { writer.append(decimal: Int64(number)) }
        let whole = (0..<1_000).map(String.init).joined()
        let text = writer.text
        #expect(text == whole)
        writer.truncate(to: 10)
        writer.append("é")
        let short = writer.text
        #expect(short == String(whole.prefix(10)) + "é")
    }

    @Test func aLengthCanBeWrittenAfterwards() {
        var writer = ByteWriter()
        writer.append(littleEndian: UInt32(0))
        writer.append([1, 2, 3])
        writer.replace(at: 0, with: 3)
        let bytes = Array(writer.bytes)
        #expect(bytes == [3, 0, 0, 0, 1, 2, 3])
    }
}
