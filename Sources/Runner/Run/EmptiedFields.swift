internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// Finds the fields that have had values and that a plan would empty in many records, because their columns hold none any
/// more: for the guard `cleared`.
struct EmptiedFields {
    /// The name under which a sync remembers the fields that have had values.
    private static let filledName = "filled_fields"

    let prepared: PreparedSync
    let memory: SyncMemory
    let retrying: Retrying

    /// - Parameter isCancelled: is asked now and then while the source is read.
    func find(
        _ fields: EmptyFields, _ facts: GuardFacts, isCancelled: () throws -> Bool
    ) async throws -> [String] {
        let before = Self.filled(memory)
        let suspects = fields.left.filter { before.contains($0.name) }
        guard !suspects.isEmpty, Guards.clearsMany(facts, GuardLimits(prepared.definition.guards)) else { return [] }
        let most = Dictionary(suspects.map { ($0.column, $0.newValues) }) { max($0, $1) }
        let columns = most.keys.sorted()
        let counts = try await values(of: columns, moreThan: columns.map { most[$0] ?? 0 }, isCancelled)
        let empty = Set(zip(columns, counts).filter { $1 <= most[$0] ?? 0 }.map(\.0))
        return suspects.filter { empty.contains($0.column) }.map(\.name).sorted()
    }

    /// How many values each of the columns has in the whole dataset, as far as it takes to see that they are more. Rows that
    /// are as they were are in no plan, and a column that only few rows fill is mostly found in those.
    private func values(
        of columns: [String], moreThan most: [Int], _ isCancelled: () throws -> Bool
    ) async throws -> [Int] {
        let request = ScanRequest(prepared.definition.dataset.relation, columns: columns)
        return try await retrying.read {
            try await prepared.source.withScan(request) { batches in
                var counts = [Int](repeating: 0, count: columns.count)
                var number = 0
                while let batch = try await batches.next() {
                    if try number.isMultiple(of: 16) && isCancelled() { throw CancellationError() }
                    number += 1
                    Self.count(batch, &counts)
                    if zip(counts, most).allSatisfy({ $0 > $1 }) { break }
                }
                return counts
            }
        }
    }

    private static func count(_ batch: RowBatch, _ counts: inout [Int]) {
        batch.withRows { rows in
            for row in 0..<rows.rowCount {
                for column in counts.indices {
                    let cell = rows.cell(row, column)
                    if !Mapping.isBlank(cell, cell.kind) { counts[column] += 1 }
                }
            }
        }
    }

    private static func filled(_ memory: SyncMemory) -> Set<String> {
        Set((memory.extra[filledName] ?? "").split(separator: "\n").map(String.init))
    }

    /// Notes which fields a run had values for. What was emptied with a person's word has none any more.
    static func note(_ summary: PlanSummary, isWhole: Bool, in memory: inout SyncMemory) {
        var known = summary.forgetsState ? [] : filled(memory)
        known.formUnion(summary.filled ?? [])
        if isWhole { known.subtract(summary.emptied ?? []) }
        memory.extra[filledName] = known.isEmpty ? nil : known.sorted().joined(separator: "\n")
    }
}
