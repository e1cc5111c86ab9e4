import ConnectorKit
import Records
import SyncCore
import Testing

/// What becomes a whole number, a day number and a date.
struct WholeNumberTests {
    @Test(arguments: [
        (Value.decimal("3.0"), "3"), (.decimal("3"), "3"), (.decimal("-3.00"), "-3"), (.decimal("0.000"), "0"),
        (.text("3.0"), "3"), (.text(" 3.00 "), "3"), (.text("3e0"), "3"), (.text("3E2"), "300"), (.text("+5"), "5"),
        (.text("1.25e2"), "125"), (.text("500e-2"), "5"), (.text("-0.0"), "0"), (.text("007.0"), "7"),
        (.double(3), "3"), (.double(-1e15), "-1000000000000000"), (.double(1e16), "10000000000000000"),
        (.decimal("9223372036854775807.00"), "9223372036854775807"),
        (.text("-9223372036854775808"), "-9223372036854775808"),
        (.text("9.223372036854775807e18"), "9223372036854775807"), (.text("0e99999"), "0"),
    ])
    func aWholeNumberIsOneHoweverItIsWritten(value: Value, json: String) {
        #expect(Sample.map(value, to: "count").json == #"{"externalId":"k","count":"# + json + "}")
    }

    @Test(arguments: [
        Value.text("3.5"), .decimal("3.01"), .text("3e-1"), .text("1e"), .text("e1"), .text("."), .text("3."),
        .text(".5"),
        .text("3.0.0"), .text("+-3"), .text("--3"), .text("3e1e1"), .text("0x10"), .text("1,000"), .double(.nan),
        .double(.infinity), .double(1e19), .text("9223372036854775808"), .decimal("9223372036854775808.0"),
        .text("1e19"), .text("1e99999999999999999999"), .text("٣"), .boolean(true),
    ])
    func whatIsNoWholeNumberOrDoesNotFitMakesItsRowInvalid(value: Value) {
        let result = Sample.map(value, to: "count")
        #expect(result.code == "cannot_cast" && result.message?.contains("is not a whole number") == true)
    }

    @Test func aNumberOfVeryManyDigitsIsReadToo() {
        let zeros = String(repeating: "0", count: 16_383)
        #expect(Sample.map(.decimal("3." + zeros), to: "count").json == #"{"externalId":"k","count":3}"#)
        #expect(Sample.map(.text("1" + zeros), to: "count").code == "cannot_cast")
    }

    @Test(arguments: [
        (Value.text("20454"), "20454"), (.text(" 20454.0 "), "20454"), (.decimal("20454.0"), "20454"),
        (.double(20_454), "20454"), (.integer(20_454), "20454"), (.integer(-719_162), "-719162"),
        (.text("2026-01-01"), "20454"), (.text("1969-12-31"), "-1"), (.date(20_454), "20454"),
        (.timestamp(86_399_999_999), "0"),
    ])
    func aDayNumberIsADateOrTheDaysThemselves(value: Value, json: String) {
        #expect(Sample.map(value, to: "dayNumber").json == #"{"externalId":"k","dayNumber":"# + json + "}")
    }

    /// A date written as one number would be a day in the year 57,440.
    @Test(arguments: [Value.integer(20_260_131), .text("20260131"), .decimal("20260131.0"), .double(1e12)])
    func aNumberThatIsNoDayOfACalendarIsInvalid(value: Value) {
        #expect(Sample.map(value, to: "dayNumber").code == "date_out_of_range")
    }

    @Test(arguments: [Value.text("20454.5"), .text("soon"), .boolean(true)])
    func whatIsNeitherADateNorANumberOfDaysIsInvalid(value: Value) {
        #expect(Sample.map(value, to: "dayNumber").code == "cannot_cast")
    }

    /// The day that stands in a text is what a person means; a timestamp with a zone has no day but that of UTC.
    @Test func aTextKeepsTheDayThatIsWrittenInItAndATimestampHasTheDayOfUTC() {
        for text in ["2026-01-01T00:30:00+02:00", "2026-01-01 23:30:00-05", "2026-01-01"] {
            #expect(Sample.map(.text(text), to: "day").json == #"{"externalId":"k","day":"2026-01-01"}"#)
            #expect(Sample.map(.text(text), to: "dayNumber").json == #"{"externalId":"k","dayNumber":20454}"#)
        }
        // 2026-01-01T00:30:00+02:00 as a column of timestamps with a zone.
        let micros: Int64 = 20_454 * 86_400_000_000 - 5_400_000_000
        #expect(Sample.map(.timestamp(micros), to: "day").json == #"{"externalId":"k","day":"2025-12-31"}"#)
        #expect(Sample.map(.timestamp(micros), to: "dayNumber").json == #"{"externalId":"k","dayNumber":20453}"#)
        #expect(
            Sample.map(.text("2026-01-01T00:30:00+02:00"), to: "at").json
                == #"{"externalId":"k","at":"2025-12-31T22:30:00.000Z"}"#)
    }
}
