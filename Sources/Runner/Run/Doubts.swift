internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// The rows in doubt that a scan met, with what would be sent for them.
struct Doubts {
    /// More are left in doubt, for a later run or a person.
    static let rowsMax = 5_000

    var batch = OperationBatch(kind: .send, keyField: "")

    private static let bytesMax = 16 << 20

    var hasRoom: Bool { batch.count < Self.rowsMax && batch.bytes.count < Self.bytesMax }
}

/// Asks the destination, where it can be asked, which of the rows in doubt have arrived after all. Those count as sent;
/// nothing is ever guessed.
struct DoubtResolver {
    let prepared: PreparedSync
    let retrying: Retrying

    /// Settles what is certain: the rows are not held, or sent again, but remembered.
    func resolve(_ maker: inout PlanMaker) async throws {
        let batch = maker.doubts.batch
        // Where changed rows are sent again, what was sent before for the same row would answer for what is in doubt.
        guard batch.count > 0, !prepared.shape.sendsChangesAgain,
            let destination = prepared.destination as? any ReadBack
        else { return }
        let object = prepared.shape.object
        let answers: [Bool?]
        do {
            answers = try await retrying.read { try await destination.haveArrived(batch, object: object) }
        } catch let error as ConnectorError where error.code == "forbidden" {
            // They stay in doubt, for a person, and keep nothing else from being sent.
            return
        }
        var arrived: Set<Hash128> = []
        for (entry, answer) in zip(batch.entries, answers) where answer == true { arrived.insert(entry.keyHash) }
        guard !arrived.isEmpty else { return }
        let settled = release(arrived, &maker).union(try takeBack(arrived, &maker))
        for (index, entry) in batch.entries.enumerated() where settled.contains(entry.keyHash) {
            try maker.append(
                .remember, isNew: false, keyHash: entry.keyHash, rowHash: entry.rowHash, key: batch.keyText(index)
            ) { _ in }
        }
    }

    /// Those that are held, and do not share their key with another row.
    private func release(_ arrived: Set<Hash128>, _ maker: inout PlanMaker) -> Set<Hash128> {
        var released: Set<Hash128> = []
        let seen = maker.seen
        maker.held.removeAll { row in
            let isShared = row.index >= 0 && seen[row.index] == .duplicate
            guard !isShared, arrived.contains(row.keyHash) else { return false }
            released.insert(row.keyHash)
            return true
        }
        maker.ledger.held -= released.count
        maker.ledger.unchanged += released.count
        return released
    }

    /// Those that were to be sent again because a person asked for it.
    private func takeBack(_ arrived: Set<Hash128>, _ maker: inout PlanMaker) throws -> Set<Hash128> {
        var taken: Set<Hash128> = []
        var new = 0
        _ = try maker.writer.strike { operation in
            guard arrived.contains(operation.keyHash), operation.kind == .send else { return false }
            if operation.isNew { new += 1 }
            taken.insert(operation.keyHash)
            return true
        }
        maker.ledger.planned -= taken.count
        maker.ledger.unchanged += taken.count
        maker.plannedNew -= new
        maker.changedKnown -= taken.count - new
        return taken
    }
}
