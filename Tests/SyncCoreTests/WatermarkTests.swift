import Records
import SyncCore
import Testing

/// How far an incremental scan has come.
struct WatermarkTests {
    @Test func itIsKeptAndReadAgainWhateverItIs() throws {
        for value in [
            Value.integer(-5), .date(20_000), .timestamp(1_700_000_000_123_456), .localTimestamp(0),
            .text("2026-11-28 10:00:00.5+02"),
        ] {
            let mark = try #require(Watermark(value))
            #expect(Watermark(kept: mark.kept) == mark)
        }
    }

    @Test func valuesThatDoNotGrowWithTimeAreNone() {
        for value in [
            Value.null, .boolean(true), .text("abc"), .text("2026-11-28"), .double(1.5), .json("{}"),
            .timestamp(.max), .date(.min),
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
    }
}
