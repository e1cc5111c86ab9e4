import ConnectorKit
import Foundation
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Whole histories: at the end the destination holds what the behavior promises, the books of every run balance, every row
/// that did not arrive is named with a reason, nothing was created or sent twice, nothing was removed that was in the table,
/// nothing is in doubt that anybody could know, and every file of the state opens.
///
/// What goes wrong in them: kills at any step and inside any write, power cuts that take what was not synced and names that
/// were not made durable, a full disk, a clock that is set forward and back, a second runner, a cancel, columns that come, go and
/// change their type, rows that come while others are read, a source that is slow or breaks off, plans that were saved and have
/// aged, every fault of the account. In between people confirm, resend, reset, rename, and accept a guard. A third of the
/// datasets are read incrementally, half of those by times. All seeds of a behavior together have to come upon each of these
/// (`Wanted`), or they would prove less and say nothing.
///
/// What a seed plays changes with every draw that is added: a history that went wrong is kept as a script of its steps, in
/// `KnownHistoryTests`.
///
/// 2,000 histories. `SLUICE_SEED=n` replays one seed, `SLUICE_SEEDS=n` plays so many (1,000) of update-or-create, and a fifth
/// as many of each other behavior.
struct SimulationTests {
    @Test(arguments: Seeds.groups)
    func destinationEqualsTheSourceAfterAnyHistory(seeds: Range<UInt64>) async throws {
        try await play(.updateOrCreate, seeds, parts: Seeds.groups.count)
    }

    @Test(arguments: [Behavior.mirror, .createOnly, .updateOnly, .delete, .send], Seeds.someGroups)
    func everyBehaviorKeepsItsPromiseAfterAnyHistory(behavior: Behavior, seeds: Range<UInt64>) async throws {
        try await play(behavior, seeds, parts: Seeds.someGroups.count)
    }

    /// All seeds of a behavior together have to come upon each fault, and each durable step.
    private func play(_ behavior: Behavior, _ seeds: Range<UInt64>, parts: Int) async throws {
        let tally = Tally()
        for seed in seeds {
            let history = try History(seed: seed, behavior: behavior)
            let problems = try await history.play()
            tally.add(history.world.tally)
            if Seeds.isReplay { for line in history.trace + history.world.tally.sentences { print(line) } }
            guard let first = problems.first else { continue }
            let command = "SLUICE_SEED=\(seed) swift test -c release --filter SimulationTests"
            Issue.record(
                "\(behavior) seed \(seed): \(first) (and \(problems.count - 1) more); replay with \(command)")
            if Seeds.isReplay { for problem in problems { print(problem) } }
        }
        let sum = Tallies.shared.hand(in: tally, of: behavior.rawValue, parts: parts)
        guard let sum, Seeds.areMany else { return }
        let missing = sum.missing(Wanted.of(behavior))
        #expect(missing.isEmpty, "\(behavior) proves less than it says")
    }

    @Test(arguments: Behavior.allCases) func seedReplaysTheSameHistory(behavior: Behavior) async throws {
        for seed in UInt64(1)...8 {
            let first = try await fingerprint(of: seed, behavior)
            #expect(try await fingerprint(of: seed, behavior) == first, "seed \(seed)")
        }
    }

    /// What happened, and what came of it.
    private func fingerprint(of seed: UInt64, _ behavior: Behavior) async throws -> [String] {
        let history = try History(seed: seed, behavior: behavior)
        let problems = try await history.play()
        let left = history.world.accounts.flatMap { account in
            account.records.map { "\($0) \($1)" }.sorted() + account.events.map { "\($0) \($1)" }.sorted()
                + account.requests.map { "\($0.kind) \($0.fault) \($0.mark) \($0.keys)" }
        }
        return history.trace + history.world.tally.sentences + problems.sorted() + left
    }
}

enum Seeds {
    /// A fifth of the seeds, for each of the behaviors beside the first.
    static var someGroups: [Range<UInt64>] { isReplay ? groups : Array(groups.prefix(2)) }

    /// Enough of them to come upon everything.
    static var areMany: Bool { groups.reduce(0) { $0 + $1.count } >= 1_000 }

    static let isReplay = ProcessInfo.processInfo.environment["SLUICE_SEED"] != nil

    /// Two hosts' worth of groups, so that the seeds share the processors.
    static var groups: [Range<UInt64>] {
        let environment = ProcessInfo.processInfo.environment
        if let text = environment["SLUICE_SEED"], let seed = UInt64(text) { return [seed..<seed + 1] }
        let count = environment["SLUICE_SEEDS"].flatMap { UInt64($0) } ?? 1_000
        let size = max(1, (count + 9) / 10)
        return stride(from: UInt64(1), through: count, by: Int(size)).map { $0..<min($0 + size, count + 1) }
    }
}
