internal import Records

/// The records of one model and the indexes that find them. A record's place is its number, and its number makes its
/// `_id`; a deleted record leaves its place empty.
struct ModelTable {
    /// A record's keys, hashed.
    struct Keys: Equatable {
        var source: Hash128?
        var external: Hash128?
        var email: Hash128?
        /// Mail domains, of companies.
        var domains: [Hash128] = []
    }

    let model: SandboxModel
    private(set) var records: [StoredRecord?] = []
    private(set) var count = 0
    private var bySource = KeyIndex()
    private var byExternal = KeyIndex()
    private var byEmail = KeyIndex()
    private var byDomain = KeyIndex()

    init(_ model: SandboxModel) { self.model = model }

    subscript(number: UInt32) -> StoredRecord? {
        Int(number) < records.count ? records[Int(number)] : nil
    }

    /// The number of the record with that `_id`.
    func number(id: ArraySlice<UInt8>) -> UInt32? {
        guard let number = RecordID.number(id, of: model), number < records.count, records[number] != nil else {
            return nil
        }
        return UInt32(number)
    }

    /// The records that hold that key; `inner` is its canonical text without quotes.
    func records(_ property: Property, _ inner: ArraySlice<UInt8>) -> [UInt32] {
        switch property {
        case .sourceId: bySource.records(KeyHash.of(inner))
        case .externalId, .extId: byExternal.records(KeyHash.of(inner))
        case .email: byEmail.records(KeyHash.ofLowercased(inner))
        case .domains: byDomain.records(KeyHash.ofLowercased(inner))
        default: []
        }
    }

    mutating func insert(_ record: StoredRecord) -> UInt32 {
        let number = UInt32(records.count)
        records.append(record)
        count += 1
        link(Self.keys(record), number)
        return number
    }

    /// Puts a record in a place of its own choosing, as when a file is read. False where the place is taken.
    mutating func place(_ record: StoredRecord, at number: Int) -> Bool {
        while records.count <= number { records.append(nil) }
        guard records[number] == nil else { return false }
        records[number] = record
        count += 1
        link(Self.keys(record), UInt32(number))
        return true
    }

    /// Replaces a record. `changesKeys` says that a key, or the domains, may differ.
    mutating func replace(_ number: UInt32, with record: StoredRecord, changesKeys: Bool) {
        if changesKeys, let old = records[Int(number)] {
            let (before, after) = (Self.keys(old), Self.keys(record))
            if before != after {
                unlink(before, number)
                link(after, number)
            }
        }
        records[Int(number)] = record
    }

    mutating func remove(_ number: UInt32) {
        guard let old = self[number] else { return }
        unlink(Self.keys(old), number)
        records[Int(number)] = nil
        count -= 1
    }

    static func isKey(_ name: UInt16) -> Bool {
        switch Property(rawValue: name) {
        case .sourceId, .externalId, .extId, .email, .domains: true
        default: false
        }
    }

    private static func keys(_ record: StoredRecord) -> Keys {
        var keys = Keys()
        record.forEachField { name, value in
            let inner = JSONText.inner(value)
            guard !inner.isEmpty else { return }
            switch Property(rawValue: name) {
            case .sourceId: keys.source = KeyHash.of(inner)
            case .externalId, .extId: keys.external = KeyHash.of(inner)
            case .email: keys.email = KeyHash.ofLowercased(inner)
            case .domains: keys.domains = JSONText.elements(value).map { KeyHash.ofLowercased(JSONText.inner($0[...])) }
            default: break
            }
        }
        return keys
    }

    private mutating func link(_ keys: Keys, _ number: UInt32) {
        if let hash = keys.source { bySource.add(hash, number) }
        if let hash = keys.external { byExternal.add(hash, number) }
        if let hash = keys.email { byEmail.add(hash, number) }
        for hash in Set(keys.domains) { byDomain.add(hash, number) }
    }

    private mutating func unlink(_ keys: Keys, _ number: UInt32) {
        if let hash = keys.source { bySource.remove(hash, number) }
        if let hash = keys.external { byExternal.remove(hash, number) }
        if let hash = keys.email { byEmail.remove(hash, number) }
        for hash in Set(keys.domains) { byDomain.remove(hash, number) }
    }
}
