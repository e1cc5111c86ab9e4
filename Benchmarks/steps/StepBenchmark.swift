import ConnectorKit
import Foundation
import Records
import SourcePostgres
import StateStore
import SyncCore

/// Takes rows through one step of the walk, on the thread that it was started on and with nothing around it, so that what
/// a step costs can be counted in instructions: `scripts/bench-steps`.
///
/// Everything is prepared before, whatever the number of passes, so the difference of two runs is that of their passes.
@main enum StepBenchmark {
    private static let usage = "usage: step-benchmark STEP PASSES ROWS FOLDER, or: step-benchmark steps\n"
    /// How often the steps that use up what they are given can be repeated.
    private static let passesMax = 3

    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        if words == ["steps"] { return print(Step.allCases.map(\.rawValue).joined(separator: "\n")) }
        guard words.count == 4, let step = Step(rawValue: words[1]), let passes = Int(words[2]),
            let rows = Int(words[3]), (1...passesMax).contains(passes), rows > 0
        else {
            FileHandle.standardError.write(Data(usage.utf8))
            exit(2)
        }
        try WalkedRows(rows: rows, folder: words[4], passesMax: passesMax).walk(step, passes: passes)
    }
}

/// In the order of the walk.
enum Step: String, CaseIterable {
    case decode, fingerprint, probe, map
    case planWrite = "plan-write"
    case planRead = "plan-read"
    case journal, merge
}

/// Rows like those of data-postgres.sql, and what each step makes of them.
struct WalkedRows {
    private let folder: String
    private let copied: [UInt8]
    private let batches: [RowBatch]
    private let shape = BenchmarkedSync.shape
    private let dataset: Dataset
    private let admitted: [AdmittedRows]
    private let entries: [OpenEntry]
    private let payloads: [[UInt8]]
    private let preparedPlan: String
    /// A folder of state for each pass that may be made; all hold a closed run with every second row.
    private let files: [SyncFiles]

    private static let seed: UInt64 = 7
    private static let rowsPerFrame = 500

    init(rows: Int, folder: String, passesMax: Int) throws {
        self.folder = folder
        copied = CopiedTable.bytes(rows: rows)
        batches = try Self.decode(copied)
        dataset = Dataset(shape, scanColumns: shape.scanColumns, seed: Self.seed)
        let (dataset, shape) = (dataset, shape)
        admitted = batches.map { batch in
            var admitted = AdmittedRows()
            batch.withRows { dataset.admit($0, into: &admitted) }
            return admitted
        }
        let mapping = Mapping(shape, scanColumns: shape.scanColumns)
        payloads = batches.flatMap { batch in
            batch.withRows { rows in
                (0..<rows.rowCount).map { row in
                    var writer = ByteWriter()
                    _ = mapping.map(rows, row, into: &writer)
                    return Array(writer.text.utf8)
                }
            }
        }
        let entries = Self.entries(admitted)
        self.entries = entries
        preparedPlan = folder + "/prepared.plan"
        try Self.writePlan(preparedPlan, entries, payloads)
        files = try (0..<passesMax).map { number in
            let files = try StateDirectory(path: "\(folder)/state \(number)").sync("companies")
            let known = entries.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            try Self.write(known, files, run: 1).close()
            try SnapshotMerge.close(files, run: 1)
            try AcceptanceJournal.drop(files, run: 1)
            try Self.write(entries, files, run: 2).close()
            return files
        }
    }

    func walk(_ step: Step, passes: Int) throws {
        for pass in 0..<passes {
            switch step {
            case .decode: _ = try Self.decode(copied)
            case .fingerprint: admit()
            case .probe: try probe()
            case .map: map()
            case .planWrite: try Self.writePlan("\(folder)/\(pass).plan", entries, payloads)
            case .planRead: try readPlan()
            case .journal: try Self.write(entries, fresh(pass), run: 1).close()
            case .merge: try SnapshotMerge.close(files[pass], run: 2)
            }
        }
    }

    // MARK: Steps

    private static func decode(_ bytes: [UInt8]) throws -> [RowBatch] {
        var decoder = RowDecoder(CopiedTable.rules)
        var builder = RowBatchBuilder(columnCount: CopiedTable.rules.count)
        var batches: [RowBatch] = []
        try unsafe bytes.withUnsafeBytes { message in
            var offset = 0
            while offset < message.count {
                offset = try unsafe decoder.decode(message, at: offset, into: &builder)
                if builder.isFull || (decoder.hasEnded && !builder.isEmpty) { batches.append(builder.finish()) }
            }
        }
        return batches
    }

    private func admit() {
        var admitted = AdmittedRows()
        for batch in batches { batch.withRows { dataset.admit($0, into: &admitted) } }
    }

    private func probe() throws {
        guard let snapshot = try Snapshot.open(files[0]).snapshot else { return }
        var known: [Probe] = []
        let seen = SeenTable(count: snapshot.count)
        var findings: [Differ.Finding] = []
        for admitted in admitted {
            snapshot.probe(admitted.keyHashes, into: &known)
            findings.removeAll(keepingCapacity: true)
            _ = Differ(isFull: false).diff(admitted, known: known, seen: seen, findings: &findings)
        }
    }

    private func map() {
        let mapping = Mapping(shape, scanColumns: shape.scanColumns)
        var writer = ByteWriter(capacity: 1 << 20)
        for batch in batches {
            writer.removeAll()
            batch.withRows { rows in
                for row in 0..<rows.rowCount { _ = mapping.map(rows, row, into: &writer) }
            }
        }
    }

    private static func writePlan(_ path: String, _ entries: [OpenEntry], _ payloads: [[UInt8]]) throws {
        var writer = try PlanWriter(path: path, header: [])
        for (entry, payload) in zip(entries, payloads) {
            let key = Array(String(entry.sequence).utf8)
            try unsafe key.withUnsafeBytes { key in
                try unsafe payload.withUnsafeBytes { payload in
                    _ = try unsafe writer.append(
                        kind: .upsert, isNew: true, keyHash: entry.keyHash, rowHash: entry.rowHash, key: key,
                        payload: payload)
                }
            }
        }
        try writer.seal(summary: [])
    }

    private func readPlan() throws {
        var reader = try PlanReader(path: preparedPlan)
        while try reader.next(itemsMax: 5_000, bytesMax: 8 << 20, overheadPerItem: 1, keyField: "externalId") != nil {}
    }

    private func fresh(_ pass: Int) throws -> SyncFiles {
        try StateDirectory(path: "\(folder)/fresh \(pass)").sync("companies")
    }

    private static func entries(_ admitted: [AdmittedRows]) -> [OpenEntry] {
        var entries: [OpenEntry] = []
        for admitted in admitted {
            for (key, row) in zip(admitted.keyHashes, admitted.rowHashes) {
                entries.append(OpenEntry(sequence: entries.count, keyHash: key, rowHash: row))
            }
        }
        return entries
    }

    private static func write(_ entries: [OpenEntry], _ files: SyncFiles, run: Int64) throws -> AcceptanceJournal {
        let journal = try AcceptanceJournal.open(files, run: run)
        for (batch, first) in stride(from: 0, to: entries.count, by: rowsPerFrame).enumerated() {
            let some = Array(entries[first..<min(first + rowsPerFrame, entries.count)])
            _ = try journal.append(open: OpenFrame(batch: batch, entries: some))
            let effects = [JournalEffect](repeating: .set, count: some.count)
            _ = try journal.append(settled: SettleFrame(batch: batch, effects: effects))
        }
        return journal
    }
}
