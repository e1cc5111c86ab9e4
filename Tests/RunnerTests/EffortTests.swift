import ConnectorKit
import Foundation
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What a run cost is noted with it, and told to whoever traces it.
struct EffortTests {
    @Test func answersRetriesAndWaitsAreCounted() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { number, _ in
            switch number {
            case 0: .rateLimited(after: .seconds(30))
            case 1: .failedBefore
            default: .none
            }
        }
        let effort = try #require(try await fixture.run().effort)
        #expect(effort.answers == ["200": 1, "429": 1, "500": 1] && effort.retries == 2, "\(effort)")
        #expect((30_000..<31_000).contains(effort.rateLimitWaitMilliseconds), "\(effort)")
        #expect((1_000...2_000).contains(effort.retryWaitMilliseconds), "\(effort)")
        #expect(effort.deliverMilliseconds >= effort.rateLimitWaitMilliseconds + effort.retryWaitMilliseconds)
        #expect(effort.scanMilliseconds == 0 && effort.closeMilliseconds == 0, "nobody waited there")
        #expect(EffortText.answers(effort) == "1 x 200, 1 x 429, 1 x 500; 2 retries")
        #expect(EffortText.waits(effort)?.contains("for the rate limit") == true)
    }

    @Test func aRunThatFailedBeforeItsPlanKeepsItsStagesAndItsRequests() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.readError = ConnectorError(
            code: "unreadable_answer", message: "No.", hint: "Look.", disposition: .stop)
        let environment = try fixture.environment()
        let record = try await fixture.run(RunOptions(), things(behavior: .updateOnly), in: environment)
        #expect(record.state == .failed && record.effort?.answers == ["500": 1])
        let exchanges = try RunHistory(environment.database).exchanges(run: record.id, limit: 10)
        #expect(exchanges.map(\.error) == ["unreadable_answer"])
    }

    @Test func eachRunHasAnEffortOfItsOwn() async throws {
        let fixture = try RunFixture(rows(3))
        let first = try await fixture.run()
        let second = try await fixture.run()
        #expect(first.effort?.answers == ["200": 1] && second.effort?.answers == [:])
        #expect(try RunHistory(try fixture.environment().database).run(first.id)?.effort == first.effort)
    }

    @Test func everyExchangeHasTheMomentAtWhichItBegan() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { number, _ in number == 0 ? .rateLimited(after: .seconds(30)) : .none }
        let environment = try fixture.environment()
        let record = try await fixture.run(RunOptions(), things(behavior: .updateOnly), in: environment)
        let exchanges = try RunHistory(environment.database).exchanges(run: record.id, limit: 10)
        // A simulated request says that it took a millisecond and takes none.
        let moments = record.startedAt.milliseconds - 1...(record.endedAt ?? record.startedAt).milliseconds
        #expect(!exchanges.isEmpty && exchanges.allSatisfy { moments.contains($0.at.milliseconds) }, "\(exchanges)")
    }

    @Test func aTraceHasStagesRequestsAndWaitsAsChromeReadsThem() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { number, _ in number == 0 ? .rateLimited(after: .seconds(30)) : .none }
        let path = fixture.folder + "/trace.json"
        let trace = try ChromeTrace(path: path)
        var environment = try fixture.environment()
        environment.trace = { trace.add($0) }
        try await fixture.run(in: environment)
        try trace.close()
        let data = try Data(contentsOf: URL(filePath: path))
        let events = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        let spans = events.filter { $0["ph"] as? String == "X" }
        let names = Set(spans.compactMap { $0["name"] as? String })
        #expect(
            names.isSuperset(of: ["prepare", "scan", "plan", "deliver", "close", "run 1", "rate limit"]), "\(names)")
        #expect(spans.filter { $0["cat"] as? String == "request" }.count == 2)
        #expect(spans.allSatisfy { $0["ts"] is Int && ($0["dur"] as? Int ?? -1) >= 0 && $0["pid"] as? Int == 1 })
        #expect(events.contains { ($0["args"] as? [String: String])?["name"] == "things, run 1" })
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func aTraceReplacesATraceAndNoOtherFile() async throws {
        let fixture = try RunFixture(rows(3))
        let path = fixture.folder + "/trace.json"
        for _ in 1...2 {
            try ChromeTrace(path: path).close()
            let trace = try ChromeTrace(path: path)
            var environment = try fixture.environment()
            environment.trace = { trace.add($0) }
            try await fixture.run(in: environment)
            try trace.close()
        }
        try Data("[\n  1\n]".utf8).write(to: URL(filePath: path))
        let error = #expect(throws: RunError.self) { try ChromeTrace(path: path) }
        #expect(error?.code == "trace_unwritable")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "[\n  1\n]")
    }

    @Test func aTraceIsWrittenThroughALinkAndIntoNothingButAFile() throws {
        let fixture = try RunFixture(rows(1))
        let (pipe, link) = (fixture.folder + "/pipe", fixture.folder + "/link")
        try #require(mkfifo(pipe, 0o600) == 0 && symlink("pipe", link) == 0)
        for path in [pipe, link, fixture.folder] {
            let error = #expect(throws: RunError.self) { try ChromeTrace(path: path) }
            #expect(error?.code == "trace_unwritable" && error?.message.contains("no file") == true)
        }
        try #require(unlink(pipe) == 0)
        try Data().write(to: URL(filePath: pipe))
        try ChromeTrace(path: link).close()
        #expect(try String(contentsOfFile: pipe, encoding: .utf8) == "[\n\n]\n")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "pipe")
    }

    @Test func whatNeverLeftDoesNotCountAsSent() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { _, _ in .unauthorized }
        #expect(try await fixture.run().operations.undelivered == 3)
        let told = fixture.progress.compactMap { progress -> Int? in
            if case .delivering(let done, _) = progress { done } else { nil }
        }
        #expect(told.allSatisfy { $0 == 0 })
    }

    @Test func aTraceThatCannotBeMadeSaysSo() throws {
        let error = #expect(throws: RunError.self) { try ChromeTrace(path: "/nowhere/at/all/trace.json") }
        #expect(error?.code == "trace_unwritable")
    }
}
