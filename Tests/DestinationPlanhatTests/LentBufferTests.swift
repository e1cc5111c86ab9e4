import DestinationPlanhat
import NIOCore
import Records
import Testing

/// The memory of a batch is lent to the HTTP client, not copied.
@Suite struct LentBufferTests {
    private func block(_ text: String, _ pool: BlockPool) -> SharedBlock {
        let block = pool.take(capacity: 64)
        block.bytes.copyBytes(from: text.utf8)
        return block
    }

    @Test func aBufferHasTheBytesAndKeepsThemAliveByItself() {
        let pool = BlockPool()
        var buffer = LentBuffer.buffer(block("0123[5678]", pool), 4..<10)
        // Whatever is taken from the pool now is other memory.
        let others = (0..<3).map { _ in block("xxxxxxxxxxxx", pool) }
        let (read, address) = (buffer.readString(length: 6), others[0].bytes.baseAddress)
        #expect(read == "[5678]" && address != nil)
    }

    @Test func whoWritesIntoABufferGetsACopy() {
        let pool = BlockPool()
        let lent = block("0123456789", pool)
        var buffer = LentBuffer.buffer(lent, 2..<5)
        for _ in 0..<100 { buffer.writeString("more than there is room for") }
        #expect(buffer.readString(length: 3) == "234")
        #expect(String(decoding: lent.bytes.prefix(10), as: UTF8.self) == "0123456789")
    }

    @Test func memoryIsUsedAgainOnceNobodyHasIt() {
        let pool = BlockPool()
        let address = { () -> UnsafeMutableRawPointer? in
            let lent = block("abc", pool)
            _ = [LentBuffer.buffer(lent, 0..<3), LentBuffer.buffer(lent, 1..<2)]
            return lent.bytes.baseAddress
        }()
        #expect(pool.take(capacity: 64).bytes.baseAddress == address)
    }

    @Test func aWholeBlockIsSentAsItLies() {
        let text = #"#[{"a":1},{"b":2}]k"#
        var batch = OperationBatch(
            kind: .upsert, keyField: "externalId", bytes: BatchBytes(block(text, BlockPool()), count: text.utf8.count),
            entries: [
                OperationEntry(sequence: 0, keyHash: .void, rowHash: .void, key: 18..<19, payload: 2..<9),
                OperationEntry(sequence: 1, keyHash: .void, rowHash: .void, key: 18..<19, payload: 10..<17),
            ])
        let copied = Self.body(of: batch)
        batch.payloadArray = 1..<18
        #expect(copied == #"[{"a":1},{"b":2}]"# && Self.body(of: batch) == copied)
    }

    private static func body(of batch: OperationBatch) -> String? {
        PlanhatRequest.bulkUpsert(batch, object: PlanhatObjects.company).body.map { String(buffer: $0) }
    }
}
