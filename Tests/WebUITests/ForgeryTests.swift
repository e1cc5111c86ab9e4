import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import ProjectConfig
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

/// Forms that are forged, sent without a session or sent by a role that may not: for every address that there is.
@Suite struct ForgeryTests {
    /// A site in which everything was made in the pages, so that everything can be changed there; no run begins.
    private struct Target {
        let fixture: EditingFixture
        let gate: FixtureGate
        var site: Site
        let started = Started()

        final class Started: Sendable {
            let names = Mutex<[String]>([])
        }

        init(_ rights: Set<Permission> = Set(Permission.allCases)) async throws {
            fixture = try EditingFixture()
            try await fixture.makeAll()
            gate = FixtureGate(rights: rights)
            site = fixture.site
            site.gate = gate
            let started = started
            site.engine.start = { sync, _ in
                started.names.withLock { $0.append(sync.name) }
                return nil
            }
        }

        /// All that a form could change.
        func state() throws -> String {
            let defined = try fixture.definitions.project()
            let names = defined.entries.map { "\($0.part.kind) \($0.part.name)" }.sorted()
            let people = try site.people.list().map(\.name)
            let paused = try site.environment.database.pausedSyncs().sorted()
            let secrets = try fixture.vault.list().map(\.name)
            return "\(names) \(people) \(paused) \(started.names.withLock { $0 }) \(secrets)"
        }

        func ask(
            _ place: Place, _ method: HTTPRequest.Method, _ body: String? = nil, headers: HTTPFields = [:],
            query: String = "", session: String? = WebFixture.key
        ) async throws -> WebFixture.Answer {
            let application = try WebServer(site: site, settings: try ServerSettings(listen: "127.0.0.1:8470"))
                .application()
            var headers = headers
            if let session { headers[.cookie] = "sluice=\(session)" }
            if body != nil { headers[.contentType] = "application/x-www-form-urlencoded" }
            let sent = headers
            return try await application.test(.router) { client in
                try await client.execute(
                    uri: place.path + query, method: method, headers: sent, body: body.map { ByteBuffer(string: $0) }
                ) { response in
                    WebFixture.Answer(
                        status: response.status.code, headers: response.headers, text: String(buffer: response.body))
                }
            }
        }
    }

    /// Fields that every form might look for, so that none is refused for what it lacks.
    private static let fields =
        "name=companies&which=rejected&change=remove&role=admin&password=correct+horse+battery&revision=1&rename=other"

    @Test func onlyTheAddressesOfTheListTakeForms() async throws {
        let target = try await Target()
        var taking: Set<String> = []
        for place in EveryPlace.examples where ![Place.signIn, .welcome("good"), .signOut].contains(place) {
            let answer = try await target.ask(place, .post, "_token=\(FixtureGate.token)&" + Self.fields)
            if answer.status != 405 && !answer.text.contains("page_not_found") { taking.insert(EveryPlace.name(place)) }
        }
        // The sample is only there where the program that embeds the pages brings one.
        #expect(taking.union(["signOut", "making.sample"]) == Set(EveryPlace.forms.keys))
    }

    @Test func nothingIsDoneWithoutASession() async throws {
        let target = try await Target()
        let before = try target.state()
        for place in EveryPlace.examples where place != .welcome("good") {
            for session in [nil, "", "guessed"] {
                let answer = try await target.ask(
                    place, .post, "_token=\(FixtureGate.token)&" + Self.fields, session: session)
                #expect([403, 404, 405].contains(answer.status), "\(place.path): \(answer.status)")
            }
        }
        #expect(try target.state() == before)
        #expect(target.gate.noted.withLock { $0 } == [])
    }

    @Test func nothingIsDoneWithoutTheTokenOfTheSession() async throws {
        let target = try await Target()
        let before = try target.state()
        for place in EveryPlace.examples where EveryPlace.forms[EveryPlace.name(place)] != nil {
            for token in ["", "_token=&", "_token=wrong&", "_token=form-toke&", "_token=form-tokens&"] {
                let answer = try await target.ask(place, .post, token + Self.fields)
                #expect(answer.status == 403 && answer.text.contains("form_expired"), "\(place.path): \(answer.status)")
            }
            // A token in the address is none: addresses end up in logs and in other sites' hands.
            let answer = try await target.ask(place, .post, Self.fields, query: "?_token=\(FixtureGate.token)")
            #expect(answer.status == 403 && answer.text.contains("form_expired"), "\(place.path)")
        }
        #expect(try target.state() == before)
        #expect(target.gate.noted.withLock { $0 } == [])
    }

    @Test func nothingIsDoneForAnotherSiteEvenWithTheToken() async throws {
        let target = try await Target()
        let before = try target.state()
        let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
        for place in EveryPlace.examples where EveryPlace.forms[EveryPlace.name(place)] != nil {
            for headers: HTTPFields in [
                [site: "cross-site"], [site: "same-site"], [.origin: "https://evil.example"], [.origin: "null"],
            ] {
                let answer = try await target.ask(
                    place, .post, "_token=\(FixtureGate.token)&" + Self.fields, headers: headers)
                #expect(answer.status == 403, "\(place.path) \(headers)")
            }
        }
        #expect(try target.state() == before)
    }

    @Test(arguments: Role.allCases) func roleDoesOnlyWhatItMay(_ role: Role) async throws {
        let target = try await Target(Set(Permission.allCases.filter { role.allows($0) }))
        let before = try target.state()
        var refused = 0
        for place in EveryPlace.examples {
            guard let right = EveryPlace.forms[EveryPlace.name(place)], !role.allows(right) else { continue }
            let answer = try await target.ask(place, .post, "_token=\(FixtureGate.token)&" + Self.fields)
            #expect(answer.status == 403 && answer.text.contains("not_allowed"), "\(role) \(place.path)")
            refused += 1
        }
        for extra in ["full=1", "accept_guard=removed"] where !role.allows(.force) {
            let answer = try await target.ask(
                .syncAction("companies", .run), .post, "_token=\(FixtureGate.token)&" + extra)
            #expect(answer.status == 403, "\(role) \(extra)")
        }
        #expect(try target.state() == before)
        #expect(target.gate.noted.withLock { $0 }.allSatisfy { $0.hasPrefix("access.refused") })
        #expect(role == .admin ? refused == 0 : refused > 0)
        // And what it may is not refused.
        for place in EveryPlace.examples where place != .signOut {
            guard let right = EveryPlace.forms[EveryPlace.name(place)], role.allows(right) else { continue }
            let answer = try await target.ask(place, .post, "_token=\(FixtureGate.token)&" + Self.fields)
            #expect(!answer.text.contains("not_allowed"), "\(role) \(place.path): \(answer.status)")
        }
    }

    @Test func lookingAtAnAddressDoesNothing() async throws {
        let target = try await Target()
        let before = try target.state()
        for place in EveryPlace.examples where place != .runEvents(1) {
            for method in [HTTPRequest.Method.get, .head] {
                let answer = try await target.ask(place, method)
                // Nothing keeps schedules here, so it is not ready.
                #expect(answer.status < 500 || place == .ready, "\(place.path): \(answer.status)")
            }
        }
        #expect(try target.state() == before)
        #expect(target.gate.noted.withLock { $0 }.allSatisfy { $0.hasPrefix("rows.seen") })
    }
}
