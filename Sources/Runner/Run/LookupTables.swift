internal import ConnectorKit
internal import Records
internal import SyncCore

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
        var table = LookupTable(name, seed: seed)
        try await prepared.destination.readRecords(of: object, fields: [name.field, "_id"]) { page in
            if try isCancelled() { throw CancellationError() }
            for record in page where record.count == 2 {
                guard table.add(record[0], id: record[1]) else { throw Self.tooLarge(name) }
            }
        }
        table.seal()
        return table
    }

    private static func tooLarge(_ name: LookupName) -> RunError {
        RunError(
            code: "lookup_too_large",
            message: "The destination has more than \(LookupTable.recordsMax) records of \(name.object) to look up.",
            hint: "Remove lookup from the mapping, and map a column with the destination's own ids.")
    }
}
