internal import ConnectorKit
internal import Records

/// Which fields a row must fill, each with a bit of its own: those without which the destination drops any row, and those
/// without which it makes no new record.
package struct RequiredFields: Sendable, Hashable {
    /// Groups of fields of which one must have a value. Bits and reasons apart, so that a row costs no copy of a text.
    struct Groups: Sendable, Hashable {
        private(set) var reasons: [Reason] = []
        private var bits: [UInt64] = []
        /// Whoever fills all of them misses no group.
        private var all: UInt64 = 0

        mutating func add(_ bits: UInt64, _ reason: Reason) {
            self.bits.append(bits)
            all |= bits == 0 ? .max : bits
            reasons.append(reason)
        }

        /// The place of the first group of which a row that fills these fields has none.
        @inline(__always)
        func firstMissing(_ filled: UInt64) -> Int? {
            filled & all == all ? nil : firstEmpty(filled)
        }

        private func firstEmpty(_ filled: UInt64) -> Int? {
            for place in bits.indices where bits[place] & filled == 0 { return place }
            return nil
        }
    }

    /// For each row, whether it creates or updates.
    private(set) var each = Groups()
    /// For rows of which nobody knows a record.
    private(set) var onCreate = Groups()
    /// The fields with a bit, in the order of their bits.
    private let names: [String]

    init(_ shape: SyncShape) {
        let object = shape.object
        // What goes by the destination's own id is an update, which needs nothing but what changes.
        let isCreator = shape.key.field.map { object.key($0)?.canCreate ?? true } ?? true
        let always = isCreator && shape.behavior != .delete ? object.requiredInEachRow : []
        var creating: [[String]] = []
        if isCreator, [.updateOrCreate, .createOnly, .mirror, .send].contains(shape.behavior) {
            creating = object.fields.filter(\.isRequiredOnCreate).map { [$0.name] + $0.orElse }
                .filter { !always.contains($0) }
        }
        // One bit each; no object declares nearly so many.
        names = Array(Set((always + creating).joined()).sorted().prefix(64))
        for fields in always { each.add(bits(of: fields), Self.lost(fields, object)) }
        for fields in creating {
            if shape.behavior == .send {
                each.add(bits(of: fields), Self.needed(fields, object))
            } else {
                onCreate.add(bits(of: fields), Self.unmakeable(fields, object))
            }
        }
    }

    /// Makes every row invalid: nothing fills what a group without fields asks for.
    mutating func refuse(_ reason: Reason) { each.add(0, reason) }

    /// 0 for a field that no row has to fill.
    func bit(of name: String) -> UInt64 { names.firstIndex(of: name).map { 1 << UInt64($0) } ?? 0 }

    private func bits(of fields: [String]) -> UInt64 { fields.reduce(0) { $0 | bit(of: $1) } }

    private static func lost(_ fields: [String], _ object: DestinationObject) -> Reason {
        Reason(
            code: "required_value_missing",
            message:
                "The row has no value for \(fields.joined(separator: " or ")), which each \(object.displayName) needs; "
                + "without it the row would be lost.",
            hint: "Give the row a value in the source, map the field, or leave the row out of the dataset.")
    }

    /// Where each row makes a record.
    private static func needed(_ fields: [String], _ object: DestinationObject) -> Reason {
        Reason(
            code: "required_value_missing",
            message:
                "A new \(object.displayName) needs a value for \(fields.joined(separator: " or ")), and the row has none.",
            hint: "Give the row a value in the source, or map the field.")
    }

    private static func unmakeable(_ fields: [String], _ object: DestinationObject) -> Reason {
        Reason(
            code: "required_value_missing",
            message:
                "A new \(object.displayName) needs a value for \(fields.joined(separator: " or ")), and the row has "
                + "none; no record has its key yet.",
            hint: "Give the row a value in the source, or map the field.")
    }
}
