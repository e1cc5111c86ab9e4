import Foundation

/// `sluice sandbox` as a child process, and a look inside it.
final class LocalPlanhat: Sendable {
    let address: String
    let port: Int
    let token: String
    let tenant: String
    let child: Child

    /// - Parameter port: 0 takes a free one.
    init(_ folder: WorkFolder, _ options: [String] = [], port: Int = 0) async throws {
        child = try folder.start(["sandbox", "--listen", "127.0.0.1:\(port)", "--json"] + options)
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let printed = try child.output()
            if printed.hasSuffix("}\n") {
                let announced = try JSON(parsing: printed)
                address = announced["address"].string ?? ""
                token = announced["token"].string ?? ""
                tenant = announced["tenant_uuid"].string ?? ""
                self.port = Int(address.split(separator: ":").last ?? "") ?? 0
                return
            }
            guard child.isRunning, ContinuousClock.now < deadline else {
                throw ChildError(description: "the sandbox did not start: \(try child.printed())")
            }
            try await Task.sleep(for: .milliseconds(4))
        }
    }

    /// Ends it politely, so that a file of `--data` is written.
    @discardableResult
    func stop() async throws -> Finished {
        child.signal(SIGTERM)
        return try await child.wait(seconds: 20)
    }

    func state() throws -> JSON { try JSON(parsing: get("/_sandbox/state")) }

    /// The records of a model, or the rows of `activities` or `metrics`, as they came.
    func lines(_ kind: String) throws -> [JSON] {
        try get("/_sandbox/records/" + kind).split(separator: "\n").map { try JSON(parsing: String($0)) }
    }

    /// The records of `companies` or `endusers`, by a field of theirs.
    func records(_ kind: String, by field: String) throws -> [String: JSON] {
        var found: [String: JSON] = [:]
        for line in try get("/_sandbox/records/" + kind).split(separator: "\n") {
            let record = try JSON(parsing: String(line))
            if let key = record[field].string { found[key] = record }
        }
        return found
    }

    /// How many writes arrived, whatever was answered.
    func writes() throws -> Int {
        try state()["requests_by_kind"].members.filter { $0.key.hasPrefix("PUT ") }.reduce(0) {
            $0 + ($1.value.int ?? 0)
        }
    }

    private func get(_ path: String) throws -> String { try LoopbackHTTP.get(path, port: port) }
}
