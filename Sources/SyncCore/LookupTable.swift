internal import ConnectorKit
internal import Records

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

/// Which record has which text: what a destination's records say of themselves, made once for a run.
///
/// Flat, for up to `recordsMax` records: sixteen bytes each and the id, which takes thirteen where it is one of
/// twenty-four hexadecimal digits. Texts are kept as 96 bits of their hash.
package struct LookupTable: Sendable {
    /// Ids of up to 255 bytes then fit into places of 32 bits.
    package static let recordsMax = 16_000_000

    /// What a text comes to.
    package enum Finding: Sendable, Hashable {
        case found(id: String)
        case missing
        /// Several records have the text.
        case ambiguous
    }

    private struct Entry: BitwiseCopyable, Comparable {
        var high: UInt64
        var low: UInt32
        /// Where the id stands.
        var place: UInt32

        static func < (left: Self, right: Self) -> Bool {
            left.high == right.high ? left.low < right.low : left.high < right.high
        }
    }

    package let name: LookupName
    private let seed: UInt64
    private var entries: [Entry] = []
    /// Ids one after the other, each behind its length; 0 is for twelve bytes that were hexadecimal digits.
    private var ids: [UInt8] = []

    /// - Parameters:
    ///   - seed: secret, so that nobody can choose texts whose hashes are the same.
    ///   - records: text and id of each record. Those without a text or an id point nowhere and are left out.
    package init(_ name: LookupName, seed: UInt64, records: some Sequence<(String, String)> = []) {
        self.name = name
        self.seed = seed
        for (text, id) in records { add(text, id: id) }
        seal()
    }

    package var count: Int { entries.count }

    /// Adds a record. Nothing is found before `seal`. Returns false where the table is full.
    @discardableResult
    package mutating func add(_ text: String, id: String) -> Bool {
        let text = name.normalized(text)
        guard !text.isEmpty, (1...255).contains(id.utf8.count) else { return true }
        guard entries.count < Self.recordsMax else { return false }
        let hash = Hash128.of(text, seed: seed)
        entries.append(
            Entry(high: hash.high, low: UInt32(truncatingIfNeeded: hash.low), place: UInt32(ids.count)))
        append(id)
        return true
    }

    package mutating func seal() { entries.sort() }

    package func find(_ text: String) -> Finding {
        let hash = Hash128.of(name.normalized(text), seed: seed)
        let wanted = Entry(high: hash.high, low: UInt32(truncatingIfNeeded: hash.low), place: 0)
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, !(wanted < entries[low]) else { return .missing }
        let first = id(at: entries[low].place)
        var next = low + 1
        while next < entries.count, !(wanted < entries[next]) {
            // A record may come twice, as the list that it has the text in may hold it twice.
            guard id(at: entries[next].place) == first else { return .ambiguous }
            next += 1
        }
        return .found(id: first)
    }

    private mutating func append(_ id: String) {
        let bytes = Array(id.utf8)
        guard let packed = Self.packed(bytes) else {
            ids.append(UInt8(bytes.count))
            ids += bytes
            return
        }
        ids.append(0)
        ids += packed
    }

    /// Twelve bytes for twenty-four lower-case hexadecimal digits, the ids of many stores.
    private static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count == 24 else { return nil }
        var packed: [UInt8] = []
        packed.reserveCapacity(12)
        for index in stride(from: 0, to: 24, by: 2) {
            guard let high = nibble(bytes[index]), let low = nibble(bytes[index + 1]) else { return nil }
            packed.append(high << 4 | low)
        }
        return packed
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - 87
        default: nil
        }
    }

    private func id(at place: UInt32) -> String {
        let start = Int(place) + 1
        let length = Int(ids[start - 1])
        guard length == 0 else { return String(decoding: ids[start..<start + length], as: UTF8.self) }
        var digits: [UInt8] = []
        for byte in ids[start..<start + 12] { digits += [Self.digit(byte >> 4), Self.digit(byte & 15)] }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? nibble + 48 : nibble + 87
    }
}
