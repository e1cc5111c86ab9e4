internal import ConnectorKit
internal import Foundation
internal import Records
internal import SyncCore

/// Finds, among the refused records of a batch, two that want each other's value of a field that must be unique. Each
/// refuses the other, for ever, and the destination's words say of both only that the value is taken.
struct SwappedValues {
    /// So many refused records of a batch are looked up.
    static let looksMax = 20

    let prepared: PreparedSync
    let retrying: Retrying
    /// Fields that the sync writes and that the destination also finds records by.
    private let fields: [String]

    /// Nil where the sync writes no such field, or its records cannot be looked up.
    init?(_ prepared: PreparedSync, retrying: Retrying) {
        let shape = prepared.shape
        let key = shape.key.field.flatMap { shape.object.key($0)?.name }
        let unique = Set(shape.object.keys.filter { $0.canCreate && $0.name != key }.map(\.name))
        fields = Set(shape.rules.map { shape.object.field($0.field)?.name ?? $0.field }).intersection(unique).sorted()
        guard !fields.isEmpty, key != nil, shape.key.within == nil, shape.object.isReadable else { return nil }
        self.prepared = prepared
        self.retrying = retrying
    }

    /// Gives such pairs their reason. What cannot be read keeps the destination's.
    func name(in result: inout BatchResult, of batch: OperationBatch) async {
        let said = result.outcomes.rejections
        let refused = said.keys.sorted().prefix(Self.looksMax)
        guard batch.kind == .upsert, refused.count > 1 else { return }
        let wanted = Dictionary(uniqueKeysWithValues: refused.map { ($0, Self.texts(batch.payloadText($0), fields)) })
        // Who wants nothing that another one may have needs no look.
        guard wanted.values.count(where: { !$0.isEmpty }) > 1 else { return }
        var held: [Int: [String: String]] = [:]
        for index in refused where wanted[index]?.isEmpty == false {
            guard let texts = await texts(of: batch.keyText(index)) else { return }
            held[index] = texts
        }
        for (one, other, field) in pairs(wanted, held) {
            for index in [one, other] {
                guard let reason = said[index] else { continue }
                result.outcomes[index] = .rejected(
                    Self.reason(field, batch.keyText(one), batch.keyText(other), reason))
            }
        }
    }

    private func pairs(
        _ wanted: [Int: [String: String]], _ held: [Int: [String: String]]
    ) -> [(Int, Int, field: String)] {
        var pairs: [(Int, Int, field: String)] = []
        let places = held.keys.sorted()
        for one in places {
            for other in places where other > one {
                let swapped = fields.first { field in
                    guard let wants = wanted[one]?[field], let has = held[one]?[field], wants != has else {
                        return false
                    }
                    return held[other]?[field] == wants && wanted[other]?[field] == has
                }
                if let swapped { pairs.append((one, other, field: swapped)) }
            }
        }
        return pairs
    }

    /// What the record has in those fields now; nil where it cannot be read.
    private func texts(of key: String) async -> [String: String]? {
        let (destination, object) = (prepared.destination, prepared.shape.object)
        let field = prepared.shape.key.field.flatMap { object.key($0)?.name } ?? ""
        do {
            let record = try await retrying.read {
                try await destination.read(key: key, keyField: field, of: object)
            }
            return record.map { Self.texts($0, fields) } ?? [:]
        } catch {
            // The refusal stands as the destination told it.
            return nil
        }
    }

    /// The values of those members of a JSON object that are texts or numbers and not blank.
    static func texts(_ json: String, _ fields: [String]) -> [String: String] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] else {
            return [:]
        }
        var texts: [String: String] = [:]
        for field in fields {
            switch object[field] {
            case let text as String where !text.isEmpty: texts[field] = text
            case let number as NSNumber: texts[field] = "\(number)"
            default: continue
            }
        }
        return texts
    }

    private static func reason(_ field: String, _ one: String, _ other: String, _ said: Reason) -> Reason {
        Reason(
            code: "unique_value_swapped",
            message: "\(one) and \(other) swap their \(field): each is to get what the other still has, and the "
                + "destination refuses both. It said: \(said.message)",
            hint: "Empty \(field) in one of the two rows and run the sync; then set it again and run once more.")
    }
}
