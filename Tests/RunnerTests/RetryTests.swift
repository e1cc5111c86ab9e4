import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Requests that bring no answer: repeated as long as that is safe and of use.
struct RetryTests {
    @Test func throttledRequestWaitsAsTheAnswerSays() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { number, _ in number < 2 ? .rateLimited(after: .seconds(30)) : .none }
        let record = try await fixture.run()
        #expect(record.state == .succeeded && record.requests == 3)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
        #expect(fixture.time.slept.filter { $0 >= .seconds(30) && $0 < .seconds(31) }.count == 2)
    }

    @Test func answerThatAsksForADayIsNotWaitedFor() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { number, _ in number < 1 ? .rateLimited(after: .seconds(86_400)) : .none }
        #expect(try await fixture.run().state == .succeeded)
        #expect(fixture.time.slept.allSatisfy { $0 <= .seconds(601) })
    }

    @Test func lostAnswerIsFollowedByTheSameRequest() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { number, _ in number == 0 ? .lostAfter(records: 3) : .none }
        let record = try await fixture.run()
        #expect(record.state == .succeeded && record.operations.accepted == 3)
        #expect(fixture.account.requests.map(\.keys) == [["k1", "k2", "k3"], ["k1", "k2", "k3"]])
        #expect(fixture.account.created == ["k1": 1, "k2": 1, "k3": 1])
    }

    @Test func runFailsAfterSevenTriesAndTheRestIsUndelivered() async throws {
        let fixture = try RunFixture(rows(10))
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 4))
        fixture.account.fault { number, _ in number == 0 ? .none : .failedBefore }
        let record = try await fixture.run(in: small)
        #expect(record.state == .failed && record.error?.code == "server_error")
        #expect(record.requests == 1 + 7)
        #expect(record.operations.accepted == 4 && record.operations.undelivered == 6)
        #expect(try fixture.outcomes(record, .undelivered) == ["k10", "k5", "k6", "k7", "k8", "k9"])
        fixture.account.fault { _, _ in .none }
        let next = try await fixture.run(in: small)
        #expect(next.state == .succeeded && next.rows.unchanged == 4 && next.operations.created == 6)
    }

    @Test func refusedCredentialsStopTheRunAtOnce() async throws {
        let fixture = try RunFixture(rows(10))
        fixture.account.fault { _, _ in .unauthorized }
        let record = try await fixture.run()
        #expect(record.state == .failed && record.error?.code == "unauthorized" && record.requests == 1)
        #expect(record.operations.undelivered == 10)
        #expect(record.reasons == [ReasonCount(code: "unauthorized", count: 10)])
    }

    @Test func bodyThatIsTooLargeIsHalvedAndSmallerBatchesFollow() async throws {
        let fixture = try RunFixture(rows(40))
        let object = SimulatedDestination.object(batchItemsMax: 16)
        fixture.account.fault { _, _ in .tooLarge(items: 5) }
        let record = try await fixture.run(in: fixture.environment(object: object))
        #expect(record.state == .succeeded && record.operations.created == 40)
        #expect(fixture.account.requests.prefix(3).map(\.keys.count) == [16, 8, 4])
        #expect(fixture.account.requests.dropFirst(8).allSatisfy { $0.keys.count <= 4 })
    }

    @Test func slowAnswersAreFollowedBySmallerBatchesAndQuickOnesByLargerAgain() async throws {
        let fixture = try RunFixture(rows(2_000))
        let object = SimulatedDestination.object(batchItemsMax: 400)
        fixture.account.answerMilliseconds { $0 > 150 ? 61_000 : 10_000 }
        let record = try await fixture.run(in: fixture.environment(object: object))
        #expect(record.state == .succeeded && record.operations.created == 2_000)
        let counts = fixture.account.requests.map(\.keys.count)
        #expect(counts == [400, 200, 100, 100, 100, 125, 125, 125, 156, 100, 100, 100, 125, 125, 19])
    }

    @Test func slowRemovalsSayNothingOfTheSizeOfBatches() async throws {
        let fixture = try RunFixture(rows(1_600))
        let object = SimulatedDestination.object(batchItemsMax: 400)
        var sync = things(behavior: .mirror)
        sync.removal = .archive
        try await fixture.run(RunOptions(), sync, in: fixture.environment(object: object))
        let before = fixture.account.requests.count
        fixture.source.rows = Array(rows(1_600).prefix(10))
        fixture.account.answerMilliseconds { _ in 61_000 }
        var options = RunOptions()
        options.acceptedGuards = ["removed", "first_removals"]
        let record = try await fixture.run(options, sync, in: fixture.environment(object: object))
        #expect(record.state == .succeeded && record.operations.removed == 1_590)
        let counts = Set(fixture.account.requests.dropFirst(before).dropLast().map(\.keys.count))
        #expect(counts.count == 1, "as large as at first: \(counts)")
    }

    @Test func batchIsNotGivenTheTimeOfTheOneBeforeIt() throws {
        let log = ExchangeLog(try RunFixture().environment())
        func exchange(_ isWrite: Bool, _ milliseconds: Int) -> Exchange {
            Exchange(
                method: "PUT", path: "/things", status: 200, milliseconds: milliseconds, requestBytes: 1,
                responseBytes: 1, requestBody: "", responseBody: "", isWrite: isWrite)
        }
        #expect(log.lastWrite == nil)
        log.carry(batch: 1, attempt: 1, sequences: nil)
        log.append(exchange(true, 61_000))
        log.append(exchange(false, 5))
        #expect(log.lastWrite == .milliseconds(61_000))
        // Nothing of it left: the destination refused each record by itself, before it asked.
        log.carry(batch: 2, attempt: 1, sequences: nil)
        log.append(exchange(false, 5))
        #expect(log.lastWrite == nil)
    }

    /// A run that reads without end, or sends very much, is bounded in its bodies and not in its lines.
    @Test func everyRequestOfARunIsKeptAndItsBodiesUpToABound() throws {
        let log = ExchangeLog(try RunFixture().environment())
        let body = String(repeating: "x", count: Exchange.bodyBytesMax)
        func append(isWrite: Bool) {
            log.append(
                Exchange(
                    method: isWrite ? "PUT" : "GET", path: "/things", status: 200, milliseconds: 1,
                    requestBytes: body.utf8.count, responseBytes: 0, requestBody: body, responseBody: "",
                    isWrite: isWrite))
        }
        for _ in 0..<3_000 { append(isWrite: false) }
        let read = log.take().records
        #expect(read.map(\.number) == Array(0..<3_000))
        let whole = read.filter { !$0.requestBody.isEmpty }.map(\.number)
        #expect(whole.count == 51 && whole.last == 2_999 && whole[49] == 49)
        #expect(read.allSatisfy { $0.requestBytes == body.utf8.count && $0.status == 200 && $0.milliseconds == 1 })

        var kept = 51
        for _ in 0..<5_000 {
            append(isWrite: true)
            let taken = log.take().records
            #expect(taken.count == 1)
            kept += taken.filter { !$0.requestBody.isEmpty }.count
        }
        #expect(kept == ExchangeLog.bodyBytesMax / Exchange.bodyBytesMax)
    }

    @Test func recordThatIsTooLargeByItselfIsRejected() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.fault { _, keys in keys.contains("k2") ? .tooLarge(items: 0) : .none }
        let record = try await fixture.run()
        #expect(record.state == .completedWithRejections)
        #expect(try fixture.outcomes(record, .rejected) == ["k2"])
        #expect(record.operations.accepted == 2)
    }

    @Test func batchesKeepToItemsAndBytes() async throws {
        let fixture = try RunFixture(rows(50))
        let bytes = payload("k10").utf8.count + 2
        let object = SimulatedDestination.object(batchItemsMax: 10, batchBytesMax: bytes * 7)
        #expect(try await fixture.run(in: fixture.environment(object: object)).state == .succeeded)
        #expect(fixture.account.requests.map(\.keys.count).max() == 7)
        let exact = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 10))
        var options = RunOptions()
        options.isFull = true
        #expect(try await fixture.run(options, in: exact).requests == 5)
    }

    @Test func sendThatMayHaveArrivedIsInDoubtAndNotRepeated() async throws {
        let fixture = try RunFixture(rows(4))
        let once = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2, repeatable: .never))
        fixture.account.fault { number, _ in number == 0 ? .lostAfter(records: 1) : .none }
        let record = try await fixture.run(in: once)
        #expect(record.state == .completedWithRejections)
        #expect(record.operations.inDoubt == 2 && record.operations.created == 2)
        let next = try await fixture.run(in: once)
        #expect(next.rows.held == 2 && next.requests == 0)
        #expect(try fixture.outcomes(next, .held) == ["k1", "k2"])
        var full = RunOptions()
        full.isFull = true
        #expect(try await fixture.run(full, in: once).rows.held == 2)
    }

    @Test func throttledSendIsRepeatedBecauseItDidNotArrive() async throws {
        let fixture = try RunFixture(rows(2))
        let once = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2, repeatable: .never))
        fixture.account.fault { number, _ in number == 0 ? .rateLimited(after: nil) : .none }
        #expect(try await fixture.run(in: once).state == .succeeded)
    }

    /// The quota is that of the connection: whoever else sends waits too.
    @Test func refusalForTheRateWithoutAWordOfHowLongHoldsTheWholeConnection() async throws {
        let fixture = try RunFixture()
        let environment = try fixture.environment()
        let pace = try environment.connections.pace(things())
        let other = try environment.connections.pace(things())
        func waited() async throws -> Int64 {
            let before = environment.time.now().milliseconds
            try await other.permit(time: environment.time, progress: { _ in })
            return environment.time.now().milliseconds - before
        }
        pace.observe(RateLimitNotice(remaining: 3), time: environment.time)
        #expect(try await waited() == 0)
        pace.observe(RateLimitNotice(isRefusal: true), time: environment.time)
        let wait = try await waited()
        #expect((14_000...16_000).contains(wait), "\(wait)")
        pace.observe(RateLimitNotice(wait: .seconds(3), isRefusal: true), time: environment.time)
        let asked = try await waited()
        #expect((2_900...3_100).contains(asked), "\(asked)")
    }
}
