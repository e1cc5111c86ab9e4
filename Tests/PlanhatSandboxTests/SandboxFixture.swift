import Foundation
import PlanhatSandbox

/// A sandbox whose API is asked in this process, with a clock that stands still until it is moved.
struct SandboxFixture {
    let sandbox: Sandbox

    init(_ switches: String..., rules: [String] = [], dataFile: String? = nil) throws {
        try self.init(all: switches, rules: rules, dataFile: dataFile)
    }

    init(all switches: [String], rules: [String] = [], dataFile: String? = nil) throws {
        var configuration = SandboxConfiguration()
        configuration.switches = try SandboxSwitches(switches)
        configuration.failRules = try SandboxConfiguration.failRules(rules)
        configuration.dataFile = dataFile
        sandbox = try Sandbox(configuration, clock: { 1_790_000_000_123_456 })
    }

    @discardableResult
    func send(_ method: String, _ target: String, _ body: String = "") -> Answer {
        Answer(sandbox.perform(method, target, body))
    }

    @discardableResult
    func upsert(_ rows: String, to path: String = "/companies") -> Answer { send("PUT", path, "[\(rows)]") }
}

/// An answer with its JSON at hand.
struct Answer {
    let status: Int
    let body: String

    init(_ answer: SandboxAnswer) {
        status = answer.status
        body = answer.body
    }

    init(status: Int, body: String) {
        self.status = status
        self.body = body
    }

    var json: Any? { try? JSONSerialization.jsonObject(with: Data(body.utf8), options: .fragmentsAllowed) }
    var object: [String: Any] { json as? [String: Any] ?? [:] }
    var array: [[String: Any]] { json as? [[String: Any]] ?? [] }

    func number(_ name: String) -> Int? { object[name] as? Int }
    func text(_ name: String) -> String? { object[name] as? String }
    func list(_ name: String) -> [Any] { object[name] as? [Any] ?? [] }
    func objects(_ name: String) -> [[String: Any]] { object[name] as? [[String: Any]] ?? [] }

    /// created, updated, nonupdates, and the numbers of entries in the two error lists.
    var counts: [Int] {
        [
            number("created") ?? -1, number("updated") ?? -1, number("nonupdates") ?? -1,
            list("createdErrors").count, list("updatedErrors").count,
        ]
    }

    /// The messages of all error entries that are objects.
    var messages: [String] {
        ["createdErrors", "updatedErrors", "permissionErrors"].flatMap { objects($0) }
            .compactMap { $0["message"] as? String }
    }
}
