internal import Records

/// Which records hold a key. Almost always one; several where Planhat allows it (emails, an external id in two
/// companies).
struct KeyIndex {
    private var single: [Hash128: UInt32] = [:]
    private var several: [Hash128: [UInt32]] = [:]

    /// The numbers of the records that hold the key.
    func records(_ hash: Hash128) -> [UInt32] {
        if let one = single[hash] { return [one] }
        return several[hash] ?? []
    }

    mutating func add(_ hash: Hash128, _ record: UInt32) {
        if let one = single.removeValue(forKey: hash) {
            several[hash] = [one, record]
        } else if several[hash] != nil {
            several[hash]?.append(record)
        } else {
            single[hash] = record
        }
    }

    mutating func remove(_ hash: Hash128, _ record: UInt32) {
        if single[hash] == record {
            single[hash] = nil
        } else if let left = several[hash]?.filter({ $0 != record }) {
            several[hash] = left.count == 1 ? nil : left
            if left.count == 1 { single[hash] = left[0] }
        }
    }
}
