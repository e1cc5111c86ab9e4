import StateStore
import Testing

struct MomentTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_795_413_600_000, "2026-11-23T06:00:00.000Z"),
        (1_795_413_604_210, "2026-11-23T06:00:04.210Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func textIsReadBackToTheSameMoment(milliseconds: Int, text: String) {
        let moment = Moment(milliseconds: Int64(milliseconds))
        #expect(moment.text == text)
        #expect(Moment(text: text) == moment)
    }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T06:00:00Z", "2026-11-23 06:00:00.000Z", "2026-02-30T06:00:00.000Z",
        "2026-11-23T24:00:00.000Z", "2026-11-23T06:60:00.000Z", "0000-01-01T00:00:00.000Z", "2026-11-23T06:00:00.0x0Z",
        "2026-11-23T06:00:00.000+",
    ])
    func otherTextIsNoMoment(text: String) {
        #expect(Moment(text: text) == nil)
    }

    @Test func momentsBeyondTheCalendarAreMovedToItsEnd() {
        #expect(Moment(milliseconds: .max).text == "9999-12-31T23:59:59.999Z")
        #expect(Moment(milliseconds: .min).text == "0001-01-01T00:00:00.000Z")
        #expect(Moment(milliseconds: 0).minus(days: 14).text == "1969-12-18T00:00:00.000Z")
    }
}
