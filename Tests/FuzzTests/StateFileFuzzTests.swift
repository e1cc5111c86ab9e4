import Foundation
import Records
import StateStore
import TestKit
import Testing

/// What is read from the state directory: right, or an error with a code.
struct StateFileFuzzTests {
    private static let codes: Set<String> = ["state_corrupt", "plan_corrupt", "state_newer", "state_io"]

    private func allowed(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as StateError where Self.codes.contains(error.code) {
            return
        }
    }

    /// Three closed runs and an open one.
    private static func state(_ folder: FuzzFolder) throws -> SyncFiles {
        let files = try StateDirectory(path: folder.path + "/state").sync("companies")
        for run in 1...4 {
            let journal = try AcceptanceJournal.open(files, run: Int64(run))
            for batch in 0..<3 {
                let entries = (0..<8).map {
                    OpenEntry(sequence: batch * 8 + $0, keyHash: key(batch * 8 + $0), rowHash: key(run))
                }
                _ = try journal.append(open: OpenFrame(batch: batch, entries: entries))
                let other = SettledOther(
                    entryIndex: 1, outcome: .rejected,
                    reason: Reason(code: "refused_by_destination", message: "name is \"too long\" é", hint: "shorten"),
                    key: "[\"a\",1]")
                var effects = [JournalEffect](repeating: .set, count: 8)
                effects[1] = .keep
                effects[2] = .void
                if run == 4 && batch == 2 { continue }
                _ = try journal.append(settled: SettleFrame(batch: batch, effects: effects, others: [other]))
            }
            journal.close()
            if run == 4 { break }
            _ = try SnapshotMerge.close(files, run: Int64(run))
            try AcceptanceJournal.drop(files, run: Int64(run))
        }
        return files
    }

    private static func key(_ number: Int) -> Hash128 { Hash128.of("key \(number)", seed: 7) }

    @Test func journals() throws {
        let folder = try FuzzFolder()
        let files = try Self.state(folder)
        let path = files.folder + "/journal"
        var fuzz = Fuzz(name: "journal", corpus: [try FuzzFolder.read(path)])
        fuzz.repair = Repair.journal
        var impossible = 0
        try fuzz.run(usually: 3_000) { bytes, _ in
            try Data(bytes).write(to: URL(filePath: path))
            do {
                _ = try AcceptanceJournal.replay(files) { frame in
                    guard case .settled(let settled, let opened) = frame else { return }
                    #expect(settled.effects.count == opened.entries.count)
                    #expect(settled.others.allSatisfy { opened.entries.indices.contains($0.entryIndex) })
                }
            } catch let error as StateError where Self.codes.contains(error.code) {
                if error.message.contains("impossible") { impossible += 1 }
            }
            try allowed { _ = try AcceptanceJournal.pendingRun(files) }
        }
        // What stops at a checksum says nothing about what comes after it.
        #expect(fuzz.isReplay || impossible > 0)
    }

    @Test func snapshots() throws {
        let folder = try FuzzFolder()
        let files = try Self.state(folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: files.folder)
        let newest = try #require(names.filter { $0.hasPrefix("snapshot.") }.max())
        let path = files.folder + "/" + newest
        var fuzz = Fuzz(name: "snapshot", corpus: [try FuzzFolder.read(path)])
        fuzz.repair = { Repair.header(&$0, at: 0) }
        let keys = (0..<64).map { Self.key($0) }
        try fuzz.run(usually: 2_000) { bytes, _ in
            try? FileManager.default.removeItem(atPath: path)
            try Data(bytes).write(to: URL(filePath: path))
            try allowed {
                guard let snapshot = try Snapshot.open(files).snapshot else { return }
                var probes: [Probe] = []
                snapshot.probe(keys, into: &probes)
                #expect(probes.count == keys.count)
                for index in 0..<min(snapshot.count, 1_000) { _ = snapshot.record(at: index) }
            }
        }
    }

    @Test func pendingFiles() throws {
        let folder = try FuzzFolder()
        let files = try Self.state(folder)
        let entries = (0..<40).map { number in
            PendingEntry(
                keyHash: Self.key(number), rowHash: Self.key(1), kind: .rejected, tries: 2, dueAt: 5, heldSince: 3,
                run: 1)
        }
        try PendingFile.write(files, entries)
        let path = files.folder + "/pending"
        var fuzz = Fuzz(name: "pending", corpus: [try FuzzFolder.read(path)])
        fuzz.repair = { Repair.header(&$0, at: 0) }
        try fuzz.run(usually: 2_000) { bytes, _ in
            try? FileManager.default.removeItem(atPath: path)
            try Data(bytes).write(to: URL(filePath: path))
            try allowed {
                let pending = try PendingFile.open(files)
                for entry in pending.entries { #expect(pending.find(entry.keyHash) != nil) }
            }
        }
    }

    /// A plan that somebody hands over may be made to deceive: its checksums are right then.
    @Test func plans() throws {
        let folder = try FuzzFolder()
        let path = folder.path + "/1.plan"
        var fuzz = Fuzz(
            name: "plan", corpus: [try Self.plan(path, 40), try Self.plan(path, 0), try Self.plan(path, 1)])
        fuzz.repair = Repair.plan
        try fuzz.run(usually: 3_000) { bytes, _ in
            try Data(bytes).write(to: URL(filePath: path))
            try allowed {
                var reader = try PlanReader(path: path)
                try reader.visit { operation in
                    _ = operation.keyText
                    _ = operation.payloadText
                }
                reader.seek(toSequence: 3)
                var batches = 0
                while let batch = try reader.next(
                    itemsMax: 7, bytesMax: 4_096, overheadPerItem: 1, keyField: "externalId"), batches < 10_000
                {
                    #expect(batch.count > 0)
                    for index in 0..<batch.count { _ = batch.keyText(index) }
                    batches += 1
                }
            }
        }
    }

    private static func plan(_ path: String, _ operations: Int) throws -> [UInt8] {
        try? FileManager.default.removeItem(atPath: path)
        var writer = try PlanWriter(path: path, header: Array("{\"run\":1}".utf8))
        for number in 0..<operations {
            let (name, payload) = (Array("key \(number)".utf8), Array("{\"externalId\":\"\(number)\"}".utf8))
            try name.withUnsafeBytes { name in
                try payload.withUnsafeBytes { payload in
                    _ = try writer.append(
                        kind: number % 7 == 6 ? .delete : .upsert, isNew: number % 2 == 0, keyHash: key(number),
                        rowHash: key(number + 1), key: name, payload: payload)
                }
            }
        }
        _ = try writer.strike { $0.sequence % 11 == 5 }
        try writer.seal(summary: Array("summary".utf8))
        return try FuzzFolder.read(path)
    }
}

/// Makes the checksums of damaged files right again, as far as what they cover can be found.
enum Repair {
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.withUnsafeBytes { Checksum.of($0) } }

    private static func put(_ value: UInt64, _ bytes: inout [UInt8], _ at: Int) {
        guard at >= 0, at + 8 <= bytes.count else { return }
        for index in 0..<8 { bytes[at + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> Int? {
        guard at >= 0, at + size <= bytes.count else { return nil }
        let value = (0..<size).reduce(UInt64(0)) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
        return Int(exactly: value)
    }

    /// The 64 bytes of a header or a seal.
    static func header(_ bytes: inout [UInt8], at: Int) {
        guard at >= 0, at + 64 <= bytes.count else { return }
        put(checksum(bytes[at..<at + 56]), &bytes, at + 56)
    }

    static let journal: @Sendable (inout [UInt8]) -> Void = { bytes in
        header(&bytes, at: 0)
        var at = 64
        while at + 32 <= bytes.count {
            guard let size = number(bytes, at, 4), at + 32 + size <= bytes.count else { return }
            put(checksum(bytes[(at + 32)..<(at + 32 + size)]), &bytes, at + 16)
            put(checksum(bytes[at..<at + 24]), &bytes, at + 24)
            at += 32 + size
        }
    }

    static let plan: @Sendable (inout [UInt8]) -> Void = { bytes in
        let seal = bytes.count - 64
        guard seal >= 64, let footer = number(bytes, seal + 16, 8), footer >= 64, footer <= seal,
            let size = number(bytes, seal + 24, 8)
        else { return }
        header(&bytes, at: 0)
        var at = number(bytes, 32, 8) ?? 64
        while at >= 64, at <= footer - 32, let body = number(bytes, at + 12, 4), at + 32 + body <= footer {
            put(checksum(bytes[(at + 8)..<(at + 32 + body)]), &bytes, at)
            at += 32 + body
        }
        if footer <= seal, size <= seal - footer { put(checksum(bytes[footer..<footer + size]), &bytes, seal + 32) }
        header(&bytes, at: seal)
    }
}
