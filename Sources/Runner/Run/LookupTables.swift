internal import ConnectorKit
internal import Records
internal import StateStore
package import SyncCore

/// Reads, before the scan so that the source never waits, what the mapping's look-ups need: of each referenced object
/// the ids and one field, once for a run. Nothing is read where no mapping asks for it.
///
/// A record's fingerprint covers the source's columns and not the id that was found: where the same text leads to
/// another record later (the parent was deleted and made anew), rows that were accepted are unchanged and are not sent
/// again; a full run sends them. Rows whose record was not found have no fingerprint, so every run looks again.
struct LookupTables {
    let prepared: PreparedSync
    let retrying: Retrying
    let seed: UInt64
    /// Where large tables go.
    let directory: String
    /// Asked now and then while pages come in.
    let isCancelled: () throws -> Bool

    func read() async throws -> [LookupName: LookupTable] {
        var tables: [LookupName: LookupTable] = [:]
        for name in prepared.shape.lookups {
            let object = try object(name)
            tables[name] = try await retrying.read { try await read(name, of: object) }
        }
        return tables
    }

    private func object(_ name: LookupName) throws -> DestinationObject {
        let objects = type(of: prepared.destination).objects
        if let object = objects.first(where: { $0.name == name.object }), object.isReadable { return object }
        throw RunError(
            code: "lookup_not_readable",
            message: "The mapping looks up \(name.object) by \(name.field), and the destination cannot list it.",
            hint: "Remove lookup from the mapping, and map a column with the destination's own ids.")
    }

    private func read(_ name: LookupName, of object: DestinationObject) async throws -> LookupTable {
        var gathered = GatheredLookup(name, seed: seed, directory: directory)
        try await prepared.destination.readRecords(of: object, fields: [name.field, "_id"]) { page in
            if try isCancelled() { throw CancellationError() }
            for record in page where record.count == 2 {
                guard try gathered.add(record[0], id: record[1]) else { throw Self.tooLarge(name) }
            }
        }
        return try gathered.finish()
    }

    private static func tooLarge(_ name: LookupName) -> RunError {
        RunError(
            code: "lookup_too_large",
            message: "The destination has more than \(LookupTable.recordsMax) records of \(name.object) to look up.",
            hint: "Remove lookup from the mapping, and map a column with the destination's own ids.")
    }
}

/// Gathers the records of one look-up in a few megabytes, however many there are, if their ids are short or Planhat's own:
/// more than `PairSpill.pairsInMemoryMax` of them stand in a mapped file. Of other ids at most `othersMax` are taken.
package struct GatheredLookup: ~Copyable {
    private static let othersMax = 200_000

    private var table: LookupTable
    private var pairs: PairSpill
    private var others = 0

    package init(
        _ name: LookupName, seed: UInt64, directory: String, pairsInMemoryMax: Int = PairSpill.pairsInMemoryMax
    ) {
        table = LookupTable(name, seed: seed)
        pairs = PairSpill(directory: directory, pairsInMemoryMax: pairsInMemoryMax)
    }

    /// Adds a record. Returns false where there are too many.
    package mutating func add(_ text: String, id: String) throws -> Bool { try add(table.entry(text, id: id)) }

    /// As `add`, of what has been hashed already.
    mutating func add(_ hash: Hash128, id: String) throws -> Bool { try add(table.entry(hash, id: id)) }

    private mutating func add(_ entry: LookupTable.Entry?) throws -> Bool {
        guard let entry else { return true }
        guard pairs.count + others < LookupTable.recordsMax, others < Self.othersMax else { return false }
        switch entry {
        case .pair(let hash, let id): try pairs.add(hash, id.bits)
        case .other(let hash, let id):
            others += 1
            table.add(other: hash, id: id)
        }
        return true
    }

    package mutating func finish() throws -> LookupTable {
        table.take(StoredPairs(pairs: try pairs.finish()))
        return table
    }
}

private struct StoredPairs: LookupPairs {
    var pairs: SortedPairs

    var count: Int { pairs.count }
    func pair(at index: Int) -> (key: Hash128, value: Hash128) { pairs.pair(at: index) }
    func start(of key: Hash128) -> Int { pairs.start(of: key) }
}
