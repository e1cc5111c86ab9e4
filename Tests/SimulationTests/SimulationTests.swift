import ConnectorKit
import Foundation
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Whole histories with faults, kills and cancellations: at the end the destination equals the source, the books of
/// every run balance and nothing was created twice.
///
/// `SLUICE_SEED=n` replays one seed, `SLUICE_SEEDS=n` plays so many.
struct SimulationTests {
    @Test(arguments: Seeds.groups)
    func destinationEqualsTheSourceAfterAnyHistory(seeds: Range<UInt64>) async throws {
        for seed in seeds {
            let history = try History(seed: seed)
            let problems = try await history.play()
            if Seeds.isReplay { for line in history.trace { print(line) } }
            guard let first = problems.first else { continue }
            let command = "SLUICE_SEED=\(seed) swift test -c release --filter SimulationTests"
            Issue.record("seed \(seed): \(first) (and \(problems.count - 1) more); replay with \(command)")
            if Seeds.isReplay { for problem in problems { print(problem) } }
        }
    }

    @Test(arguments: [Behavior.mirror, .createOnly, .updateOnly, .delete, .send], Seeds.someGroups)
    func everyBehaviorKeepsItsPromiseAfterAnyHistory(behavior: Behavior, seeds: Range<UInt64>) async throws {
        for seed in seeds {
            let history = try History(seed: seed, behavior: behavior)
            let problems = try await history.play()
            if Seeds.isReplay { for line in history.trace { print(line) } }
            guard let first = problems.first else { continue }
            let command = "SLUICE_SEED=\(seed) swift test -c release --filter SimulationTests"
            Issue.record(
                "\(behavior) seed \(seed): \(first) (and \(problems.count - 1) more); replay with \(command)")
            if Seeds.isReplay { for problem in problems { print(problem) } }
        }
    }

    @Test func seedReplaysTheSameHistory() async throws {
        for seed in UInt64(1)...20 {
            let first = try await fingerprint(of: seed)
            #expect(try await fingerprint(of: seed) == first, "seed \(seed)")
        }
    }

    private func fingerprint(of seed: UInt64) async throws -> [String] {
        let history = try History(seed: seed)
        _ = try await history.play()
        return history.trace
    }
}

enum Seeds {
    /// A third of the seeds, for each of the behaviors beside the first.
    static var someGroups: [Range<UInt64>] { isReplay ? groups : Array(groups.prefix(3)) }

    static let isReplay = ProcessInfo.processInfo.environment["SLUICE_SEED"] != nil

    /// Two hosts' worth of groups, so that the seeds share the processors.
    static var groups: [Range<UInt64>] {
        let environment = ProcessInfo.processInfo.environment
        if let text = environment["SLUICE_SEED"], let seed = UInt64(text) { return [seed..<seed + 1] }
        let count = environment["SLUICE_SEEDS"].flatMap { UInt64($0) } ?? 300
        let size = max(1, (count + 9) / 10)
        return stride(from: UInt64(1), through: count, by: Int(size)).map { $0..<min($0 + size, count + 1) }
    }
}
