import ConnectorKit
import TestKit
import Testing

/// `SLUICE_SEED=n` replays one seed, with each behavior.
struct DamageTests {
    private static let seeds: Range<UInt64> = Seeds.isReplay ? Seeds.groups[0] : 1..<121

    @Test(arguments: Behavior.allCases)
    func damagedByteIsFoundOutOrMendedAndNothingIsSentTwice(behavior: Behavior) async throws {
        let tally = Tally()
        for seed in Self.seeds {
            let history = try DamageHistory(seed: seed, behavior: behavior)
            let problems: [String]
            do { problems = try await history.play() } catch { problems = ["it threw \(error)"] }
            tally.add(history.world.tally)
            if Seeds.isReplay { for line in history.trace + problems { print(line) } }
            guard let first = problems.first else { continue }
            let command = "SLUICE_SEED=\(seed) swift test -c release --filter DamageTests"
            Issue.record(
                "\(behavior) seed \(seed): \(first) (and \(problems.count - 1) more); replay with \(command)")
        }
        guard !Seeds.isReplay else { return }
        let missing = tally.missing(["refusedForDamage", "wentOnAfterDamage"])
        #expect(missing.isEmpty, "\(behavior) proves less than it says")
    }
}
