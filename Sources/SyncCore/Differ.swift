package import Records

/// Step 3 of the walk: what is known of each record's key decides what becomes of it.
package struct Differ: Sendable {
    package enum Change: UInt8, Sendable {
        case unchanged
        case added
        case changed
        /// Another row of this scan had the same key before; all of them are invalid.
        case duplicate
    }

    /// A record that is not unchanged.
    package struct Finding: Sendable {
        /// Its place among the admitted records of the batch.
        package var place: Int32
        package var change: Change
        package var index: Int32
        /// For a duplicate: what had been made of the key's first row.
        package var before: SeenTable.Mark
    }

    /// Whether known records count as changed even if they did not.
    private let isFull: Bool

    package init(isFull: Bool) { self.isFull = isFull }

    /// Judges a batch. Appends to `findings` every record that is not unchanged and returns how many are.
    /// Marks unchanged and duplicate keys as seen; the caller marks the others once it has decided.
    package func diff(
        _ admitted: AdmittedRows, known: [Probe], seen: SeenTable, findings: inout [Finding]
    ) -> Int {
        var unchanged = 0
        for place in 0..<admitted.rows.count {
            let known = known[place]
            guard known.index >= 0 else {
                findings.append(Finding(place: Int32(place), change: .added, index: -1, before: .unseen))
                continue
            }
            let before = seen[known.index]
            if before != .unseen {
                seen[known.index] = .duplicate
                findings.append(Finding(place: Int32(place), change: .duplicate, index: known.index, before: before))
            } else if !isFull && known.rowHash == admitted.rowHashes[place] {
                seen[known.index] = .unchanged
                unchanged += 1
            } else {
                findings.append(Finding(place: Int32(place), change: .changed, index: known.index, before: .unseen))
            }
        }
        return unchanged
    }
}
