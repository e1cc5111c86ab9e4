import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Runner
import StateStore
import Testing
import WebUI

/// Guessing names and passwords, sessions that somebody else chose, and bodies that never end.
@Suite struct GuessingTests {
    private static let password = "correct+horse+battery"

    private static func site() async throws -> WebFixture {
        let fixture = try WebFixture(knowsPeople: true)
        let link = try #require(try fixture.site.people.firstLink())
        let made = try await fixture.ask(
            "/welcome/\(link)", .post, form: "name=Ada&password=\(password)&again=\(password)", session: nil)
        #expect(made.status == 303)
        return fixture
    }

    private static func signIn(
        _ fixture: WebFixture, _ name: String, _ password: String, session: String? = nil, from address: String? = nil
    ) async throws -> WebFixture.Answer {
        var settings = try ServerSettings(listen: "127.0.0.1:8470")
        var headers: HTTPFields = [:]
        if let address, let field = HTTPField.Name("X-Forwarded-For") {
            settings.isBehindProxy = true
            headers[field] = address
        }
        return try await fixture.ask(
            "/sign-in", .post, headers: headers, form: "name=\(name)&password=\(password)", session: session,
            settings: settings)
    }

    @Test func afterFiveWrongPasswordsTheRightOneHasToWaitToo() async throws {
        let fixture = try await Self.site()
        for guess in 1...5 {
            let answer = try await Self.signIn(fixture, "ada", "guess\(guess)")
            #expect(answer.status == 403 && answer.text.contains("login_failed"))
            #expect(answer.headers[.setCookie] == nil)
        }
        let right = try await Self.signIn(fixture, "Ada", Self.password)
        #expect(right.status == 403 && right.text.contains("login_locked"))
        #expect(right.headers[.setCookie] == nil)
    }

    @Test func nameThatThereIsAndOneThatThereIsNotAreAnsweredAlike() async throws {
        let fixture = try await Self.site()
        func shape(_ name: String) async throws -> [String] {
            var answers: [String] = []
            for guess in 1...6 {
                let answer = try await Self.signIn(fixture, name, "guess\(guess)")
                answers.append("\(answer.status) " + answer.text.replacing(name, with: "NAME"))
            }
            return answers
        }
        #expect(try await shape("ada") == shape("nobody"))
    }

    @Test func addressThatTriesManyNamesHasToWaitWhateverItSaysOfItself() async throws {
        let fixture = try await Self.site()
        var answer = try await Self.signIn(fixture, "name0", "guess", from: "203.0.113.9")
        for guess in 1...20 {
            // What a client writes into the header before the proxy adds the address is not believed.
            answer = try await Self.signIn(fixture, "name\(guess)", "guess", from: "10.0.0.\(guess), 203.0.113.9")
        }
        #expect(answer.text.contains("login_locked"))
        let other = try await Self.signIn(fixture, "Ada", Self.password, from: "198.51.100.1")
        #expect(other.status == 303)
    }

    @Test func sessionThatSomebodyElseChoseIsNeverTaken() async throws {
        let fixture = try await Self.site()
        let chosen = String(repeating: "A", count: 43)
        let answer = try await Self.signIn(fixture, "ada", Self.password, session: chosen)
        let cookie = try #require(answer.headers[.setCookie])
        #expect(answer.status == 303 && !cookie.contains(chosen))
        #expect(try await fixture.ask("/", session: chosen).status == 303)
        let session = String(cookie.dropFirst("sluice=".count).prefix { $0 != ";" })
        #expect(try await fixture.ask("/", session: session).status == 200)
        // Whoever signs in again gets another session, and the one of before ends.
        let again = try await Self.signIn(fixture, "ada", Self.password, session: session)
        #expect(again.status == 303 && again.headers[.location] == "/")
        for wrong in ["", " ", "x", String(repeating: "A", count: 10_000), session + "A", String(session.dropLast())] {
            #expect(try await fixture.ask("/", session: wrong).status == 303, "\(wrong.prefix(60))")
        }
    }

    // MARK: Bodies

    @Test func oversizeHeadsAndTargetsAreRefused() async throws {
        let fixture = try WebFixture()
        let long = String(repeating: "a", count: 9_000)
        #expect(try await fixture.ask("/runs?sync=" + long).status == 404)
        let fields = (0..<5_000).map { "f\($0)=1" }.joined(separator: "&")
        // More fields than are read: the token stands behind them and is not found.
        let answer = try await fixture.ask("/syncs/companies/pause", .post, form: fields + "&_token=form-token")
        #expect(answer.status == 403)
    }

    /// Sends bytes over a socket and reads what comes until the other side closes.
    private static func talk(_ port: Int, _ bytes: String, closes: Bool) -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, send(descriptor, bytes, bytes.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else { return "" }
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 { return text + "(still open)" }
            if count == 0 { return text }
            text += String(decoding: buffer[..<count], as: UTF8.self)
            if !closes && text.contains("\r\n\r\n") { return text }
        }
    }

    private static func live(_ body: @escaping @Sendable (Int) -> String) async throws -> String {
        let fixture = try WebFixture()
        var settings = try ServerSettings(listen: "127.0.0.1:0")
        settings.formTime = .milliseconds(300)
        settings.silenceTime = .milliseconds(600)
        let application = try WebServer(site: fixture.site, settings: settings).application()
        return try await application.test(.live) { client in
            let port = client.port ?? 0
            return await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: body(port)) }
            }
        }
    }

    private static let head = "Host: 127.0.0.1\r\nCookie: sluice=\(WebFixture.key)\r\n"

    @Test func formThatNeverEndsIsAnsweredAndLetGo() async throws {
        let answer = try await Self.live { port in
            Self.talk(
                port,
                "POST /syncs/companies/pause HTTP/1.1\r\n\(Self.head)Content-Type: application/x-www-form-urlencoded\r\n"
                    + "Content-Length: 100\r\n\r\n_token=", closes: true)
        }
        #expect(answer.hasPrefix("HTTP/1.1 408") && answer.contains("form_too_slow"), "\(answer.prefix(200))")
        #expect(!answer.hasSuffix("(still open)"))
    }

    @Test func headThatNeverEndsIsLetGo() async throws {
        let answer = try await Self.live { Self.talk($0, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b", closes: true) }
        #expect(!answer.hasSuffix("(still open)") && !answer.contains("HTTP/1.1 200"))
    }

    @Test func oversizeFormIsRefusedWhateverLengthItClaims() async throws {
        for length in ["Content-Length: 99999999999", "Transfer-Encoding: chunked"] {
            let body = length.hasPrefix("T") ? "100000\r\n" + String(repeating: "a", count: 0x10_0000) + "\r\n" : ""
            let answer = try await Self.live { port in
                Self.talk(
                    port,
                    "POST /syncs/companies/pause HTTP/1.1\r\n\(Self.head)\(length)\r\n"
                        + "Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body, closes: false)
            }
            let isRefused = answer.hasPrefix("HTTP/1.1 413") || answer.hasPrefix("HTTP/1.1 408")
            #expect(isRefused, "\(length): \(answer.prefix(200))")
        }
    }

    @Test func headersBeyondTheirLimitsAreRefused() async throws {
        for headers in [
            "X-Long: " + String(repeating: "a", count: 40_000),
            (0..<200).map { "X-\($0): a" }.joined(separator: "\r\n"),
        ] {
            let answer = try await Self.live {
                Self.talk($0, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\(headers)\r\n\r\n", closes: false)
            }
            #expect(!answer.hasPrefix("HTTP/1.1 200"), "\(answer.prefix(100))")
        }
    }
}
