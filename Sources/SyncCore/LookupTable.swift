internal import ConnectorKit
package import Records

/// A look-up that a mapping asks for: the records of `object` by their `field`.
package struct LookupName: Sendable, Hashable, Comparable {
    package var object: String
    package var field: String
    /// Values that differ only in case are one.
    package var ignoresCase: Bool

    package init(object: String, field: String, ignoresCase: Bool) {
        self.object = object
        self.field = field
        self.ignoresCase = ignoresCase
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.object, left.field, left.ignoresCase ? 1 : 0) < (right.object, right.field, right.ignoresCase ? 1 : 0)
    }

    /// The form in which texts are compared: without blanks around them, and in lower case where case does not count.
    func normalized(_ text: String) -> String {
        let trimmed = text.trimmingBlanks
        return ignoresCase ? trimmed.lowercased() : trimmed
    }
}

extension SyncShape {
    /// The look-ups that must be read before rows are mapped, each once.
    package var lookups: [LookupName] { Set(rules.compactMap { lookup(of: $0) }).sorted() }

    /// The look-up of a rule whose reference is found by reading, or nil.
    func lookup(of rule: MappingRule) -> LookupName? {
        guard let (object, form) = form(of: rule), let field = form.matchField else { return nil }
        return LookupName(object: object, field: field, ignoresCase: form.ignoresCase)
    }

    /// The referenced object and how a rule names its record; nil where the field is no reference. A constant is the
    /// destination's own id.
    func form(of rule: MappingRule) -> (object: String, form: ReferenceForm)? {
        guard case .column = rule.source else { return nil }
        switch field(rule.field)?.type {
        case .reference(let object, let forms), .referenceList(let object, let forms):
            return forms.first { $0.lookup == rule.lookup }.map { (object, $0) }
        default: return nil
        }
    }
}

/// Entries of a look-up that stand outside the table: the hash of each text and the id of its record, in the order of the
/// hashes.
package protocol LookupPairs: Sendable {
    var count: Int { get }
    func pair(at index: Int) -> (key: Hash128, value: Hash128)
    /// The first place whose hash is not before `key`; `count` where there is none.
    func start(of key: Hash128) -> Int
}

/// Which record has which text: what a destination's records say of themselves, made once for a run.
///
/// Texts are kept as their hashes. Ids that fit sixteen bytes are pairs, which may stand in a file; the others stay in the
/// table.
package struct LookupTable: Sendable {
    package static let recordsMax = 16_000_000

    /// What a text comes to.
    package enum Finding: Sendable, Hashable {
        case found(id: String)
        case missing
        /// Several records have the text.
        case ambiguous
    }

    package let name: LookupName
    private let seed: UInt64
    private var pairs: any LookupPairs = FewPairs()
    /// The records whose ids are too long for a pair.
    private var others: [Hash128: Set<String>] = [:]

    /// - Parameters:
    ///   - seed: secret, so that nobody can choose texts whose hashes are the same.
    ///   - records: text and id of each record. Those without a text or an id point nowhere and are left out.
    package init(_ name: LookupName, seed: UInt64, records: some Sequence<(String, String)> = []) {
        self.name = name
        self.seed = seed
        var few = FewPairs()
        for (text, id) in records {
            switch entry(text, id: id) {
            case .pair(let hash, let id): few.pairs.append((key: hash, value: id.bits))
            case .other(let hash, let id): others[hash, default: []].insert(id)
            case nil: continue
            }
        }
        few.pairs.sort { $0.key < $1.key }
        pairs = few
    }

    package var count: Int { pairs.count + others.values.reduce(0) { $0 + $1.count } }

    /// What a record comes to in a table.
    package enum Entry: Sendable {
        case pair(Hash128, LookupID)
        /// Its id does not fit a pair.
        case other(Hash128, String)
    }

    /// Nil for a record that points nowhere.
    package func entry(_ text: String, id: String) -> Entry? {
        let text = name.normalized(text)
        return text.isEmpty ? nil : entry(Hash128.of(text, seed: seed), id: id)
    }

    /// The entry of what has been hashed already. A table holds such hashes or texts, not both.
    package func entry(_ hash: Hash128, id: String) -> Entry? {
        guard (1...255).contains(id.utf8.count) else { return nil }
        return LookupID(id).map { .pair(hash, $0) } ?? .other(hash, id)
    }

    /// Takes a record whose id does not fit a pair.
    package mutating func add(other hash: Hash128, id: String) { others[hash, default: []].insert(id) }

    /// Takes all the records whose ids fit, in the order of their hashes.
    package mutating func take(_ pairs: any LookupPairs) { self.pairs = pairs }

    package func find(_ text: String) -> Finding { find(Hash128.of(name.normalized(text), seed: seed)) }

    package func find(_ hash: Hash128) -> Finding {
        var found: Hash128?
        var index = pairs.start(of: hash)
        while index < pairs.count {
            let pair = pairs.pair(at: index)
            guard pair.key == hash else { break }
            // A record may come twice, as the list that it has the text in may hold it twice.
            if let found, found != pair.value { return .ambiguous }
            found = pair.value
            index += 1
        }
        let others = others[hash] ?? []
        guard others.count + (found == nil ? 0 : 1) <= 1 else { return .ambiguous }
        return (found.map { LookupID(bits: $0).text } ?? others.first).map { .found(id: $0) } ?? .missing
    }
}

/// Pairs in memory.
private struct FewPairs: LookupPairs {
    var pairs: [(key: Hash128, value: Hash128)] = []

    var count: Int { pairs.count }
    func pair(at index: Int) -> (key: Hash128, value: Hash128) { pairs[index] }

    func start(of key: Hash128) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
