import ConnectorKit
import Foundation
import PlanhatSandbox
import Testing

/// Every object with every behavior and key, through the real connector, over HTTP, against a sandbox that gives any
/// answer to what is not known of Planhat: the account equals what the behavior promises, the books of every run balance,
/// and nothing that counts each time is sent twice.
///
/// `SLUICE_SEED=n` replays one seed, `SLUICE_ACCOUNT_SEEDS=n` plays so many.
struct AccountSimulationTests {
    @Test(arguments: AccountSeeds.groups)
    func accountKeepsWhatEachBehaviorPromisesWhateverPlanhatAnswers(seeds: Range<UInt64>) async throws {
        let tally = Tally()
        for seed in seeds { tally.add(try await play(seed)) }
        let sum = Tallies.shared.hand(in: tally, of: "account", parts: AccountSeeds.groups.count)
        guard let sum, !AccountSeeds.isReplay, AccountSeeds.count >= UInt64(AccountCase.played.count) else { return }
        let missing = sum.missing(Wanted.ofAccounts)
        #expect(missing.isEmpty, "the histories prove less than they say: \(sum.sentences)")
    }

    private func play(_ seed: UInt64) async throws -> Tally {
        let history = try AccountHistory(seed: seed, AccountSeeds.of(seed))
        let problems: [String]
        do { problems = try await history.play() } catch { problems = ["it threw \(error)"] }
        if AccountSeeds.isReplay {
            print(history.switches.sorted { $0.key < $1.key })
            for line in history.trace + problems + history.tally.sentences { print(line) }
        }
        guard let first = problems.first else { return history.tally }
        let command = "SLUICE_SEED=\(seed) swift test -c release --filter AccountSimulationTests"
        let of = "\(history.of.behavior) \(history.of.object.name) by \(history.of.key ?? "row")"
        Issue.record("seed \(seed), \(of): \(first) (and \(problems.count - 1) more); replay with \(command)")
        return history.tally
    }

    @Test func seedReplaysTheSameHistory() async throws {
        for seed in [UInt64(1), 7, 23, 40] {
            let first = try await fingerprint(of: seed)
            #expect(try await fingerprint(of: seed) == first, "seed \(seed)")
        }
    }

    private func fingerprint(of seed: UInt64) async throws -> [String] {
        let history = try AccountHistory(seed: seed, AccountSeeds.of(seed))
        let problems = try await history.play()
        return history.trace + problems.sorted() + history.tally.sentences
    }

    /// Each answer to each open question was given to a history that comes upon it.
    @Test func everyAnswerToEveryOpenQuestionIsPlayed() throws {
        var played: [String: Set<String>] = [:]
        for seed in UInt64(1)...AccountSeeds.count {
            let history = try AccountHistory(seed: seed, AccountSeeds.of(seed))
            for (name, value) in history.switches where AccountSwitches.touches[name]?(history.of) == true {
                played[name, default: []].insert(value)
            }
        }
        for (name, values) in AccountSwitches.values where AccountSwitches.elsewhere[name] == nil {
            #expect(played[name] == Set(values), "\(name): \(played[name] ?? []) of \(values)")
        }
        let known = Set(AccountSwitches.touches.keys).union(AccountSwitches.elsewhere.keys)
        #expect(known == Set(AccountSwitches.values.keys))
    }

    @Test func everyObjectKeyAndBehaviorIsPlayed() {
        let played = Set((UInt64(1)...AccountSeeds.count).map { AccountSeeds.of($0) })
        #expect(played == Set(AccountCase.all))
    }
}

enum AccountSeeds {
    static let isReplay = ProcessInfo.processInfo.environment["SLUICE_SEED"] != nil

    static var count: UInt64 {
        ProcessInfo.processInfo.environment["SLUICE_ACCOUNT_SEEDS"].flatMap { UInt64($0) }
            ?? UInt64(AccountCase.played.count)
    }

    static func of(_ seed: UInt64) -> AccountCase { AccountCase.played[Int(seed - 1) % AccountCase.played.count] }

    static var groups: [Range<UInt64>] {
        let environment = ProcessInfo.processInfo.environment
        if let text = environment["SLUICE_SEED"], let seed = UInt64(text) { return [seed..<seed + 1] }
        let size = max(1, (count + 9) / 10)
        return stride(from: UInt64(1), through: count, by: Int(size)).map { $0..<min($0 + size, count + 1) }
    }
}
