package import ConnectorKit
internal import Foundation
package import ProjectConfig
package import Records
internal import SyncCore

/// Reads the first rows of a table or a query, for people to look at.
package struct ReadSample: Sendable {
    package struct Rows: Sendable, Hashable {
        package var columns: [Column] = []
        /// The cells' texts, cut; nil for null.
        package var rows: [[String?]] = []
    }

    /// Longer cells are cut.
    package static let cellCharactersMax = 200

    private let source: any Source & Discoverable

    package init(_ source: any Source & Discoverable) { self.source = source }

    /// Throws `SourceError` and `CancellationError`.
    package func rows(of relation: Relation, max: Int) async throws -> Rows {
        try await source.withScan(ScanRequest(relation, rowsMax: max)) { batches in
            var found = Rows(columns: batches.columns)
            while let batch = try await batches.next() {
                for row in 0..<batch.rowCount {
                    found.rows.append(
                        (0..<batch.columnCount).map { column in
                            let value = batch.value(row: row, column: column)
                            return value == .null ? nil : Self.cut(value.text)
                        })
                }
            }
            return found
        }
    }

    /// How many rows there are, counted by reading one column of them, and whether that is all: no more than `max` are
    /// read. Throws as `rows` does.
    package func count(of relation: Relation, max: Int) async throws -> (rows: Int, isAll: Bool) {
        let first = try await source.columns(of: relation).prefix(1).map(\.name)
        let request = ScanRequest(relation, columns: first.isEmpty ? nil : Array(first), rowsMax: max + 1)
        return try await source.withScan(request) { batches in
            var count = 0
            while let batch = try await batches.next() { count += batch.rowCount }
            return (min(count, max), count <= max)
        }
    }

    private static func cut(_ text: String) -> String {
        let head = text.prefix(cellCharactersMax)
        return head.endIndex == text.endIndex ? text : head + "…"
    }
}

/// Shows the first rows of a sync's dataset as they would be sent. Sends nothing and reads nothing of the destination.
package struct MapSample: Sendable {
    package struct Row: Sendable, Hashable {
        package var key = ""
        /// The values by field, as JSON texts; a field that would not be sent is missing.
        package var values: [String: String] = [:]
        /// Why the row would not be sent.
        package var reason: Reason?
    }

    private let shape: SyncShape
    private let definition: SyncDefinition
    private let source: any Source & Discoverable

    /// - Parameter discovered: the account's own fields, as far as they are known.
    package init(
        _ definition: SyncDefinition, object: DestinationObject, discovered: [DestinationField],
        source: any Source & Discoverable
    ) {
        var shape = SyncShape(definition, object: object)
        shape.discovered = discovered
        let known = shape
        shape.rules.removeAll { Self.needsReading($0, known) }
        self.shape = shape
        self.definition = definition
        self.source = source
    }

    /// Whether a mapping's value is known only once the destination's records were read for it.
    private static func needsReading(_ rule: MappingRule, _ shape: SyncShape) -> Bool {
        guard let lookup = rule.lookup else { return false }
        switch shape.field(rule.field)?.type {
        case .reference(_, let forms), .referenceList(_, let forms):
            return forms.contains { $0.lookup == lookup && $0.matchField != nil }
        default: return false
        }
    }

    /// Throws `SourceError` and `CancellationError`.
    package func rows(max: Int) async throws -> [Row] {
        let columns = shape.scanColumns
        let request = ScanRequest(definition.dataset.relation, columns: columns, rowsMax: max)
        return try await source.withScan(request) { batches in
            let dataset = Dataset(shape, scanColumns: columns, seed: 0)
            let mapping = Mapping(shape, scanColumns: columns)
            var found: [Row] = []
            while let batch = try await batches.next() { found += Self.rows(of: batch, dataset, mapping) }
            return found
        }
    }

    private static func rows(of batch: RowBatch, _ dataset: Dataset, _ mapping: borrowing Mapping) -> [Row] {
        batch.withRows { rows in
            var admitted = AdmittedRows()
            dataset.admit(rows, into: &admitted)
            let invalid = Dictionary(admitted.invalid.map { ($0.row, $0.reason) }) { first, _ in first }
            var writer = ByteWriter(capacity: 4_096)
            return (0..<rows.rowCount).map { index in
                var row = Row()
                if let reason = invalid[index] {
                    row.reason = reason
                    return row
                }
                dataset.writeKey(rows, index, to: &writer)
                row.key = writer.text
                writer.removeAll()
                row.reason = mapping.map(rows, index, into: &writer)
                if row.reason == nil { row.values = Self.fields(writer.text) }
                return row
            }
        }
    }

    /// The fields of a payload; those of the object below it are named `object.field`.
    private static func fields(_ payload: String) -> [String: String] {
        var fields: [String: String] = [:]
        for (name, value) in object(payload) {
            if let nested = value as? [String: Any] {
                for (inner, value) in nested { fields["\(name).\(inner)"] = text(value) }
            } else {
                fields[name] = text(value)
            }
        }
        return fields
    }

    private static func object(_ payload: String) -> [String: Any] {
        do {
            return try JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any] ?? [:]
        } catch {
            // What the mapping writes is JSON; were it not, there would be nothing to show.
            return [:]
        }
    }

    private static func text(_ value: Any) -> String {
        do {
            let data = try JSONSerialization.data(
                withJSONObject: value, options: [.fragmentsAllowed, .withoutEscapingSlashes, .sortedKeys])
            return String(decoding: data, as: UTF8.self)
        } catch {
            return ""
        }
    }
}
