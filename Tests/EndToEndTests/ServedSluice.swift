import Foundation
import Synchronization

/// `sluice serve` as a child process, on a free port.
final class ServedSluice: Sendable {
    let child: Child
    let address: String
    let port: Int
    /// The path of the link that makes the first admin; nil where there is one.
    let firstLink: String?

    init(_ project: CompanyProject, _ options: [String] = [], environment: [String: String] = [:]) async throws {
        let own = project.token.merging(["SLUICE_LOG_FORMAT": "json"]) { _, given in given }
        child = try project.folder.start(
            ["serve", "--listen", "127.0.0.1:0", "--json"] + options,
            environment: own.merging(environment) { _, given in given })
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let printed = try child.output()
            if printed.hasSuffix("}\n") {
                let announced = try JSON(parsing: printed)
                let address = announced["address"].string ?? ""
                self.address = address
                port = Int(address.split(separator: ":").last ?? "") ?? 0
                firstLink = announced["first_link"].string.map { String($0.dropFirst(address.count)) }
                return
            }
            guard child.isRunning, ContinuousClock.now < deadline else {
                throw ChildError(description: "the server did not start: \(try child.printed())")
            }
            try await Task.sleep(for: .milliseconds(4))
        }
    }

    func stop() async throws -> Finished {
        child.signal(SIGTERM)
        return try await child.wait(seconds: 45)
    }

    /// Waits until the log has so many lines with a text in them.
    func logged(_ text: String, times: Int = 1, seconds: Double = 30) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try child.printed().components(separatedBy: text).count <= times {
            guard child.isRunning, ContinuousClock.now < deadline else {
                throw ChildError(description: "never logged: \(text); \(try child.printed())")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// Somebody at the pages of a server, without a script: keeps a cookie and sends the tokens of forms.
final class PageVisitor: Sendable {
    static let password = "correct horse battery"

    private let port: Int
    private let cookie = Mutex("")

    /// Makes the first admin by the link that the server printed.
    init(_ serving: ServedSluice) throws {
        port = serving.port
        guard let link = serving.firstLink else { throw ChildError(description: "there is an admin already") }
        let fields = [("name", "Ada"), ("password", Self.password), ("again", Self.password)]
        let answer = try post(link, fields, from: nil)
        guard answer.status == 303 else { throw ChildError(description: "no admin was made: \(answer.head)") }
    }

    func get(_ path: String) throws -> LoopbackHTTP.Answer {
        try LoopbackHTTP.ask("GET", path, headers: ["Cookie: \(cookie.withLock { $0 })"], port: port)
    }

    /// - Parameter page: the page that the form stands on.
    @discardableResult
    func post(_ path: String, _ fields: [(String, String)] = [], from page: String?) throws -> LoopbackHTTP.Answer {
        var fields = fields
        if let page {
            let parts = try get(page).body.components(separatedBy: "name=\"_token\" value=\"")
            fields.append(("_token", parts.count > 1 ? String(parts[1].prefix { $0 != "\"" }) : ""))
        }
        let body = fields.map { "\($0.0)=\(Self.encoded($0.1))" }.joined(separator: "&")
        let answer = try LoopbackHTTP.ask(
            "POST", path, headers: ["Cookie: \(cookie.withLock { $0 })"], body: body, port: port)
        if let set = answer.header("Set-Cookie") { cookie.withLock { $0 = String(set.prefix { $0 != ";" }) } }
        return answer
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }

    /// Every page that links lead to from the first one, each with its JSON twin, by their paths.
    func everything(max: Int = 400) throws -> [String: LoopbackHTTP.Answer] {
        var found: [String: LoopbackHTTP.Answer] = [:]
        var waiting = ["/"]
        while let path = waiting.popLast(), found.count < max {
            guard found[path] == nil else { continue }
            let answer = try get(path)
            found[path] = answer
            guard answer.header("Content-Type")?.hasPrefix("text/html") == true else { continue }
            let links = answer.body.components(separatedBy: "href=\"").dropFirst().map {
                String($0.prefix { $0 != "\"" && $0 != "#" }).replacingOccurrences(of: "&amp;", with: "&")
            }
            waiting += links.filter { $0.hasPrefix("/") && !$0.hasPrefix("//") && !$0.hasSuffix("/events") }
            let bare = path.prefix { $0 != "?" }
            if bare != "/", !bare.contains(".") { waiting.append(bare + ".json") }
        }
        return found
    }
}
