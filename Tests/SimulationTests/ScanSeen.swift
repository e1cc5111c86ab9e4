import ConnectorKit
import Records
import Runner
import Synchronization
import TestKit

/// What a run found in the table when it read it: for whoever asks later what it could know.
struct ScanSeen: Sendable {
    /// Every key of the table, also of rows that cannot be sent.
    var keys: Set<String>
    /// Whether it did not ask for all rows.
    var isRecent: Bool
    var hasKeyless: Bool
}

extension World {
    func noteProgress(_ progress: RunProgress) {
        guard case .started(let run, _, _) = progress else { return }
        for account in accounts { account.mark = run }
        scans.withLock { $0.running = run }
    }

    /// Somebody reads who is no run.
    func noteLook() { scans.withLock { $0.running = nil } }

    func noteScan(_ relation: Relation, _ table: [SimulatedSource.Row]) {
        guard let run = scans.withLock({ $0.running }) else { return }
        var isRecent = false
        if case .query(let sql) = relation {
            // That looks for the newest value.
            if sql.hasPrefix("select max(") { return }
            isRecent = true
        }
        var seen = ScanSeen(keys: [], isRecent: isRecent, hasKeyless: false)
        for row in table {
            if case .text(let id) = row["id"] { seen.keys.insert(id) } else { seen.hasKeyless = true }
        }
        let read = seen
        scans.withLock { $0.seen[run] = read }
    }

    /// What the plan of a run was made of: of its own scan, or of that of the stopped run whose plan it took over.
    func scan(of run: Int64) -> ScanSeen? {
        scans.withLock { scans in
            scans.seen.keys.filter { $0 <= run }.max().flatMap { scans.seen[$0] }
        }
    }
}
