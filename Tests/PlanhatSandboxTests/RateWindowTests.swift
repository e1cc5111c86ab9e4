import PlanhatSandbox
import Testing

@Suite struct RateWindowTests {
    private let second: Int64 = 1_000_000

    @Test func fixedMinuteStartsWithItsFirstRequest() {
        var window = RateWindow(perMinute: 2, isSliding: false)
        let start = 1_000 * second
        #expect(window.take(at: start) == .init(isGranted: true, remaining: 1, resetSeconds: 60))
        #expect(window.take(at: start + 50 * second) == .init(isGranted: true, remaining: 0, resetSeconds: 10))
        #expect(window.take(at: start + 59 * second) == .init(isGranted: false, remaining: 0, resetSeconds: 1))
        #expect(window.take(at: start + 60 * second) == .init(isGranted: true, remaining: 1, resetSeconds: 60))
    }

    @Test func slidingMinuteFreesOneAfterTheOther() {
        var window = RateWindow(perMinute: 2, isSliding: true)
        let start = 1_000 * second
        #expect(window.take(at: start).isGranted)
        #expect(window.take(at: start + 50 * second).isGranted)
        #expect(window.take(at: start + 59 * second) == .init(isGranted: false, remaining: 0, resetSeconds: 1))
        #expect(window.take(at: start + 60 * second) == .init(isGranted: true, remaining: 0, resetSeconds: 50))
        #expect(!window.take(at: start + 61 * second).isGranted)
        #expect(window.take(at: start + 110 * second).isGranted)
    }
}
