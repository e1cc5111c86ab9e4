internal import GRDB
package import Records

/// Takes one record of a sync out of the history. What is removed is overwritten in the file too.
package struct ForgetStore: Sendable {
    package struct Forgotten: Sendable, Hashable {
        package var outcomes = 0
        /// Exchanges whose path and bodies were emptied.
        package var exchanges = 0
    }

    private let database: ControlDatabase

    package init(_ database: ControlDatabase) { self.database = database }

    /// - Parameter sequences: the place of the record in the plans of runs: every exchange that carried it is emptied,
    ///   and every other of the sync that says its key.
    package func forget(
        sync: String, key: String, keyHash: Hash128, sequences: [Int64: Int], noting entry: AuditRecord
    ) throws(StateError) -> Forgotten {
        let forgotten = try database.write { database in
            try database.execute(sql: "PRAGMA secure_delete = ON")
            var forgotten = Forgotten()
            let runs = "run IN (SELECT id FROM runs WHERE sync = (SELECT id FROM syncs WHERE name = ?))"
            try database.execute(
                sql: "DELETE FROM outcomes WHERE \(runs) AND (key = ? OR (key_high = ? AND key_low = ?))",
                arguments: [
                    sync, key, Int64(bitPattern: keyHash.high), Int64(bitPattern: keyHash.low),
                ])
            forgotten.outcomes = database.changesCount
            let empty = "UPDATE exchanges SET path = '', request_body = '', response_body = ''"
            for (run, sequence) in sequences {
                try database.execute(
                    sql: "\(empty) WHERE run = ? AND first_sequence <= ? AND last_sequence >= ? AND path <> ''",
                    arguments: [run, sequence, sequence])
                forgotten.exchanges += database.changesCount
            }
            let said = try Self.forms(of: key)
            let tests = said.map { _ in "instr(request_body, ?) OR instr(response_body, ?) OR instr(path, ?)" }
            var arguments: StatementArguments = [sync]
            for form in said { arguments += [form, form, form] }
            try database.execute(
                sql: "\(empty) WHERE \(runs) AND path <> '' AND (\(tests.joined(separator: " OR ")))",
                arguments: arguments)
            forgotten.exchanges += database.changesCount
            try AuditTable.insert(database, entry)
            try database.execute(sql: "PRAGMA secure_delete = OFF")
            return forgotten
        }
        try database.emptyLog()
        return forgotten
    }

    /// How a body or an address says a key: as a JSON text, and escaped in a query.
    static func forms(of key: String) throws -> [String] {
        var escaped = ""
        for byte in key.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            escaped += isPlain ? String(Unicode.Scalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }
        return [try StoredText.encode(key), "=" + escaped]
    }
}
