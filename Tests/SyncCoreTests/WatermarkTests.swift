import Records
import SyncCore
import Testing

/// How far an incremental scan has come.
struct WatermarkTests {
    @Test func itIsKeptAndReadAgainWhateverItIs() throws {
        for value in [
            Value.integer(-5), .date(20_000), .timestamp(1_700_000_000_123_456), .localTimestamp(0),
            .text("2026-11-28 10:00:00.5+02"), .text("2026-11-28"), .text("2026-11-28T10:00Z"),
        ] {
            let mark = try #require(Watermark(value))
            #expect(Watermark(kept: mark.kept) == mark)
        }
    }

    @Test func valuesThatDoNotGrowWithTimeAreNone() {
        for value in [
            Value.null, .boolean(true), .text("abc"), .text("2026-11"), .text("2026-11-28 "), .text("2026-13-01"),
            .text("2026-11-28 10:00 x"), .double(1.5), .decimal("1.5"), .json("{}"), .timestamp(.min), .date(.min),
        ] { #expect(Watermark(value) == nil, "\(value)") }
        #expect(Watermark(kept: "") == nil && Watermark(kept: "date x") == nil && Watermark(kept: "later 5") == nil)
    }

    @Test func itIsLoweredInItsOwnUnit() throws {
        func literal(_ value: Value, by amount: Int64) -> String? { Watermark(value)?.lowered(by: amount).literal }
        #expect(literal(.integer(100), by: 30) == "70")
        #expect(literal(.date(20_000), by: 1) == "'2024-10-03'")
        #expect(literal(.timestamp(600_000_000), by: 600) == "'1970-01-01T00:00:00Z'")
        #expect(literal(.localTimestamp(600_500_000), by: 60) == "'1970-01-01T00:09:00.500000'")
        #expect(literal(.text("2026-03-01 00:05:00.250 x'y"), by: 600) == "'2026-02-28 23:55:00.250 x''y'")
        #expect(literal(.text("2026-03-01T00:05:00Z"), by: 0) == "'2026-03-01T00:05:00Z'")
        #expect(literal(.text("2026-03-01T00:05:00+02:00"), by: 600) == "'2026-02-28T23:55:00+02:00'")
        #expect(literal(.text("2026-03-01 00:05"), by: 90) == "'2026-03-01 00:03'")
        #expect(literal(.text("2026-03-01 00:05Z"), by: 60) == "'2026-03-01 00:04Z'")
        #expect(literal(.text("2026-03-01"), by: 1) == "'2026-02-28'")
        #expect(literal(.decimal("2000"), by: 500) == "1500")
    }

    @Test func nothingIsLowerThanTheLeastThereIs() {
        for value in [Value.integer(-5), .date(20_000), .timestamp(0), .localTimestamp(0), .text("2026-11-28")] {
            _ = Watermark(value)?.lowered(by: .max)
        }
        #expect(Watermark(.integer(-5))?.lowered(by: .max).kept == "integer \(Int64.min)")
        #expect(Watermark(.timestamp(0))?.lowered(by: .max).kept == "timestamp \(-Int64.max)")
    }

    @Test func aTimeOfTheFutureIsKnownAndTheMomentIsWrittenAsItIs() {
        // 2026-11-28T10:00:00Z
        let now: Int64 = 1_795_860_000_000_000
        func moment(_ value: Value) -> String? { Watermark(value)?.moment(ifAfter: now, .asTheLatest)?.literal }
        #expect(moment(.timestamp(now)) == nil && moment(.integer(.max)) == nil)
        #expect(moment(.timestamp(now + 1)) == "'2026-11-28T10:00:00Z'")
        #expect(moment(.timestamp(.max)) == "'2026-11-28T10:00:00Z'")
        // Without a zone it may be later on the clock than anywhere the moment is: fourteen hours at most.
        #expect(moment(.localTimestamp(now + 14 * 3_600 * 1_000_000)) == nil)
        #expect(moment(.localTimestamp(.max)) == "'2026-11-29T00:00:00'")
        #expect(moment(.date(.max)) == "'2026-11-29'" && moment(.text("2026-11-29")) == nil)
        #expect(moment(.text("2099-01-01")) == "'2026-11-29'")
        #expect(moment(.text("2099-01-01 12:00")) == "'2026-11-29 00:00'")
        #expect(moment(.text("2026-11-28T11:59:00+02:00")) == nil)
        #expect(moment(.text("2026-11-28T12:01:00+02:00")) == "'2026-11-28T12:00:00+02:00'")
        #expect(moment(.text("2099-01-01T00:00:00Z")) == "'2026-11-28T10:00:00Z'")
    }

    @Test func aTimeWithoutAZoneIsTakenForUTC() {
        let now: Int64 = 1_795_860_000_000_000
        func moment(_ value: Value) -> String? { Watermark(value)?.moment(ifAfter: now)?.literal }
        #expect(moment(.localTimestamp(now)) == nil && moment(.text("2026-11-28 10:00")) == nil)
        #expect(moment(.localTimestamp(now + 1)) == "'2026-11-28T10:00:00'")
        #expect(moment(.text("2026-11-28")) == nil && moment(.text("2026-11-29")) == "'2026-11-28'")
        #expect(moment(.date(now / 86_400_000_000 + 1)) == "'2026-11-28'")
        #expect(moment(.timestamp(now + 1)) == "'2026-11-28T10:00:00Z'")
    }

    @Test func theEarliestThatAClockCanShowIsInEveryZoneAndAnHourOff() {
        func earliest(_ value: Value) -> String? { Watermark(value)?.asTheEarliest.literal }
        #expect(earliest(.timestamp(1_795_860_000_000_000)) == "'2026-11-28T09:00:00Z'")
        #expect(earliest(.localTimestamp(1_795_860_000_000_000)) == "'2026-11-27T21:00:00'")
        #expect(earliest(.text("2026-11-28 10:00:00")) == "'2026-11-27 21:00:00'")
        #expect(earliest(.text("2026-11-28T10:00:00+02")) == "'2026-11-28T09:00:00+02'")
        #expect(earliest(.text("2026-11-28")) == "'2026-11-27'" && earliest(.integer(7)) == "7")
    }

    @Test func whatCannotBeComparedWithAScansBeginningLiesBeforeIt() throws {
        func isBefore(_ one: Value, _ other: Value) throws -> Bool {
            try #require(Watermark(one)).isBefore(try #require(Watermark(other)))
        }
        #expect(try isBefore(.integer(4), .integer(5)) && !isBefore(.integer(5), .integer(5)))
        #expect(try isBefore(.text("2026-11-28 09:59"), .text("2026-11-28 10:00:00")))
        #expect(try !isBefore(.text("2026-11-28 10:00"), .text("2026-11-28")))
        #expect(try isBefore(.timestamp(5), .localTimestamp(4)) && isBefore(.integer(9), .text("2026-11-28")))
    }
}
