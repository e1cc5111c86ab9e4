import Records
import StateStore
import TestKit
import Testing

/// Blocks of just what a batch takes are handed over as they were read; the batches must be the same as those put
/// together piece by piece.
@Suite struct PlanBatchTests {
    private static func plan(
        _ operations: [PlanTests.Planned], _ batchItemsMax: Int, _ scratch: ScratchFolder, struck: Set<Int> = []
    ) throws -> PlanReader {
        let path = scratch.path + "/\(batchItemsMax).plan"
        var writer = try PlanWriter(path: path, header: [], batchItemsMax: batchItemsMax)
        try PlanTests.write(&writer, operations)
        _ = try writer.strike { struck.contains($0.sequence) }
        try writer.seal(summary: [])
        return try PlanReader(path: path)
    }

    private struct Seen: Equatable {
        var kind: OperationKind
        var sequences: [Int]
        var texts: [String]
        var joined: String?
    }

    private static func read(_ reader: PlanReader, items: Int, deletes: Int, bytes: Int, from: Int) throws -> [Seen] {
        var reader = reader
        reader.seek(toSequence: from)
        var seen: [Seen] = []
        while let batch = try reader.next(
            itemsMax: items, deletesMax: deletes, sendsMax: deletes, bytesMax: bytes, overheadPerItem: 2, keyField: "id"
        ) {
            let texts = (0..<batch.count).map { batch.keyText($0) + " " + batch.payloadText($0) }
            let joined = batch.joinedPayloads.map { String(decoding: batch.bytes[$0], as: UTF8.self) }
            if let array = batch.payloadArray {
                #expect(String(decoding: batch.bytes[array], as: UTF8.self) == "[\(joined ?? "")]")
            }
            seen.append(Seen(kind: batch.kind, sequences: batch.entries.map(\.sequence), texts: texts, joined: joined))
        }
        return seen
    }

    @Test(arguments: 1...30)
    func wholeBlocksGiveTheSameBatches(seed: UInt64) throws {
        let scratch = try ScratchFolder()
        var random = SeededRandom(seed: seed)
        let items = Int.random(in: 1...300, using: &random)
        let count = items * Int.random(in: 0...6, using: &random) + Int.random(in: 0...1, using: &random) * items / 2
        let longest = [3, 200, 20_000].randomElement(using: &random) ?? 3
        let operations = (0..<count).map { number -> PlanTests.Planned in
            let other = [OperationKind.upsert, .delete, .archive, .send].randomElement(using: &random) ?? .upsert
            return PlanTests.Planned(
                kind: number < count - items ? .upsert : other, key: "k\(number)",
                payload: String(repeating: "p", count: Int.random(in: 0...longest, using: &random)) + "\(number)")
        }
        let strikes = Bool.random(using: &random)
        let struck = Set((0..<count).filter { _ in strikes && Int.random(in: 0..<50, using: &random) == 0 })
        let (whole, pieces) = (
            try Self.plan(operations, items, scratch, struck: struck),
            try Self.plan(operations, .max, scratch, struck: struck)
        )
        for (itemsMax, from) in [(items, 0), (items, count / 3), (max(items / 2, 1), 0), (items + 1, 0)] {
            let bytes = [1 << 20, 50 * longest].randomElement(using: &random) ?? 0
            let deletes = [1, 1_000].randomElement(using: &random) ?? 1
            #expect(
                try Self.read(whole, items: itemsMax, deletes: deletes, bytes: bytes, from: from)
                    == Self.read(pieces, items: itemsMax, deletes: deletes, bytes: bytes, from: from))
        }
    }

    /// What may not be repeated goes in parts of its own size; what the books alone carry out does not.
    @Test func sendsHaveALimitOfTheirOwn() throws {
        let scratch = try ScratchFolder()
        let kinds = [OperationKind.send, .send, .send, .remember, .remember, .send]
        var reader = try Self.plan(kinds.map { PlanTests.Planned(kind: $0, key: "k", payload: "p") }, 6, scratch)
        var counts: [Int] = []
        while let batch = try reader.next(
            itemsMax: 6, sendsMax: 2, bytesMax: 1 << 20, overheadPerItem: 2, keyField: "id")
        {
            counts.append(batch.count)
        }
        #expect(counts == [2, 1, 2, 1])
    }

    @Test func aBatchOutlivesTheReadingOfTheNextOnes() throws {
        let scratch = try ScratchFolder()
        let operations = (0..<500).map { PlanTests.Planned(key: "\($0)", payload: "{\"a\":\($0)}") }
        var reader = try Self.plan(operations, 100, scratch)
        var batches: [OperationBatch] = []
        while let batch = try reader.next(itemsMax: 100, bytesMax: 1 << 20, overheadPerItem: 2, keyField: "id") {
            #expect(batch.payloadArray != nil)
            batches.append(batch)
        }
        #expect(batches.count == 5)
        for batch in batches {
            for index in 0..<batch.count {
                #expect(batch.payloadText(index) == "{\"a\":\(batch.entries[index].sequence)}")
            }
        }
    }

    @Test func twoReadersOfOnePlanDoNotDisturbEachOther() throws {
        let scratch = try ScratchFolder()
        let operations = (0..<300).map { PlanTests.Planned(key: "\($0)", payload: "\($0)") }
        var one = try Self.plan(operations, 200, scratch)
        _ = try one.next(itemsMax: 50, bytesMax: 1 << 20, overheadPerItem: 2, keyField: "id")
        var other = one
        other.seek(toSequence: 250)
        let last = try other.next(itemsMax: 200, bytesMax: 1 << 20, overheadPerItem: 2, keyField: "id")
        let next = try one.next(itemsMax: 10, bytesMax: 1 << 20, overheadPerItem: 2, keyField: "id")
        #expect(last?.payloadText(0) == "250" && next?.payloadText(0) == "50")
    }

    /// What is left out of a batch must not be sent after all.
    @Test func aBatchOfFewerOperationsHasNoMoreThanTheirBytes() throws {
        let scratch = try ScratchFolder()
        var reader = try Self.plan((0..<4).map { PlanTests.Planned(payload: "\($0)") }, 4, scratch)
        let read = try reader.next(itemsMax: 4, bytesMax: 100, overheadPerItem: 2, keyField: "id")
        var batch = try #require(read)
        #expect(batch.payloadArray != nil && batch.joinedPayloads != nil)
        batch.entries.remove(at: 1)
        #expect(batch.payloadArray == nil && batch.joinedPayloads == nil)
    }
}
