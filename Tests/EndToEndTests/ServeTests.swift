import Foundation
import Glibc
import Synchronization
import Testing

/// `sluice serve` keeps schedules, also when it is killed or stopped in the middle of runs.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ServeTests {
    /// A server on a free port.
    private final class Serving: Sendable {
        let child: Child
        let port: Int

        init(_ project: CompanyProject) async throws {
            child = try project.folder.start(
                ["serve", "--listen", "127.0.0.1:0", "--json"],
                environment: project.token.merging(["SLUICE_LOG_FORMAT": "json"]) { _, given in given })
            let deadline = ContinuousClock.now + .seconds(30)
            while true {
                let printed = try child.output()
                if printed.hasSuffix("}\n") {
                    let address = try JSON(parsing: printed)["address"].string ?? ""
                    port = Int(address.split(separator: ":").last ?? "") ?? 0
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
    }

    private func runs(_ project: CompanyProject) async throws -> [JSON] {
        try await project.sluice("runs", "--json").runs()
    }

    private func until(
        _ project: CompanyProject, _ what: String, seconds: Double = 60, _ isSo: ([JSON]) -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let found = try await runs(project)
            if isSo(found) { return }
            guard ContinuousClock.now < deadline else {
                throw ChildError(description: "never: \(what); \(found.map { "\($0["id"].int ?? 0) \($0.state)" })")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func expectTruth(_ project: CompanyProject) async throws {
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
        for run in try await runs(project) where JSON.finalStates.contains(run.state) {
            #expect(run.isBalanced && run["ended_at"] != .null, "\(run)")
        }
    }

    @Test func killedServerGoesOnWithItsRunsAtTheNextStart() async throws {
        let project = try await CompanyProject(
            rows: 12_000, sandbox: ["--latency", "900"], more: "    schedule: {every: 10m}")
        for kill in 1...2 {
            let serving = try await Serving(project)
            try await until(project, "run 1 sends for the \(kill). time") { runs in
                runs.last.map { $0.operations("planned") > 0 && $0.state == "running" } ?? false
            }
            serving.child.kill()
            #expect(try await runs(project).map(\.state) == ["interrupted"])
        }
        let serving = try await Serving(project)
        try await until(project, "run 1 ends") { $0.last?.state == "succeeded" }
        let found = try await runs(project)
        #expect(
            found.count == 1 && found[0]["trigger"].string == "schedule" && found[0].operations("accepted") == 12_000)
        try await expectTruth(project)
        let metrics = try LoopbackHTTP.get("/metrics", port: serving.port)
        #expect(metrics.contains("sluice_runs_total{sync=\"companies\",state=\"succeeded\"} 1"), "\(metrics)")
        #expect(try LoopbackHTTP.get("/readyz", port: serving.port).contains("ready"))
        #expect(try await serving.stop().status == 0)
    }

    @Test func stoppedServerLeavesItsRunToTheNextStartAndRecordsCollisions() async throws {
        let project = try await CompanyProject(
            rows: 12_000, sandbox: ["--latency", "5000"], more: "    schedule: {every: 10s}")
        let serving = try await Serving(project)
        try await until(project, "a collision") { $0.contains { $0.state == "skipped" } }
        let second = try await project.sluice("serve", "--listen", "127.0.0.1:0", "--json")
        #expect(try second.status == 1 && second.json()["error"]["code"].string == "server_already_running")
        let stopped = try await serving.stop()
        #expect(stopped.status == 0, "\(stopped.everything)")
        let left = try await runs(project)
        #expect(left.map(\.state) == ["skipped", "interrupted"], "\(left)")
        #expect(left[0]["error"]["code"].string == "sync_already_running")
        #expect(left[1].operations("accepted") < 12_000)
        for line in stopped.errors.split(separator: "\n") where !line.hasPrefix("Stopping:") {
            let fields = try JSON(parsing: String(line))
            #expect(fields["level"] != .null && fields["message"] != .null, "\(line)")
        }
        #expect(!stopped.everything.contains(project.planhat.token))
        #expect(stopped.errors.contains("\"sync\":\"companies\"") && stopped.errors.contains("\"run\":\"1\""))

        let next = try await Serving(project)
        try await until(project, "run 1 ends") { $0.last?.state == "succeeded" }
        #expect(try await next.stop().status == 0)
        try await expectTruth(project)
    }

    @Test func pauseAndResumeSayWhatTheyChanged() async throws {
        let project = try await CompanyProject(rows: 3, more: "    paused: true")
        let paused = try await project.sluice("pause", "companies", "--json").json()
        #expect(paused["paused"].bool == true && paused["was_paused"].bool == false)
        #expect(paused["paused_by_file"].bool == true && paused["sync"].string == "companies")
        #expect(try await project.sluice("pause", "companies").output == "companies was paused already.\n")
        let resumed = try await project.sluice("resume", "companies")
        #expect(resumed.output == "companies is back.\n" && resumed.errors.contains("still says paused: true"))
        #expect(try await project.sluice("resume", "nobody").status == 2)
    }
}

/// Notices of `sluice run`, as from cron.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct NoticeEndToEndTests {
    @Test func commandIsToldOfAFailureAndOfItsEnd() async throws {
        let project = try await CompanyProject(
            rows: 3, more: "    notify: {command: \"cat >> told.json; echo >> told.json\", on: [failure, recovery]}")
        func told() throws -> [JSON] {
            let text = try String(contentsOfFile: project.folder.path + "/told.json", encoding: .utf8)
            return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
        }
        try project.database.execute("alter table accounts rename to gone")
        #expect(try await project.sluice("run", "companies", "--json").status == 1)
        #expect(try await project.sluice("run", "companies", "--json").status == 1)
        #expect(try told().map { $0["event"].string } == ["failure"])
        #expect(try told()[0]["run"]["id"].int == 1 && told()[0]["run"]["state"].string == "failed")
        try project.database.execute("alter table gone rename to accounts")
        #expect(try await project.sluice("run", "companies", "--json").status == 0)
        #expect(try told().map { $0["event"].string } == ["failure", "recovery"])
    }

    @Test func webhookIsPostedToAndItsRefusalChangesNothing() async throws {
        let listener = try WebhookListener()
        let project = try await CompanyProject(
            rows: 3, more: "    notify: {webhook: \"http://127.0.0.1:\(listener.port)/T0PSECRET\", form: slack}")
        try project.database.execute("update accounts set id = 1")
        let first = try await project.sluice("run", "companies")
        #expect(first.status == 5, "\(first.everything)")
        let request = try #require(listener.requests.first)
        #expect(request.hasPrefix("POST /T0PSECRET HTTP/1.1") && request.contains("{\"text\":\"A guard stopped run 1"))
        #expect(listener.requests.count == 1)
        listener.close()
        try project.database.execute("alter table accounts rename to gone")
        let second = try await project.sluice("run", "companies")
        #expect(second.status == 1 && second.errors.contains("A notice was not delivered."), "\(second.everything)")
        #expect(!second.everything.contains("T0PSECRET"))
    }
}

/// Takes POSTs on a free port of this machine and answers 204.
private final class WebhookListener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let received = Mutex<[String]>([])

    var requests: [String] { received.withLock { $0 } }

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listening, size) = (descriptor, length)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listening, pointer, size) == 0 && listen(listening, 16) == 0
                    && getsockname(listening, pointer, &length) == 0
            }
        }
        guard bound else { throw ChildError(description: "no port to listen on") }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listening, nil, nil)
                if connection < 0 { return }
                received.withLock { $0.append(Self.read(connection)) }
                let answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
                _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
                _ = Glibc.close(connection)
            }
        }
    }

    func close() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        _ = Glibc.close(descriptor)
    }

    private static func read(_ connection: Int32) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { return text }
            text += String(decoding: buffer[..<count], as: UTF8.self)
            let parts = text.components(separatedBy: "\r\n\r\n")
            let length = parts[0].lowercased().components(separatedBy: "content-length: ").last?
                .prefix { $0.isNumber }
            if parts.count > 1, let length, parts[1].utf8.count >= Int(length) ?? 0 { return text }
        }
    }
}
