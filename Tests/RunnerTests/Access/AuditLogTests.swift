import Runner
import StateStore
import TestKit
import Testing

@Suite struct AuditLogTests {
    @Test func thePagesOfTheLogAreNewestFirstAndFollowOneAnother() throws {
        let fixture = try PeopleFixture()
        for number in 0..<5 {
            try fixture.audit.note(.rowsSeen, by: Actor("eve", address: "10.0.0.1"), subject: "run \(number)")
        }
        let first = try fixture.audit.page(limit: 2)
        #expect(first.map(\.subject) == ["run 4", "run 3"])
        let second = try fixture.audit.page(before: first.last?.id, limit: 10)
        #expect(second.map(\.subject) == ["run 2", "run 1", "run 0"])
        #expect(try fixture.audit.page(before: second.last?.id, limit: 10).isEmpty)
        #expect(try fixture.audit.page(subject: "run 3").map(\.action) == ["rows.seen"])
        #expect(first.first?.who == "eve")
        #expect(first.first?.address == "10.0.0.1")
        #expect(first.first?.at.milliseconds == fixture.clock.milliseconds)
    }

    @Test func aPageHasABound() throws {
        let fixture = try PeopleFixture()
        for _ in 0..<(AuditLog.pageMax + 1) { try fixture.audit.note(.rowsSeen, by: .server) }
        #expect(try fixture.audit.page(limit: 1_000_000).count == AuditLog.pageMax)
        #expect(try fixture.audit.page(limit: -1).isEmpty)
    }

    @Test func whatPeopleTypedCannotLookLikeAnotherLine() throws {
        let fixture = try PeopleFixture()
        let long = "a\nb\u{2028}c\u{0}" + String(repeating: "x", count: 5_000)
        try fixture.audit.note(.refused, by: Actor(long), subject: long, detail: long)
        let entry = try #require(try fixture.audit.page().first)
        #expect(entry.who.hasPrefix("a b c x"))
        #expect(entry.detail.count == 500)
    }
}
