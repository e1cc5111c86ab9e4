import ConnectorKit
import Records
import Synchronization
import Testing

@Suite struct ScanThreadTests {
    private static func batch(_ number: Int64) -> RowBatch { RowBatch(rows: [[.integer(number)]], columnCount: 1) }

    @Test func batchesArriveInOrderAndEndWithNil() async throws {
        let scan = ScanThread(name: "test") { sink in
            for number in 0..<100 { try sink.send(Self.batch(Int64(number))) }
        }
        var seen: [Value] = []
        while let batch = try await scan.next() { seen.append(batch.value(row: 0, column: 0)) }
        #expect(seen == (0..<100).map { .integer($0) })
        await scan.stop {}
    }

    @Test func anErrorOfTheScanIsThrownAfterItsBatches() async throws {
        struct Broken: Error {}
        let scan = ScanThread(name: "test") { sink in
            try sink.send(Self.batch(1))
            throw Broken()
        }
        #expect(try await scan.next() != nil)
        await #expect(throws: Broken.self) { try await scan.next() }
        await scan.stop {}
    }

    @Test func aScanNobodyWantsEndsThoughItsHandOverIsFull() async throws {
        let sent = Mutex(0)
        let scan = ScanThread(name: "test") { sink in
            while true {
                try sink.send(Self.batch(0))
                sent.withLock { $0 += 1 }
            }
        }
        _ = try await scan.next()
        await scan.stop {}
        #expect(sent.withLock { $0 } <= ScanThread.batchesAheadMax + 2)
    }

    @Test func cancellingTheWaitingTaskThrowsAtOnce() async throws {
        let interrupted = Mutex(false)
        let scan = ScanThread(name: "test") { sink in
            while !interrupted.withLock({ $0 }) { try sink.checkWanted() }
        }
        let waiting = Task { try await scan.next() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await scan.stop { interrupted.withLock { $0 = true } }
    }
}

@Suite struct SecretTests {
    @Test func aSecretPrintsAsNothingButThatItIsOne() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        let settings = ConnectorSettings(name: "x", secrets: ["key": secret])
        for text in ["\(secret)", String(reflecting: secret), dumped, "\(settings)", String(reflecting: settings)] {
            #expect(!text.contains("hunter2"))
        }
        #expect(secret.reveal() == "hunter2")
    }
}
