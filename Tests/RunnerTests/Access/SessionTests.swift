import Foundation
import Runner
import StateStore
import TestKit
import Testing

@Suite struct SessionTests {
    private let password = PeopleFixture.password

    private func logInCode(_ people: People, _ name: String, _ password: String, from address: String) async -> String?
    {
        await code { _ = try await people.logIn(name: name, password: password, address: address) }
    }

    @Test func signingInGivesANewTokenAndEndsTheOneBefore() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        let first = try await people.logIn(name: "ROOT ", password: password, address: "a").token
        let second = try await people.logIn(name: "root", password: password, address: "a", replacing: first).token
        #expect(first != second)
        #expect(try people.session(first) == nil)
        #expect(try people.session(second)?.name == "root")
        #expect(second.utf8.count == 43)
    }

    @Test func aTokenThatNobodyGaveIsNoSession() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        for token in ["", "x", String(repeating: "A", count: 43)] { #expect(try people.session(token) == nil) }
    }

    @Test func signingOutEndsTheSession() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        let token = try await people.logIn(name: "root", password: password, address: "a").token
        try people.logOut(token)
        try people.logOut(token)
        #expect(try people.session(token) == nil)
        #expect(try fixture.actions().filter { $0 == "people.signed_out" }.count == 1)
    }

    @Test func aSessionEndsWhenItIsNotUsedForTwelveHours() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        let token = try await people.logIn(name: "root", password: password, address: "a").token
        fixture.clock.advance(by: .seconds(12 * 3_600 - 1))
        #expect(try people.session(token) != nil)
        fixture.clock.advance(by: .seconds(12 * 3_600 - 1))
        #expect(try people.session(token) != nil)
        fixture.clock.advance(by: .seconds(12 * 3_600))
        #expect(try people.session(token) == nil)
    }

    @Test func aSessionEndsAfterThirtyDaysHoweverItIsUsed() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        let signedIn = try await people.logIn(name: "root", password: password, address: "a")
        for _ in 0..<(30 * 3 - 1) {
            fixture.clock.advance(by: .seconds(8 * 3_600))
            #expect(try people.session(signedIn.token) != nil)
        }
        fixture.clock.advance(by: .seconds(8 * 3_600))
        #expect(try people.session(signedIn.token) == nil)
        #expect(signedIn.endsAt.milliseconds == fixture.clock.milliseconds)
    }

    @Test func aPersonHasTwentySessionsAtMost() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        var tokens: [String] = []
        for _ in 0..<21 {
            fixture.clock.advance(by: .seconds(1))
            tokens.append(try await people.logIn(name: "root", password: password, address: "a").token)
        }
        let live = try tokens.filter { try people.session($0) != nil }
        #expect(live.count == 20)
        #expect(live.contains(tokens[20]))
    }

    // MARK: Refusals

    @Test func aWrongNameAndAWrongPasswordLookTheSame() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        var errors: [RunError] = []
        for (name, password) in [("root", "wrong wrong wrong"), ("nobody", password), ("", ""), ("root", "")] {
            do {
                _ = try await people.logIn(name: name, password: password, address: "a")
            } catch {
                errors.append(RunError(error))
            }
        }
        #expect(errors.count == 4)
        #expect(Set(errors).count == 1)
        #expect(errors.first?.code == "login_failed")
    }

    @Test func whatWasTypedAsTheNameIsNotKept() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        _ = await logInCode(people, "my password by mistake", "x", from: "10.0.0.1")
        #expect(try !fixture.bytesOnDisk().contains("my password by mistake"))
        #expect(try fixture.actions().last == "people.sign_in_failed")
        #expect(try fixture.audit.page(limit: 1).first?.address == "10.0.0.1")
    }

    @Test func manyFailuresOfANameMakeItWaitLongerAndLonger() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        for number in 0..<5 {
            #expect(await logInCode(people, "root", "wrong", from: "10.0.0.\(number)") == "login_failed")
        }
        #expect(await logInCode(people, "root", password, from: "10.0.1.1") == "login_locked")
        fixture.clock.advance(by: .seconds(1))
        #expect(await logInCode(people, "root", "wrong", from: "10.0.1.2") == "login_failed")
        fixture.clock.advance(by: .seconds(1))
        #expect(await logInCode(people, "root", password, from: "10.0.1.3") == "login_locked")
        fixture.clock.advance(by: .seconds(1))
        #expect(await logInCode(people, "root", password, from: "10.0.1.4") == nil)
        // The count begins anew after a success.
        #expect(await logInCode(people, "root", "wrong", from: "10.0.1.5") == "login_failed")
        #expect(await logInCode(people, "root", password, from: "10.0.1.6") == nil)
    }

    @Test func aNameThatIsNotThereIsLockedJustTheSame() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        for number in 0..<5 {
            #expect(await logInCode(people, "nobody", "wrong", from: "10.0.0.\(number)") == "login_failed")
        }
        #expect(await logInCode(people, "nobody", "wrong", from: "10.0.1.1") == "login_locked")
    }

    @Test func manyFailuresFromAnAddressLockTheAddressForEveryName() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        for number in 0..<20 {
            #expect(await logInCode(people, "name \(number)", "wrong", from: "2001:db8::\(number)") == "login_failed")
        }
        #expect(await logInCode(people, "root", password, from: "2001:db8::ffff") == "login_locked")
        #expect(await logInCode(people, "root", password, from: "2001:db8:0:1::1") == nil)
        fixture.clock.advance(by: .seconds(24 * 3_600 + 1))
        #expect(await logInCode(people, "root", password, from: "2001:db8::ffff") == nil)
    }

    @Test func nobodyIsLockedForLongerThanAQuarterOfAnHour() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        for number in 0..<40 {
            _ = await logInCode(people, "root", "wrong", from: "10.0.0.\(number)")
            fixture.clock.advance(by: .seconds(15 * 60))
        }
        _ = await logInCode(people, "root", "wrong", from: "10.0.1.1")
        fixture.clock.advance(by: .seconds(15 * 60))
        #expect(await logInCode(people, "root", password, from: "10.0.1.2") == nil)
    }

    @Test func attemptsSideBySideAreCountedEach() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        let codes = await withTaskGroup(of: String?.self) { group in
            for number in 0..<12 {
                group.addTask { await self.logInCode(people, "root", "wrong", from: "10.0.0.\(number)") }
            }
            var codes: [String?] = []
            for await code in group { codes.append(code) }
            return codes
        }
        #expect(codes.filter { $0 == "login_failed" }.count == 5)
        #expect(codes.filter { $0 == "login_locked" }.count == 7)
    }

    @Test func askingForThePasswordAgainCountsAsAnAttempt() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        #expect(try await people.isPassword(password, of: "root", address: "a"))
        for _ in 0..<5 { #expect(try await !people.isPassword("wrong", of: "root", address: "a")) }
        #expect(await code { _ = try await people.isPassword(password, of: "root", address: "a") } == "login_locked")
    }

    // MARK: Tokens of forms

    @Test func aFormsTokenBelongsToItsSession() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        let mine = try await people.logIn(name: "root", password: password, address: "a").token
        let other = try await people.logIn(name: "root", password: password, address: "a").token
        let token = people.csrfToken(for: mine)
        #expect(people.isCsrfToken(token, for: mine))
        #expect(!people.isCsrfToken(token, for: other))
        #expect(!people.isCsrfToken("", for: mine))
        #expect(!people.isCsrfToken(people.csrfToken(for: ""), for: ""))
        #expect(!people.isCsrfToken(String(token.dropLast()), for: mine))
        #expect(!token.contains(mine))
    }
}
