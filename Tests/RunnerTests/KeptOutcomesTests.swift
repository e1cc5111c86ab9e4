import Records
import Runner
import StateStore
import Testing

@Suite struct KeptOutcomesTests {
    private func frame(_ codes: [String], _ outcome: OutcomeKind = .rejected) -> SettleFrame {
        let others = codes.enumerated().map { index, code in
            SettledOther(
                entryIndex: index, outcome: outcome, reason: Reason(code: code, message: "No."), key: "k\(index)")
        }
        return SettleFrame(batch: 0, effects: Array(repeating: .keep, count: codes.count), others: others)
    }

    private func ledger(rejected: Int) -> OperationLedger {
        var ledger = OperationLedger()
        ledger.rejected = rejected
        return ledger
    }

    @Test func theFirstSoManyAreKeptAndOfALaterBatchOneOfEachReason() {
        let frame = frame(["a", "a", "b", "a", "b"])
        #expect(KeptOutcomes.of(frame, after: ledger(rejected: OutcomeSink.keptMax - 5)).count == 5)
        let atTheEdge = KeptOutcomes.of(frame, after: ledger(rejected: OutcomeSink.keptMax - 1))
        #expect(atTheEdge.map(\.entryIndex) == [0, 2])
        let beyond = KeptOutcomes.of(frame, after: ledger(rejected: OutcomeSink.keptMax + 1_000))
        #expect(beyond.map(\.entryIndex) == [0, 2])
    }

    @Test func whatIsInDoubtIsAlwaysKept() {
        let frame = frame(["a", "a", "a"], .inDoubt)
        #expect(KeptOutcomes.of(frame, after: ledger(rejected: .max / 2)).count == 3)
    }

    @Test func rowsThatLackSomethingAreFoundByTheirPlaceInThePlan() {
        var rows = LackingRows()
        for sequence in stride(from: 3, to: 300, by: 3) { rows.append(sequence, reason: sequence % 2) }
        for sequence in 0..<303 {
            let isThere = sequence.isMultiple(of: 3) && sequence >= 3 && sequence < 300
            #expect(rows.reason(of: sequence) == (isThere ? sequence % 2 : nil))
        }
        #expect(LackingRows().reason(of: 0) == nil)
    }
}
