import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit

/// What is held against a history.
extension History {
    func check(_ record: RunRecord, _ environment: RunEnvironment) {
        problems += RunBooks.problems(of: record, environment, isRepeatable: behavior != .send)
    }
}

/// What is held against every run, whatever its history.
enum RunBooks {
    static func problems(of record: RunRecord, _ environment: RunEnvironment, isRepeatable: Bool) -> [String] {
        var problems: [String] = []
        func expect(_ isTrue: Bool, _ sentence: String) {
            if !isTrue { problems.append("run \(record.id) (\(record.state.rawValue)): \(sentence)") }
        }
        let (rows, operations) = (record.rows, record.operations)
        expect(record.state.isFinal, "has not ended")
        expect(rows.isBalanced, "rows do not balance: \(rows)")
        expect(operations.isBalanced, "operations do not balance: \(operations)")
        expect(operations.planned == rows.planned, "planned \(rows.planned) rows, \(operations.planned) operations")
        let missing =
            rows.invalid + rows.held + operations.rejected + operations.undelivered + operations.inDoubt
        let told = record.reasons.reduce(0) { $0 + $1.count }
        // A run whose plan is gone knows how much of it was not sent, and not what.
        let hasPlan = !["run_interrupted", "state_reset"].contains(record.error?.code)
        expect(
            told == missing || told < missing && !hasPlan,
            "\(missing) did not arrive, reasons tell \(told): \(record.reasons)")
        expect(
            operations.inDoubt == 0 || !isRepeatable, "\(operations.inDoubt) in doubt although all can be repeated")
        expect(
            record.error?.code != "books_unbalanced" && record.error?.code != "internal_error", "\(record.error as Any)"
        )
        do {
            let counts = try RunHistory(environment.database).outcomeCounts(run: record.id)
            let named = [
                OutcomeKind.invalid: rows.invalid, .held: rows.held, .rejected: operations.rejected,
                .inDoubt: operations.inDoubt,
            ]
            for (kind, count) in named { expect(counts[kind] ?? 0 == count, "\(kind): \(count), but \(counts)") }
            let count = counts[.undelivered] ?? 0
            let isNamed = count == operations.undelivered || count < operations.undelivered && !hasPlan
            expect(isNamed, "undelivered: \(operations.undelivered), but named \(count)")
            expect(try environment.database.run(record.id) == record, "is stored otherwise")
        } catch {
            problems.append("run \(record.id): its outcomes cannot be read: \(error)")
        }
        return problems
    }
}

extension History {

    /// Only for runs before the last start, which accepts every guard.
    func checkGuard(_ record: RunRecord) {
        guard !acceptsGuards, record.operations.accepted > 0, record.rows.invalid * 2 > record.rows.scanned else {
            return
        }
        problems.append("run \(record.id) sent a plan that the guard for invalid rows had to stop")
    }

    /// What the behavior promises of the destination, and that each row it refuses is named.
    ///
    /// - Parameter mayHold: whether a row that was refused too often may wait still.
    func checkPromise(
        _ last: RunRecord, _ environment: RunEnvironment, readsAll: Bool, mayHold: Bool
    ) throws {
        var oracle = BehaviorOracle(world: world, definition: definition)
        oracle.readsAll = readsAll
        oracle.deeds = deeds
        problems += try oracle.promise(last, environment, mayHold: mayHold)
    }

    /// The history knows each run once, in order, all ended; what it says was created is at the account.
    func checkHistory(_ environment: RunEnvironment) throws {
        let runs = try RunHistory(environment.database).runs(limit: 100)
        if runs.contains(where: { !$0.state.isFinal }) { problems.append("a run is left unfinished") }
        for (newer, older) in zip(runs, runs.dropFirst())
        where newer.id <= older.id || (newer.startedAt < older.startedAt && !world.hasJumped) {
            problems.append("runs \(older.id) and \(newer.id) are out of order")
        }
        for run in runs { check(run, environment) }
        let created = runs.reduce(0) { $0 + $1.operations.created }
        if created > world.created {
            problems.append("the history says \(created) were created, the accounts have \(world.created)")
        }
        if kills == 0 && world.faultsBroken == 0 && created != world.created {
            problems.append("undisturbed, and still \(created) created of \(world.created)")
        }
        let files = environment.state.sync(definition.name)
        try checkFingerprints(files, environment)
        if try AcceptanceJournal.pendingRun(files) != nil { problems.append("a journal is left behind") }
    }

    /// All that a next start opens can be opened, every row that did not arrive has its reason in words, and nobody was made
    /// to wait longer than is promised.
    func checkFiles(_ environment: RunEnvironment) throws {
        let files = environment.state.sync(definition.name)
        switch try Snapshot.open(files) {
        case .none, .current: break
        case .fellBack(_, let reason), .lost(let reason): problems.append("the fingerprints: \(reason.message)")
        }
        _ = try PendingFile.open(files)
        _ = try KeyFile.open(files)
        for run in try environment.state.plannedRuns() {
            _ = try PlanReader(path: environment.state.planPath(run: run))
        }
        let history = RunHistory(environment.database)
        for run in try history.runs(limit: 100) {
            for reason in try history.boundedReasons(run: run.id) where reason.reason.message.isEmpty {
                problems.append("run \(run.id) does not say why: \(reason.reason.code)")
            }
        }
        let longest = Duration.seconds(max(660, World.pauseSecondsMax))
        if let wait = world.time.slept.max(), wait > longest { problems.append("somebody waited for \(wait)") }
    }

    /// Every fingerprint is that of a key that a row once had.
    func checkFingerprints(_ files: SyncFiles, _ environment: RunEnvironment) throws {
        guard let snapshot = try Snapshot.open(files).snapshot,
            let memory = try environment.database.memory(definition.name)
        else { return }
        let known = Set(world.keys.map { Hash128.of($0, seed: memory.seed) })
        let foreign = (0..<snapshot.count).count { !known.contains(snapshot.record(at: $0).key) }
        if foreign > 0 { problems.append("\(foreign) of \(snapshot.count) fingerprints are of no key that there was") }
    }

    /// Once more, and nothing is left to do but what is refused.
    func checkQuiet(_ records: [RunRecord], requestsBefore: Int) {
        guard let again = records.last, records.count == 1 else {
            return problems.append("more than one run at the end")
        }
        if again.rows.planned != again.operations.rejected {
            problems.append("the run after the last one still sent \(again.rows.planned) records")
        }
        let refused = world.refused(definition)
        if refused.isEmpty && world.account.requests.count != requestsBefore {
            problems.append("sent requests for nothing")
        }
    }
}
