import ConnectorKit
import Foundation
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What comes back from elsewhere: a backup, and the file with the key of the secrets.
struct BackupFuzzTests {
    private static let codes: Set<String> = [
        "backup_damaged", "backup_newer", "state_corrupt", "state_newer", "state_not_ours", "state_database_failed",
        "state_io", "state_unwritable", "disk_full",
    ]
    private static let audit = AuditRecord(
        at: Moment(milliseconds: 1_795_000_000_000), who: "test", address: "", action: "state_restored")

    /// A database with a run and a secret, the files of a sync, a plan.
    private static func state(_ path: String) throws -> (StateDirectory, ControlDatabase) {
        let state = try StateDirectory(path: path)
        let database = try ControlDatabase.open(path: state.databasePath)
        _ = try database.createRun(
            sync: "companies", trigger: "cli", full: true, limited: false,
            startedAt: Moment(milliseconds: 1_795_000_000_000), state: .running)
        let files = state.sync("companies")
        let journal = try AcceptanceJournal.open(files, run: 1)
        let entries = (0..<8).map {
            OpenEntry(sequence: $0, keyHash: Hash128.of("k\($0)", seed: 7), rowHash: Hash128.of("r", seed: 7))
        }
        _ = try journal.append(open: OpenFrame(batch: 0, entries: entries))
        _ = try journal.append(
            settled: SettleFrame(batch: 0, effects: [JournalEffect](repeating: .set, count: 8), others: []))
        journal.close()
        _ = try SnapshotMerge.close(files, run: 1)
        try AcceptanceJournal.drop(files, run: 1)
        var plan = try PlanWriter(path: state.planPath(run: 1), header: Array("{}".utf8))
        try plan.seal(summary: Array("{}".utf8))
        return (state, database)
    }

    /// All of a backup is taken or none of it, and nothing is written beside the state directory.
    @Test func backups() throws {
        let folder = try FuzzFolder(inMemory: true)
        let (state, database) = try Self.state(folder.path + "/of")
        let made = folder.path + "/made.backup"
        _ = try StateBackup(state: state, database: database).write(
            to: made, at: Moment(milliseconds: 1_795_000_000_000), noting: Self.audit)
        var fuzz = Fuzz(name: "backup", corpus: [try FuzzFolder.read(made)])
        fuzz.repair = BackupRepair.checksums
        let (path, target) = (folder.path + "/given.backup", folder.path + "/inside/state")
        var restored = 0
        try fuzz.run(usually: 250) { bytes, _ in
            try Data(bytes).write(to: URL(filePath: path))
            try? FileManager.default.removeItem(atPath: folder.path + "/inside")
            try FileManager.default.createDirectory(
                atPath: folder.path + "/inside", withIntermediateDirectories: true)
            do {
                _ = try StateRestore(path: target).begin(from: path, isForced: false, noting: Self.audit)
                restored += 1
                _ = try ControlDatabase.open(path: target + "/sluice.db")
            } catch let error as StateError where Self.codes.contains(error.code) {
                #expect(!FileManager.default.fileExists(atPath: target + "/sluice.db"), "\(error.message)")
                #expect(!FileManager.default.fileExists(atPath: target + "/sluice.db.restoring"), "\(error.message)")
            }
            let beside = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/inside")
            #expect(beside.allSatisfy { $0 == "state" }, "\(beside)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == ["given.backup", "inside", "made.backup", "of"])
        }
        #expect(restored > 0 || fuzz.isReplay, "no input was a whole backup")
    }

    /// Whatever the file holds, a secret is what it was or is not told, the file is not replaced, and with the right key back
    /// nothing is lost.
    @Test func keyFiles() throws {
        let folder = try FuzzFolder(inMemory: true)
        let state = try StateDirectory(path: folder.path + "/state")
        let database = try ControlDatabase.open(path: state.databasePath)
        let corpus = try ForeignTextFuzzTests.corpus("keys")
        let (path, next) = (state.path + "/secret.key", state.path + "/secret.key.new")
        let right = try FuzzFolder.read(ForeignTextFuzzTests.corpusPath("keys") + "/whole.key")
        let clock = SimulatedTime()
        let time = RunTime(
            now: { Moment(milliseconds: clock.milliseconds) }, sleep: { try await clock.sleep($0) },
            chance: { clock.fraction() }, seed: { clock.bits() })
        func vault() -> SecretVault {
            SecretVault(database: database, time: time, key: SecretKeyPlace(variables: [:], state: state))
        }
        try Data(right).write(to: URL(filePath: path))
        try vault().set("warehouse", Secret("planted-value-4711"), by: Actor("test"))
        try Fuzz(name: "key", corpus: corpus).run(usually: 1_500) { bytes, random in
            let isNext = random.chance(percent: 30)
            try Data(bytes).write(to: URL(filePath: isNext ? next : path))
            do {
                #expect(try vault().value("warehouse").reveal() == "planted-value-4711")
            } catch let error as RunError {
                #expect(["secret_key_invalid", "secret_key_wrong"].contains(error.code), "\(error)")
                let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(text.count < 8 || !(error.message + error.hint).contains(text), "an error tells the key")
                #expect(isNext || FileManager.default.contents(atPath: path) == Data(bytes))
            }
            try Data(right).write(to: URL(filePath: path))
            try? FileManager.default.removeItem(atPath: next)
            #expect(try vault().value("warehouse").reveal() == "planted-value-4711")
        }
    }
}

/// Makes the checksums of a damaged backup right again, as far as its parts can be found: anybody can make such a file.
enum BackupRepair {
    private static let chunkBytes = 1 << 20

    private struct Sum {
        var hash = Hash128(high: 0, low: 0)

        mutating func add(_ bytes: ArraySlice<UInt8>) {
            let piece = bytes.withUnsafeBytes { Hash128.of($0, seed: hash.low) }
            hash = Hash128(high: piece.high ^ hash.high, low: piece.low)
        }

        var bytes: [UInt8] { little(hash.high, 8) + little(hash.low, 8) }
    }

    private static func little(_ value: UInt64, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> Int? {
        guard at >= 0, at + size <= bytes.count else { return nil }
        return Int(exactly: (0..<size).reduce(UInt64(0)) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) })
    }

    static let checksums: @Sendable (inout [UInt8]) -> Void = { bytes in
        guard bytes.count > 32 else { return }
        var all = Sum()
        all.add(bytes[..<32])
        var (at, count) = (32, 0)
        while let length = number(bytes, at, 4), length > 0, length <= 1_024 {
            let content = at + 4 + length + 8
            guard let size = number(bytes, content - 8, 8), content <= bytes.count, size <= bytes.count - content - 16
            else { return }
            var sum = Sum()
            sum.add(bytes[at..<content])
            var done = 0
            while done < size {
                let piece = min(chunkBytes, size - done)
                sum.add(bytes[(content + done)..<(content + done + piece)])
                done += piece
            }
            at = content + size
            bytes.replaceSubrange(at..<at + 16, with: sum.bytes)
            all.add(sum.bytes[...])
            at += 16
            count += 1
        }
        guard number(bytes, at, 4) == 0 else { return }
        bytes.removeSubrange((at + 4)...)
        bytes += little(UInt64(count), 8) + all.bytes
    }
}
