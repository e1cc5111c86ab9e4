import ConnectorKit
import Records
import SyncCore
import TestKit
import Testing

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy()

    private func error(_ disposition: Disposition, code: String = "server_error", unsent: Bool = false)
        -> ConnectorError
    {
        ConnectorError(code: code, message: "", hint: "", disposition: disposition, isKnownUnsent: unsent)
    }

    @Test func whatIsKeyedIsRepeatedUntilTheSeventhTry() {
        let lost = error(.retry(after: nil))
        for attempt in 1..<7 {
            guard case .retry = policy.decide(attempt: attempt, error: lost, repeatable: .byKey, jitter: 0.5) else {
                Issue.record("try \(attempt) was the last")
                return
            }
        }
        #expect(policy.decide(attempt: 7, error: lost, repeatable: .byKey, jitter: 0.5) == .stop)
    }

    @Test func anEventThatMayHaveArrivedIsNeverRepeated() {
        #expect(
            policy.decide(attempt: 1, error: error(.retry(after: nil)), repeatable: .never, jitter: 0) == .goOnInDoubt)
        #expect(policy.decide(attempt: 1, error: error(.stop), repeatable: .never, jitter: 0) == .stopInDoubt)
    }

    @Test func anEventKnownNotToHaveBeenCarriedOutIsRepeated() {
        let refused = error(.retry(after: .seconds(3)), code: "rate_limited", unsent: true)
        #expect(policy.decide(attempt: 1, error: refused, repeatable: .never, jitter: 0) == .retry(after: .seconds(3)))
        #expect(policy.decide(attempt: 7, error: refused, repeatable: .never, jitter: 0) == .stop)
    }

    @Test func recordIsHeldUntilItIsDueAndNeverForLongerThanADay() {
        let due = HoldPolicy.dueAt(tries: 10, now: 1_000)
        #expect(!HoldPolicy.isDue(due, now: due - 1) && HoldPolicy.isDue(due, now: due))
        // The clock was a year ahead when it was held.
        #expect(HoldPolicy.isDue(1_000 + 365 * 86_400, now: 1_000))
        #expect(!HoldPolicy.isDue(1_000 + HoldPolicy.waitSecondsMax, now: 1_000))
    }

    @Test func configurationIsNotRetried() {
        #expect(policy.decide(attempt: 1, error: error(.fixConfiguration), repeatable: .byKey, jitter: 0) == .stop)
    }

    @Test func waitsGrowAndStayWithinTheirLimit() {
        func wait(_ attempt: Int, code: String, jitter: Double) -> Duration {
            let decision = policy.decide(
                attempt: attempt, error: error(.retry(after: nil), code: code, unsent: true), repeatable: .byKey,
                jitter: jitter)
            if case .retry(let wait) = decision { return wait }
            return .zero
        }
        #expect(wait(1, code: "server_error", jitter: 0) == .milliseconds(500))
        #expect(wait(3, code: "server_error", jitter: 0) == .seconds(2))
        #expect(wait(6, code: "rate_limited", jitter: 0.999) <= .seconds(60))
        #expect(wait(1, code: "rate_limited", jitter: 0) >= .seconds(7))
    }
}

@Suite struct DoubtStreakTests {
    @Test func threeDoubtfulAnswersInARowAreADestinationThatIsDown() {
        var streak = DoubtStreak()
        streak.doubted()
        streak.doubted()
        #expect(!streak.isDown)
        streak.answered()
        streak.doubted()
        streak.doubted()
        #expect(!streak.isDown)
        streak.doubted()
        #expect(streak.isDown)
    }

    @Test func batchesAreSmallUntilAnAnswerComes() {
        let batcher = Batcher(SimulatedDestination.object(batchItemsMax: 5_000))
        var streak = DoubtStreak()
        #expect(streak.itemsMax(batcher) == 5_000)
        streak.doubted()
        #expect(streak.itemsMax(batcher) == DoubtStreak.probeItemsMax)
        #expect(streak.itemsMax(Batcher(SimulatedDestination.object(batchItemsMax: 10))) == 10)
        streak.answered()
        #expect(streak.itemsMax(batcher) == 5_000)
    }

    @Test func waitsAfterDoubtGrowAndStayWithinTheirLimit() {
        let policy = RetryPolicy()
        #expect(policy.wait(doubts: 0, jitter: 0.5) == .zero)
        #expect(policy.wait(doubts: 1, jitter: 0) == .milliseconds(2_500))
        #expect(policy.wait(doubts: 2, jitter: 0) == .seconds(10))
        #expect(policy.wait(doubts: 60, jitter: 0.999) <= .seconds(60))
    }
}

@Suite struct BatcherTests {
    private func shrunk(_ batcher: inout Batcher, _ count: Int) -> Bool { batcher.shrink(from: count) }

    @Test func aBodyTooLargeHalvesTheBatchesUntilOneIsLeft() {
        var batcher = Batcher(Sample.object)
        #expect(batcher.itemsMax == 100)
        #expect(shrunk(&batcher, 100))
        #expect(batcher.itemsMax == 50)
        #expect(shrunk(&batcher, 3))
        #expect(batcher.itemsMax == 1)
        #expect(!shrunk(&batcher, 1))
    }

    @Test func slowAnswersHalveTheBatchesDownToAFloorAndQuickOnesLetThemGrowSlowly() {
        var batcher = Batcher(SimulatedDestination.object(batchItemsMax: 5_000))
        func answered(_ count: Int, seconds: Int) -> Int {
            batcher.answered(count, after: .seconds(seconds))
            return batcher.itemsMax
        }
        #expect(answered(5_000, seconds: 60) == 5_000)
        #expect(answered(5_000, seconds: 61) == 2_500)
        // A slow answer to few says more than their number.
        #expect(answered(600, seconds: 170) == 300)
        #expect(answered(300, seconds: 170) == 150)
        #expect(answered(150, seconds: 170) == 100)
        #expect(answered(3, seconds: 170) == 100)
        #expect(answered(100, seconds: 1) == 100 && answered(100, seconds: 1) == 100)
        #expect(answered(100, seconds: 30) == 100 && answered(100, seconds: 1) == 100)
        // What is not full proves nothing.
        #expect(answered(99, seconds: 1) == 100 && answered(100, seconds: 1) == 100)
        #expect(answered(100, seconds: 1) == 125)
        for _ in 0..<300 { _ = answered(batcher.itemsMax, seconds: 1) }
        #expect(batcher.itemsMax == 5_000)
    }

    @Test func whatWasTooLargeIsNotGrownToAgain() {
        var batcher = Batcher(SimulatedDestination.object(batchItemsMax: 5_000))
        #expect(shrunk(&batcher, 5_000))
        batcher.answered(2_500, after: .seconds(61))
        #expect(batcher.itemsMax == 1_250)
        for _ in 0..<300 { batcher.answered(batcher.itemsMax, after: .seconds(1)) }
        #expect(batcher.itemsMax == 2_500)
    }

    @Test(arguments: [1, 2, 3, 7, 100, 5_000])
    func halvingFindsOneBadRecordWithFewParts(count: Int) {
        for bad in Set([0, count / 2, count - 1]) {
            var parts = Bisection(count: count)
            var (found, sent, decided) = ([Int](), 0, 0)
            while let part = parts.next() {
                sent += 1
                if !part.contains(bad) {
                    decided += part.count
                } else if part.count == 1 {
                    found.append(part.lowerBound)
                    decided += 1
                } else {
                    parts.split(part)
                }
            }
            #expect(found == [bad])
            #expect(decided == count)
            #expect(sent <= 1 + 2 * 13)
        }
    }

    @Test func fiftyRefusalsInARowWithoutAnAcceptanceAreHopeless() {
        var streak = RefusalStreak()
        for _ in 0..<49 { streak.rejected(code: "a") }
        #expect(!streak.isHopeless)
        streak.rejected(code: "b")
        #expect(!streak.isHopeless)
        for _ in 0..<49 { streak.rejected(code: "b") }
        #expect(streak.isHopeless)
        streak.accepted()
        #expect(!streak.isHopeless)
    }

    @Test func refusalsAfterAnAcceptanceCountAnewAndAreNeverHopeless() {
        var streak = RefusalStreak()
        for _ in 0..<49 { streak.rejected(code: "a") }
        streak.accepted()
        for _ in 1..<RefusalStreak.laterLimit { streak.rejected(code: "a") }
        #expect(!streak.isLong)
        streak.rejected(code: "a")
        #expect(streak.isLong && !streak.isHopeless)
        streak.accepted()
        #expect(!streak.isLong)
        for _ in 1...RefusalStreak.laterLimit { streak.rejected(code: "a") }
        #expect(streak.isLong)
        streak.nextBatch()
        #expect(!streak.isLong)
    }

    @Test func anotherBatchDoesNotEndAStreakBeforeAnythingWasAccepted() {
        var streak = RefusalStreak()
        for _ in 0..<RefusalStreak.limit {
            streak.nextBatch()
            streak.rejected(code: "a")
        }
        #expect(streak.isHopeless && !streak.isLong)
    }

    @Test func whatWasRefusedBeforeLetsARunGoFurther() {
        var streak = RefusalStreak(refusedBefore: 100)
        for _ in 1..<150 { streak.rejected(code: "a", isAlone: false) }
        #expect(!streak.isHopeless)
        streak.rejected(code: "a", isAlone: false)
        #expect(streak.isHopeless && streak.count == 150)
        var forbidden = RefusalStreak(refusedBefore: 100)
        for _ in 1...RefusalStreak.forbiddenLimit { forbidden.rejected(code: RefusalStreak.forbidden) }
        #expect(forbidden.isHopeless)
    }

    @Test func recordsThatAreSentAloneAreEnoughSooner() {
        var streak = RefusalStreak(refusedBefore: 10_000)
        for _ in 1..<RefusalStreak.aloneMax { streak.rejected(code: "a") }
        streak.rejected(code: "a", isAlone: false)
        #expect(!streak.isHopeless)
        streak.rejected(code: "a")
        #expect(streak.isHopeless)
    }

    @Test func aPartIsSplitAtABorderWithinIt() {
        func parts(_ border: Int) -> [Range<Int>] {
            var parts = Bisection(count: 10)
            if let whole = parts.next() { parts.split(whole, at: border) }
            return [parts.next(), parts.next()].compactMap { $0 }
        }
        #expect(parts(1) == [0..<1, 1..<10] && parts(9) == [0..<9, 9..<10])
        #expect(parts(0) == [0..<5, 5..<10] && parts(10) == [0..<5, 5..<10] && parts(-3) == [0..<5, 5..<10])
    }

    @Test func halfOfTheSearchIsForRowsThatWereNotRefusedBefore() {
        var budget = SearchBudget()
        var taken = 0
        while budget.takeHalves(isAgain: true) { taken += 2 }
        #expect(taken == SearchBudget.requestsMin / 2)
        while budget.takeHalves() { taken += 2 }
        #expect(taken == SearchBudget.requestsMin)
        let more = budget.takeHalves(isAgain: true)
        #expect(!more)
    }

    @Test func searchHasSomeHundredRequestsAndMoreWhereMuchArrives() {
        var budget = SearchBudget()
        var taken = 0
        while budget.takeHalves() { taken += 2 }
        #expect(taken == SearchBudget.requestsMin)
        budget.accepted(SearchBudget.acceptedForOne * 2 - 1)
        let early = budget.takeHalves()
        budget.accepted(1)
        let earned = budget.takeHalves()
        let more = budget.takeHalves()
        #expect(!early && earned && !more)
    }
}

@Suite struct GuardTests {
    private func judge(_ change: (inout GuardFacts) -> Void, accepted: Set<String> = []) -> String? {
        var rows = RowLedger()
        rows.scanned = 100
        var facts = GuardFacts(rows: rows)
        facts.knownCount = 100
        facts.hasAccepted = true
        change(&facts)
        return Guards.verdicts(facts, limits: GuardLimits()).map(\.name.rawValue).first { !accepted.contains($0) }
    }

    @Test func anOrdinaryPlanPasses() { #expect(judge { _ in } == nil) }

    @Test func anEmptyScanStopsOnceAnythingWasAccepted() {
        #expect(judge { $0.rows.scanned = 0 } == "empty_scan")
        #expect(
            judge {
                $0.rows.scanned = 0
                $0.hasAccepted = false
            } == nil)
        #expect(judge({ $0.rows.scanned = 0 }, accepted: ["empty_scan"]) == nil)
    }

    @Test func anEmptyScanIsNoNewsToASyncThatKnowsNothingOrWasToldSo() {
        #expect(
            judge {
                $0.rows.scanned = 0
                $0.knownCount = 0
            } == nil)
        #expect(
            judge {
                $0.rows.scanned = 0
                $0.isEmptinessAccepted = true
            } == nil)
        // Of removals the other guards speak as ever.
        #expect(
            judge {
                $0.rows.scanned = 0
                $0.isEmptinessAccepted = true
                $0.removals = 100
            } == "removed")
    }

    @Test func moreThanHalfInvalidStops() {
        #expect(judge { $0.rows.invalid = 50 } == nil)
        #expect(judge { $0.rows.invalid = 51 } == "invalid")
    }

    @Test func aMassChangeStopsOnlyAfterAColumnChanged() {
        #expect(judge { $0.changed = 51 } == nil)
        #expect(
            judge {
                $0.changed = 51
                $0.columnsChanged = true
            } == "schema_change")
        #expect(
            judge {
                $0.changed = 50
                $0.columnsChanged = true
            } == nil)
    }

    @Test func rowsThatLookNewStopWhereTheirKeysMayReadOtherwise() {
        func judged(_ unmet: Int, added: Int = 60, _ why: String? = "The dataset was changed") -> String? {
            judge { ($0.unmet, $0.added, $0.keysMayDiffer) = (unmet, added, why) }
        }
        #expect(judged(51) == "schema_change")
        #expect(judged(50) == nil && judged(51, added: 0) == nil && judged(51, nil) == nil)
    }

    @Test func aFieldThatLosesAllItsValuesInMoreThanATenthStops() {
        func emptied(_ changed: Int, of known: Int = 100, _ fields: [String] = ["custom.Plan"]) -> String? {
            judge {
                $0.changed = changed
                $0.knownCount = known
                $0.emptied = fields
            }
        }
        #expect(emptied(11) == "cleared" && emptied(10) == nil && emptied(100, []) == nil)
        #expect(emptied(5, of: 5) == nil && emptied(6, of: 6) == "cleared")
    }

    @Test func aLongListOfEmptiedFieldsIsCut() {
        var facts = GuardFacts(rows: RowLedger())
        (facts.changed, facts.knownCount, facts.emptied) = (50, 50, (1...9).map { "f\($0)" })
        let words = Guards.verdicts(facts, limits: GuardLimits()).first?.message ?? ""
        #expect(words.contains("f1, f2, f3, f4, f5 and 4 more any more") && !words.contains("f6"), "\(words)")
    }

    @Test func afterADatasetWasChangedAlsoFewRemovalsStop() {
        func removals(_ count: Int, of known: Int) -> String? {
            judge {
                $0.removals = count
                $0.knownCount = known
                $0.isDatasetChanged = true
            }
        }
        #expect(removals(1, of: 9) == "removed" && removals(1, of: 10) == nil && removals(0, of: 10) == nil)
    }

    /// A maximum may be reached, by each share that has one.
    @Test func exactlyTheShareThatMayBeGoesThrough() {
        func stops(_ part: Int, of whole: Int, at percentMax: Double) -> Set<String> {
            var rows = RowLedger()
            (rows.scanned, rows.invalid) = (whole, part)
            var facts = GuardFacts(rows: rows)
            (facts.removals, facts.changed, facts.knownCount) = (part, part, whole)
            (facts.columnsChanged, facts.emptied) = (true, ["custom.Plan"])
            var limits = GuardLimits()
            (limits.removedPercentMax, limits.invalidPercentMax) = (percentMax, percentMax)
            (limits.schemaChangePercentMax, limits.clearedPercentMax) = (percentMax, percentMax)
            let found = Guards.verdicts(facts, limits: limits)
            #expect(found.allSatisfy { $0.message.contains("at most") })
            return Set(found.map(\.name.rawValue))
        }
        let all: Set = ["removed", "invalid", "schema_change", "cleared"]
        for (part, whole, percentMax) in [(6, 60, 10.0), (60, 60, 100), (25, 200, 12.5), (7, 100, 7)] {
            #expect(stops(part, of: whole, at: percentMax).isEmpty, "\(part) of \(whole)")
            #expect(stops(part, of: whole, at: percentMax - 0.1) == all, "\(part) of \(whole)")
        }
        #expect(stops(6, of: 60, at: 0) == all)
    }

    @Test func moreThanTenPercentAndMoreThanFiveRemovalsStop() {
        #expect(judge { $0.removals = 10 } == nil)
        #expect(judge { $0.removals = 11 } == "removed")
        #expect(
            judge {
                $0.removals = 5
                $0.knownCount = 10
            } == nil)
        #expect(
            judge {
                $0.removals = 1
                $0.isFirstRemoval = true
            } == "first_removals")
    }
}

@Suite struct HoldPolicyTests {
    @Test func aRecordIsHeldFromTheTenthRefusalForAtMostADay() {
        #expect(HoldPolicy.dueAt(tries: 9, now: 1_000) == 1_000)
        #expect(HoldPolicy.dueAt(tries: 10, now: 1_000) == 1_000 + 855)
        #expect(HoldPolicy.dueAt(tries: 11, now: 1_000) == 1_000 + 1_710)
        #expect(HoldPolicy.dueAt(tries: 1_000, now: 0) == 86_400 * 95 / 100)
    }
}

@Suite struct RequestPacingTests {
    @Test func aBurstLeavesAtOnceAndThenTheRateHolds() {
        let pacing = RequestPacing(requestsPerMinute: 62, burst: 3)
        var state: Int64 = 0
        let waits = (0..<6).map { _ in pacing.take(&state, now: 0) }
        #expect(waits == [0, 0, 0, 1_000_000, 2_000_000, 3_000_000])
    }

    @Test func afterAPauseTheBurstIsThereAgain() {
        let pacing = RequestPacing(requestsPerMinute: 61, burst: 2)
        var state: Int64 = 0
        for _ in 0..<5 { _ = pacing.take(&state, now: 0) }
        let waits = (0..<3).map { _ in pacing.take(&state, now: 60_000_000) }
        #expect(waits == [0, 0, 1_000_000])
    }

    @Test func aSmallRunAtTheUsualQuotaWaitsForNothing() {
        let pacing = RequestPacing(requestsPerMinute: 200)
        var state: Int64 = 0
        #expect((0..<20).allSatisfy { _ in pacing.take(&state, now: 1_000_000) == 0 })
    }

    /// Whoever sends at moments of their own, after pauses, in bursts or without end: requests that leave are counted in the
    /// sixty seconds from each of them on.
    @Test(arguments: [1, 2, 7, 8, 60, 200, 1_000, 5_999, 6_000, 9_000])
    func noSixtySecondsSeeMoreRequestsThanTheQuota(_ quota: Int) {
        let pacing = RequestPacing(requestsPerMinute: quota)
        for seed in 1...5 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            var (state, now) = (Int64(0), Int64(1_795_000_000_000_000))
            var left: [Int64] = []
            for _ in 0..<(3 * quota + 50) {
                if random.chance(percent: 2) {
                    now += Int64(random.number(0...90_000_000))
                } else if random.chance(percent: 20) {
                    now += Int64(random.number(0...Int(2 * pacing.intervalMicros)))
                }
                now += pacing.take(&state, now: now)
                left.append(now)
            }
            for index in left.indices.dropFirst(quota) {
                #expect(left[index] - left[index - quota] >= 60_000_000, "seed \(seed)")
            }
        }
    }

    @Test func noSecondSeesMoreThanAHundredAndFiftyRequestsAtAnyQuotaUpToNineThousand() {
        for quota in [1_200, 3_000, 5_999, 6_000, 9_000] {
            let pacing = RequestPacing(requestsPerMinute: quota)
            var (state, left) = (Int64(0), 0)
            while pacing.take(&state, now: 0) < 1_000_000 { left += 1 }
            #expect(left <= 150, "\(quota) a minute")
        }
    }

    @Test func anAskedPauseHoldsEverybody() {
        let pacing = RequestPacing(requestsPerMinute: 6_000, burst: 50)
        var state: Int64 = 0
        pacing.pause(&state, now: 0, pauseMicros: 5_000_000)
        let wait = pacing.take(&state, now: 0)
        #expect(wait == 5_000_000)
    }

    @Test func aClockSetBackNeverWaitsForLong() {
        let pacing = RequestPacing(requestsPerMinute: 200)
        var state: Int64 = 1_000_000_000_000_000
        let wait = pacing.take(&state, now: 0)
        #expect(wait <= pacing.pauseMicrosMax + 60_000_000)
    }
}

@Suite struct BehaviorTests {
    @Test func onlyTheBehaviorsThatSaySoAskForKeysOrRemove() {
        #expect(Behavior.allCases.filter { $0.rules.asksForKeys } == [.updateOnly, .createOnly])
        #expect(Behavior.allCases.filter { $0.rules.removesVanished } == [.mirror])
        #expect(Behavior.updateOrCreate.rules.added == .upsert)
        #expect(Behavior.updateOnly.rules.changed == .upsertIfKeyExists)
    }
}
