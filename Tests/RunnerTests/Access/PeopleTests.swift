import Foundation
import Runner
import StateStore
import Testing

@Suite struct PeopleTests {
    private let by = Actor("root", address: "127.0.0.1")

    // MARK: The first admin

    @Test func theFirstLinkMakesOneAdminAndSignsThemIn() async throws {
        let fixture = try PeopleFixture()
        let people = fixture.people()
        let token = try #require(try people.firstLink())
        #expect(try people.isFirstLink(token))
        let signedIn = try await people.createFirstAdmin(
            token: token, name: " Root ", password: PeopleFixture.password, address: "127.0.0.1")
        #expect(signedIn.person.name == "Root")
        #expect(signedIn.person.role == .admin)
        #expect(try people.session(signedIn.token)?.name == "Root")
        #expect(try people.firstLink() == nil)
        #expect(try !people.isFirstLink(token))
        #expect(try fixture.actions() == ["first_link.made", "people.added", "people.signed_in"])
    }

    @Test func theFirstLinkWorksOnce() async throws {
        let fixture = try PeopleFixture()
        let people = fixture.people()
        let token = try #require(try people.firstLink())
        _ = try await people.createFirstAdmin(token: token, name: "a", password: PeopleFixture.password)
        let again = await code {
            _ = try await people.createFirstAdmin(token: token, name: "b", password: PeopleFixture.password)
        }
        #expect(again == "first_link_invalid")
        #expect(try people.list().map(\.name) == ["a"])
    }

    @Test func twoWhoUseTheFirstLinkAtOnceMakeOneAdmin() async throws {
        let fixture = try PeopleFixture()
        let people = fixture.people()
        let token = try #require(try people.firstLink())
        let codes = await withTaskGroup(of: String?.self) { group in
            for name in ["a", "b", "c"] {
                group.addTask {
                    await code {
                        _ = try await people.createFirstAdmin(
                            token: token, name: name, password: PeopleFixture.password)
                    }
                }
            }
            var codes: [String?] = []
            for await code in group { codes.append(code) }
            return codes
        }
        #expect(codes.filter { $0 == nil }.count == 1)
        #expect(codes.filter { $0 == "first_link_invalid" }.count == 2)
        #expect(try people.list().count == 1)
    }

    @Test func aNewLinkEndsTheOneBefore() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = fixture.people()
        let old = try #require(try people.firstLink())
        let new = try #require(try people.firstLink())
        #expect(old != new)
        #expect(try !people.isFirstLink(old))
        #expect(try people.isFirstLink(new))
        #expect(try !people.isFirstLink(""))
    }

    @Test func aWeakPasswordDoesNotUseTheLinkUp() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = fixture.people()
        let token = try #require(try people.firstLink())
        let weak = await code { _ = try await people.createFirstAdmin(token: token, name: "a", password: "short") }
        #expect(weak == "password_weak")
        #expect(try people.isFirstLink(token))
    }

    @Test func noTokenAndNoPasswordLiesOnTheDisk() async throws {
        let fixture = try PeopleFixture()
        let people = fixture.people()
        let link = try #require(try people.firstLink())
        #expect(try !fixture.bytesOnDisk().contains(link))
        let signedIn = try await people.createFirstAdmin(token: link, name: "a", password: PeopleFixture.password)
        let bytes = try fixture.bytesOnDisk()
        #expect(!bytes.contains(signedIn.token))
        #expect(!bytes.contains(PeopleFixture.password))
        #expect(bytes.contains("$scrypt$ln=4,r=8,p=1$"))
    }

    // MARK: Roles

    @Test func eachRoleMayDoAllThatTheRolesBelowItMay() {
        for permission in Permission.allCases {
            for role in Role.allCases { #expect(role.allows(permission) == (role >= permission.role)) }
        }
        #expect(Role.allCases.sorted() == [.viewer, .operator, .editor, .admin])
        #expect(!Role.viewer.allows(.seeRows))
        #expect(!Role.operator.allows(.force))
        #expect(!Role.editor.allows(.managePeople))
    }

    @Test func aRoleIsInForceAtOnce() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        try await people.add("eve", password: "another four words", role: .editor, by: by)
        let token = try await people.logIn(name: "eve", password: "another four words", address: "a").token
        try people.setRole("EVE", .viewer, by: by)
        #expect(try people.session(token)?.role == .viewer)
        #expect(try people.person("Eve")?.role == .viewer)
    }

    @Test func theLastAdminStays() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        #expect(await code { try people.remove("root", by: by) } == "last_admin")
        #expect(await code { try people.setRole("root", .editor, by: by) } == "last_admin")
        try await people.add("second", password: "another four words", role: .admin, by: by)
        try people.remove("root", by: by)
        #expect(await code { try people.remove("second", by: by) } == "last_admin")
        #expect(try people.list().map(\.name) == ["second"])
    }

    @Test func whoIsNotThereCannotBeChanged() async throws {
        let fixture = try PeopleFixture()
        let people = try await fixture.peopleWithAdmin()
        let before = try fixture.actions()
        #expect(await code { try people.remove("nobody", by: by) } == "unknown_person")
        #expect(await code { try people.setRole("nobody", .admin, by: by) } == "unknown_person")
        #expect(
            await code { try await people.setPassword("nobody", "another four words", by: by) } == "unknown_person")
        #expect(try fixture.actions() == before)
    }

    @Test func namesThatDifferInCaseAreOneName() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        let again = await code { try await people.add("ROOT", password: "another four words", role: .viewer, by: by) }
        #expect(again == "person_exists")
        let strange = await code {
            try await people.add("ro\u{202E}ot", password: "another four words", role: .viewer, by: by)
        }
        #expect(strange == "invalid_person_name")
        #expect(await code { try await people.add("", password: "another four words", role: .viewer, by: by) } != nil)
    }

    @Test func removingAPersonEndsTheirSessions() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        try await people.add("eve", password: "another four words", role: .editor, by: by)
        let token = try await people.logIn(name: "eve", password: "another four words", address: "a").token
        try people.remove("eve", by: by)
        #expect(try people.session(token) == nil)
    }

    // MARK: Passwords

    @Test(arguments: [
        ("short", "root"), ("elevenchars", "root"), ("aaaaaaaaaaaaaaaa", "root"), ("Anna Andersson", "anna.andersson"),
        ("password-1234", "root"), (String(repeating: "long pass", count: 200), "root"),
    ])
    func weakPasswordsAreRefused(password: String, name: String) {
        #expect(PasswordRules.problem(password, name: name)?.code == "password_weak")
        #expect(PasswordRules.problem(password, name: name)?.message.contains(password) == false)
    }

    @Test func aPasswordOfTwelveCharactersWillDo() {
        #expect(PasswordRules.problem("twelve chars", name: "root") == nil)
        #expect(PasswordRules.problem("åäöåäö éü§½?", name: "§") == nil)
    }

    @Test func changingThePasswordEndsAllSessionsButTheOneThatAsks() async throws {
        let fixture = try PeopleFixture()
        defer { withExtendedLifetime(fixture) {} }
        let people = try await fixture.peopleWithAdmin()
        let mine = try await people.logIn(name: "root", password: PeopleFixture.password, address: "a").token
        let other = try await people.logIn(name: "root", password: PeopleFixture.password, address: "b").token
        try await people.setPassword("root", "another four words", sparing: mine, by: by)
        #expect(try people.session(mine) != nil)
        #expect(try people.session(other) == nil)
        #expect(
            await code { _ = try await people.logIn(name: "root", password: PeopleFixture.password, address: "a") }
                == "login_failed")
        _ = try await people.logIn(name: "root", password: "another four words", address: "a")
        #expect(await code { try await people.setPassword("root", "short", by: by) } == "password_weak")
    }

    @Test func aCostThatRoseIsTakenOverAtTheNextSignIn() async throws {
        let fixture = try PeopleFixture()
        _ = try await fixture.peopleWithAdmin()
        let dearer = fixture.people(cost: PasswordCost(roundsPower: 5))
        _ = try await dearer.logIn(name: "root", password: PeopleFixture.password, address: "a")
        #expect(try fixture.bytesOnDisk().contains("$scrypt$ln=5,r=8,p=1$"))
        _ = try await dearer.logIn(name: "root", password: PeopleFixture.password, address: "a")
    }

    @Test func theCurrentCostIsSane() {
        #expect((15...17).contains(PasswordCost.current.roundsPower))
        #expect(PasswordCost.current.blockSize == 8)
    }
}
