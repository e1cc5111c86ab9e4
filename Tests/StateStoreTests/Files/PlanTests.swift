import Records
import StateStore
import TestKit
import Testing

@Suite struct PlanTests {
    struct Planned: Equatable {
        var kind = OperationKind.upsert
        var isNew = true
        var key = "k"
        var payload = "{}"
    }

    static func write(_ writer: inout PlanWriter, _ operations: [Planned]) throws {
        for (number, operation) in operations.enumerated() {
            let (key, payload) = (Array(operation.key.utf8), Array(operation.payload.utf8))
            let sequence = try key.withUnsafeBytes { keyBytes in
                try payload.withUnsafeBytes { payloadBytes in
                    try writer.append(
                        kind: operation.kind, isNew: operation.isNew, keyHash: StateStoreTests.key(number),
                        rowHash: row(number), key: keyBytes, payload: payloadBytes)
                }
            }
            #expect(sequence == number)
        }
    }

    static func plan(_ operations: [Planned], _ scratch: ScratchFolder) throws -> String {
        let path = scratch.path + "/1.plan"
        var writer = try PlanWriter(path: path, header: Array("{\"run\":1}".utf8))
        try write(&writer, operations)
        try writer.seal(summary: Array("summary".utf8))
        return path
    }

    static func batches(
        _ reader: inout PlanReader, items: Int = 5_000, bytes: Int = 8_388_608, overhead: Int = 0
    ) throws -> [[Int]] {
        var batches: [[Int]] = []
        while let batch = try reader.next(
            itemsMax: items, bytesMax: bytes, overheadPerItem: overhead, keyField: "externalId")
        {
            batches.append(batch.entries.map(\.sequence))
        }
        return batches
    }

    @Test func sealedPlanGivesBackWhatWasAppended() throws {
        let scratch = try ScratchFolder()
        let operations = [
            Planned(key: "a", payload: "{\"name\":\"Å\"}"), Planned(isNew: false, key: "", payload: ""),
            Planned(kind: .send, key: "[1,2]", payload: "{}"), Planned(kind: .delete, key: "gone", payload: ""),
            Planned(kind: .archive), Planned(kind: .clear),
        ]
        let reader = try PlanReader(path: Self.plan(operations, scratch))
        #expect(reader.isSealed && reader.count == 6 && reader.total == 6)
        #expect(String(decoding: reader.header, as: UTF8.self) == "{\"run\":1}")
        #expect(String(decoding: reader.summary, as: UTF8.self) == "summary")
        var read: [Planned] = []
        // swift-format-ignore: ReplaceForEachWithForLoop
        try reader.visit { operation in
            #expect(operation.keyHash == key(read.count) && operation.rowHash == row(read.count))
            #expect(operation.sequence == read.count)
            read.append(
                Planned(
                    kind: operation.kind, isNew: operation.isNew, key: operation.keyText,
                    payload: operation.payloadText))
        }
        #expect(read == operations)
        #expect(try RawFile.mode(reader.path) == 0o600)
    }

    @Test func emptyPlanIsSealedAndHasNoBatch() throws {
        let scratch = try ScratchFolder()
        var reader = try PlanReader(path: Self.plan([], scratch))
        #expect(reader.isSealed && reader.count == 0)
        #expect(try Self.batches(&reader).isEmpty)
    }

    @Test func batchesEndAtTheItemLimit() throws {
        let scratch = try ScratchFolder()
        var reader = try PlanReader(path: Self.plan(Array(repeating: Planned(), count: 10), scratch))
        #expect(try Self.batches(&reader, items: 5).map(\.count) == [5, 5])
        reader.seek(toSequence: 0)
        #expect(try Self.batches(&reader, items: 4).map(\.count) == [4, 4, 2])
        reader.seek(toSequence: 0)
        #expect(try Self.batches(&reader, items: 10).map(\.count) == [10])
        reader.seek(toSequence: 0)
        #expect(try Self.batches(&reader, items: 1).count == 10)
    }

    @Test func batchesEndAtTheByteLimitExactly() throws {
        let scratch = try ScratchFolder()
        let operations = Array(repeating: Planned(payload: String(repeating: "x", count: 10)), count: 6)
        var reader = try PlanReader(path: Self.plan(operations, scratch))
        #expect(try Self.batches(&reader, bytes: 36, overhead: 2).map(\.count) == [3, 3])
        reader.seek(toSequence: 0)
        #expect(try Self.batches(&reader, bytes: 35, overhead: 2).map(\.count) == [2, 2, 2])
        reader.seek(toSequence: 0)
        #expect(try Self.batches(&reader, bytes: 1, overhead: 2).map(\.count) == [1, 1, 1, 1, 1, 1])
    }

    @Test func batchesHoldOneKind() throws {
        let scratch = try ScratchFolder()
        let kinds: [OperationKind] = [.upsert, .upsert, .delete, .delete, .delete, .archive]
        var reader = try PlanReader(path: Self.plan(kinds.map { Planned(kind: $0) }, scratch))
        var seen: [OperationKind] = []
        while let batch = try reader.next(itemsMax: 10, bytesMax: 100, overheadPerItem: 1, keyField: "externalId") {
            seen.append(batch.kind)
            #expect(batch.keyField == "externalId" && batch.keyText(0) == "k" && batch.payloadText(0) == "{}")
        }
        #expect(seen == [.upsert, .delete, .archive])
    }

    @Test(arguments: 1...20)
    func randomPlansAreCutIntoBatchesWithinLimitsAndNothingIsLost(seed: UInt64) throws {
        let scratch = try ScratchFolder()
        var random = SeededRandom(seed: seed)
        let operations = (0..<Int.random(in: 0...3_000, using: &random)).map { number in
            Planned(
                kind: number < 2_500 ? .upsert : .delete, key: "k\(number)",
                payload: String(repeating: "p", count: Int.random(in: 0...2_000, using: &random)))
        }
        let path = scratch.path + "/1.plan"
        var writer = try PlanWriter(path: path, header: [])
        try Self.write(&writer, operations)
        let struck = Set((0..<operations.count).filter { _ in Bool.random(using: &random) })
        let struckNow = try writer.strike { struck.contains($0.sequence) }
        #expect(struckNow == struck.count)
        let left = writer.count
        #expect(left == operations.count - struck.count)
        try writer.seal(summary: [])
        var reader = try PlanReader(path: path)
        let (items, bytes) = (Int.random(in: 1...500, using: &random), Int.random(in: 1...100_000, using: &random))
        var sequences: [Int] = []
        while let batch = try reader.next(itemsMax: items, bytesMax: bytes, overheadPerItem: 3, keyField: "id") {
            let size = batch.entries.reduce(0) { $0 + $1.payload.count + 3 }
            #expect(batch.count >= 1 && batch.count <= items && (size <= bytes || batch.count == 1))
            for (index, entry) in batch.entries.enumerated() {
                #expect(batch.keyText(index) == operations[entry.sequence].key)
                #expect(entry.payload.count == operations[entry.sequence].payload.utf8.count)
                #expect(entry.keyHash == key(entry.sequence))
                #expect(operations[entry.sequence].kind == batch.kind)
                sequences.append(entry.sequence)
            }
        }
        #expect(sequences == (0..<operations.count).filter { !struck.contains($0) })
    }

    @Test func seekGoesOnAtAnySequence() throws {
        let scratch = try ScratchFolder()
        let operations = (0..<4_000).map { Planned(key: "\($0)", payload: String(repeating: "x", count: 900)) }
        let path = scratch.path + "/1.plan"
        var writer = try PlanWriter(path: path, header: [])
        try Self.write(&writer, operations)
        _ = try writer.strike { $0.sequence == 1_500 || $0.sequence == 0 }
        try writer.seal(summary: [])
        var reader = try PlanReader(path: path)
        for wanted in [0, 1, 999, 1_115, 1_116, 1_117, 1_500, 3_999] {
            reader.seek(toSequence: wanted)
            let batch = try reader.next(itemsMax: 3, bytesMax: 10_000, overheadPerItem: 0, keyField: "id")
            let expected = (wanted..<min(wanted + 5, 4_000)).filter { $0 != 1_500 && $0 != 0 }.prefix(3)
            #expect(batch?.entries.map(\.sequence) == Array(expected))
        }
        reader.seek(toSequence: 4_000)
        #expect(try reader.next(itemsMax: 3, bytesMax: 9, overheadPerItem: 0, keyField: "id") == nil)
    }

    @Test func operationsAppendedAfterStrikingAreKept() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/1.plan"
        var writer = try PlanWriter(path: path, header: [])
        try Self.write(&writer, [Planned(key: "a"), Planned(key: "b"), Planned(key: "a")])
        let struck = [try writer.strike { $0.keyText == "a" }, try writer.strike { _ in true }]
        #expect(struck == [2, 1])
        let removal = Array("gone".utf8)
        let sequence = try removal.withUnsafeBytes {
            try writer.append(
                kind: .delete, isNew: false, keyHash: key(9), rowHash: .void, key: $0,
                payload: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        let count = writer.count
        #expect(sequence == 3 && count == 1)
        try writer.seal(summary: [])
        let reader = try PlanReader(path: path)
        var keys: [String] = []
        // swift-format-ignore: ReplaceForEachWithForLoop
        try reader.visit { keys.append($0.keyText) }
        #expect(keys == ["gone"] && reader.count == 1 && reader.total == 4)
    }

    @Test func blocksWithNothingLeftAtTheEndGiveTheirDiskBack() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/1.plan"
        var writer = try PlanWriter(path: path, header: [], batchItemsMax: 10)
        try Self.write(&writer, (0..<95).map { Planned(key: "k\($0)") })
        _ = try writer.strike { $0.sequence == 3 || $0.sequence >= 25 }
        let before = writer.bytes
        try writer.dropStruckEnd()
        #expect(writer.bytes < before && writer.count == 24)
        let next = try [UInt8]("later".utf8).withUnsafeBytes { text in
            try writer.append(
                kind: .remember, isNew: true, keyHash: key(95), rowHash: row(95), key: text,
                payload: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        #expect(next == 95)
        try writer.seal(summary: [])
        let reader = try PlanReader(path: path)
        var sequences: [Int] = []
        try reader.visit { sequences.append($0.sequence) }
        #expect(sequences == Array(0..<25).filter { $0 != 3 } + [95] && reader.count == 25)
    }

    @Test func scanStopsWhenTold() throws {
        let scratch = try ScratchFolder()
        let reader = try PlanReader(path: Self.plan((0..<10).map { Planned(key: "\($0)") }, scratch))
        var seen = 0
        try reader.scan { operation in
            seen += 1
            return operation.keyText != "3"
        }
        #expect(seen == 4)
    }

    @Test func largeOperationHasABlockOfItsOwn() throws {
        let scratch = try ScratchFolder()
        let large = String(repeating: "x", count: 3_000_000)
        var reader = try PlanReader(path: Self.plan([Planned(), Planned(payload: large), Planned()], scratch))
        #expect(try Self.batches(&reader, bytes: 100) == [[0], [1], [2]])
    }

    @Test func operationBeyondTheLimitIsRefused() throws {
        let scratch = try ScratchFolder()
        var writer = try PlanWriter(path: scratch.path + "/1.plan", header: [])
        let huge = [UInt8](repeating: 120, count: PlanWriter.operationBytesMax)
        let refused = huge.withUnsafeBytes { bytes in
            do {
                _ = try writer.append(
                    kind: .upsert, isNew: true, keyHash: key(1), rowHash: row(1),
                    key: UnsafeRawBufferPointer(start: nil, count: 0), payload: bytes)
                return ""
            } catch {
                return (error as? StateError)?.code ?? "\(error)"
            }
        }
        let count = writer.count
        #expect(refused == "operation_too_large" && count == 0)
    }

    @Test func planWithoutItsSealIsTold() throws {
        let scratch = try ScratchFolder()
        let operations = (0..<3_000).map { Planned(payload: String(repeating: "x", count: 500 + $0 % 9)) }
        let path = try Self.plan(operations, scratch)
        let whole = try RawFile.read(path)
        for size in Array(stride(from: 0, to: whole.count, by: 51_200)) + [63, 64, 70, whole.count - 1] {
            try RawFile.write(path, Array(whole[..<size]))
            var reader = try PlanReader(path: path)
            #expect(!reader.isSealed && reader.count == 0)
            #expect(try reader.next(itemsMax: 9, bytesMax: 9, overheadPerItem: 0, keyField: "id") == nil)
        }
    }

    @Test func damagedPlanIsRefused() throws {
        let scratch = try ScratchFolder()
        let path = try Self.plan((0..<50).map { Planned(key: "\($0)") }, scratch)
        let good = try RawFile.read(path)
        for offset in 0..<good.count - 64 {
            var bad = good
            bad[offset] ^= 4
            try RawFile.write(path, bad)
            #expect(code { try PlanReader(path: path).scan { _ in true } } == "plan_corrupt", "byte \(offset)")
        }
    }

    /// More than goes through the page cache, so that blocks of both kinds are written and read.
    @Test func largePlanGivesBackWhatWasAppended() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/1.plan"
        let text = String(repeating: "x", count: 1_000)
        var writer = try PlanWriter(path: path, header: [])
        try Self.write(&writer, (0..<24_000).map { Planned(key: "\($0)", payload: text + "\($0)") })
        let struck = try writer.strike { $0.sequence % 3 == 0 }
        #expect(struck == 8_000)
        try writer.seal(summary: [])
        var reader = try PlanReader(path: path)
        var wrong = 0
        var sequences: [Int] = []
        while let batch = try reader.next(itemsMax: 700, bytesMax: 1 << 20, overheadPerItem: 2, keyField: "id") {
            for (index, entry) in batch.entries.enumerated() {
                sequences.append(entry.sequence)
                if batch.payloadText(index) != text + "\(entry.sequence)" { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(sequences == (0..<24_000).filter { $0 % 3 != 0 })
    }

    @Test func planOfTheFirstFormatIsRefused() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/1.plan"
        try RawFile.write(path, FirstPlanFormat.plan)
        #expect(code { _ = try PlanReader(path: path) } == "plan_corrupt")
    }

    @Test func newerPlanIsRefused() throws {
        let scratch = try ScratchFolder()
        let path = try Self.plan([Planned()], scratch)
        try RawFile.write(path, Newer.version(of: try RawFile.read(path)))
        #expect(code { _ = try PlanReader(path: path) } == "state_newer")
    }

    @Test(arguments: [StepName.planCreated, .planBlock, .planSealed], [nil, 0, 10])
    func killedPlanIsUnsealed(step: StepName, torn: Int?) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/1.plan"
        let steps = torn.map { StepCounter.tear(step, bytes: $0) } ?? StepCounter.kill(at: step)
        #expect(throws: (any Error).self) {
            var writer = try PlanWriter(path: path, header: [1, 2, 3], steps: steps)
            try Self.write(&writer, [Planned(), Planned()])
            try writer.seal(summary: [])
        }
        #expect(try PlanReader(path: path).isSealed == false)
    }

    @Test func fullDiskIsToldWithWhatToDo() throws {
        let scratch = try ScratchFolder()
        let steps = StepCounter.diskFull(at: .planBlock)
        var writer = try PlanWriter(path: scratch.path + "/1.plan", header: [], steps: steps)
        try Self.write(&writer, [Planned()])
        let failed: String
        do {
            try writer.seal(summary: [])
            failed = ""
        } catch {
            failed = (error as? StateError)?.code ?? "\(error)"
        }
        #expect(failed == "disk_full")
        let isSealed = writer.isSealed
        #expect(!isSealed)
    }

    @Test func planOnADeviceWithoutSpaceIsDiskFull() throws {
        #expect(code { _ = try PlanWriter(path: "/dev/full", header: []) } == "disk_full")
    }
}
