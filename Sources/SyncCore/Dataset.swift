internal import ConnectorKit
package import Records

/// Step 2 of the walk: rows become records. A record is a key hash and a row hash; a row without a usable key is
/// invalid with its reason.
package struct Dataset: Sendable {
    private let keys: KeyWriter
    private let keySeed: UInt64
    private let rowSeed: UInt64

    /// - Parameters:
    ///   - seed: secret and fixed for the life of the sync, so that nobody can choose colliding keys.
    ///   - scanColumns: what the scan delivers, in order; exactly the columns that are mapped or make the key, since
    ///     the row hash covers the whole row.
    package init(_ shape: SyncShape, scanColumns: [String], seed: UInt64) {
        keys = KeyWriter(shape, scanColumns: scanColumns)
        keySeed = seed
        rowSeed = Self.rowSeed(shape, seed: seed)
    }

    /// Except for send, a changed mapping makes every row another row.
    private static func rowSeed(_ shape: SyncShape, seed: UInt64) -> UInt64 {
        guard shape.behavior != .send else { return seed &+ 1 }
        return Hash128.of(shape.mappingRevision, seed: seed).low
    }

    /// Admits every row of a batch.
    package func admit(_ rows: borrowing RowsView, into admitted: inout AdmittedRows) {
        var texts = AdmittedKeys()
        admit(rows, into: &admitted, keys: &texts)
    }

    /// The same; `texts` are the keys of the records, place by place.
    package func admit(
        _ rows: borrowing RowsView, into admitted: inout AdmittedRows, keys texts: inout AdmittedKeys
    ) {
        admitted.removeAll(keepingCapacity: rows.rowCount)
        texts.removeAll()
        for row in 0..<rows.rowCount {
            do throws(KeyWriter.Problem) {
                try keys.write(rows, row, to: &texts.bytes)
                let place = texts.end()
                admitted.rows.append(Int32(row))
                unsafe admitted.keyHashes.append(Hash128.of(texts[place], seed: keySeed))
                unsafe admitted.rowHashes.append(Hash128.of(rows.bytes(row), seed: rowSeed))
            } catch {
                texts.abandon()
                admitted.invalid.append(InvalidRow(row: row, reason: error.reason))
            }
        }
    }

    /// The key's text again, for the few rows that need it.
    package func writeKey(_ rows: borrowing RowsView, _ row: Int, to writer: inout ByteWriter) {
        writer.removeAll()
        do throws(KeyWriter.Problem) {
            try keys.write(rows, row, to: &writer)
        } catch {
            writer.removeAll()
        }
    }

    /// The hash of a key given as text, as `sluice record SYNC KEY` does.
    package func hash(ofKey text: String) -> Hash128 { Hash128.of(keys.normalized(text), seed: keySeed) }

    /// A key that a person gave, as rows have it.
    package func normalized(key text: String) -> String { keys.normalized(text) }
}

package struct InvalidRow: Sendable, Hashable {
    package var row: Int
    package var reason: Reason
}

/// The keys' texts of a batch's records, one after the other.
package struct AdmittedKeys: ~Copyable {
    fileprivate var bytes = ByteWriter(capacity: 32 << 10)
    /// Where each begins, and where the last one ends.
    private var starts: [Int] = [0]

    package init() {}

    /// The text of the record at a place; valid until the next batch is admitted.
    package subscript(place: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bytes.bytes[starts[place]..<starts[place + 1]])
    }

    fileprivate mutating func removeAll() {
        bytes.removeAll()
        starts.removeAll(keepingCapacity: true)
        starts.append(0)
    }

    /// Takes in the key that was written last, and returns its place.
    fileprivate mutating func end() -> Int {
        starts.append(bytes.count)
        return starts.count - 2
    }

    /// Forgets the key that was begun.
    fileprivate mutating func abandon() { bytes.truncate(to: starts[starts.count - 1]) }
}

/// The records of one batch as parallel arrays; reused from batch to batch.
package struct AdmittedRows: Sendable {
    /// The row of each record in its batch.
    package var rows: [Int32] = []
    package var keyHashes: [Hash128] = []
    package var rowHashes: [Hash128] = []
    package var invalid: [InvalidRow] = []

    package init() {}

    mutating func removeAll(keepingCapacity capacity: Int) {
        rows.removeAll(keepingCapacity: true)
        keyHashes.removeAll(keepingCapacity: true)
        rowHashes.removeAll(keepingCapacity: true)
        invalid.removeAll(keepingCapacity: true)
        rows.reserveCapacity(capacity)
        keyHashes.reserveCapacity(capacity)
        rowHashes.reserveCapacity(capacity)
    }
}
