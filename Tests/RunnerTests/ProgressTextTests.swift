import Records
import Runner
import StateStore
import Testing

/// What a run says of itself while it goes on.
struct ProgressTextTests {
    private func at(_ milliseconds: Int64) -> Moment { Moment(milliseconds: 1_000_000 + milliseconds) }

    private func begun(isResumed: Bool = false) -> ProgressText {
        var text = ProgressText()
        _ = text.note(.started(run: 12, sync: "companies", isResumed: isResumed), at: at(0))
        return text
    }

    @Test func readingTellsRowsAndRateButNoTimeLeft() {
        var text = begun()
        _ = text.note(.stage(.scan), at: at(0))
        _ = text.note(.scanning(rows: 120_000), at: at(2_000))
        #expect(text.now(at(2_000)) == "reading  120,000 rows  60,000/s")
        #expect(text.share == nil)
    }

    @Test func sendingTellsTheTotalTheRateAndTheTimeLeft() {
        var text = begun()
        _ = text.note(.stage(.deliver), at: at(10_000))
        _ = text.note(.delivering(done: 5_000, of: 20_000), at: at(15_000))
        #expect(text.now(at(15_000)) == "sending  25 %  5,000 of 20,000  1,000/s  about 15 s left")
        #expect(text.share?.done == 5_000 && text.share?.of == 20_000)
        _ = text.note(.delivering(done: 20_000, of: 20_000), at: at(30_000))
        #expect(text.now(at(30_000)) == "sending  100 %  20,000 of 20,000  1,000/s")
    }

    @Test func whatAResumedRunHadSentBeforeIsNoSpeed() {
        var text = begun(isResumed: true)
        _ = text.note(.stage(.deliver), at: at(0))
        _ = text.note(.delivering(done: 15_000, of: 20_000), at: at(1_000))
        #expect(text.now(at(1_000)) == "sending  75 %  15,000 of 20,000")
        _ = text.note(.delivering(done: 17_000, of: 20_000), at: at(2_000))
        #expect(text.now(at(2_000)).hasSuffix("2,000/s  about 2 s left"))
    }

    @Test func aWaitIsToldUntilTheRunGoesOn() {
        var text = begun()
        _ = text.note(.stage(.deliver), at: at(0))
        _ = text.note(
            .waiting(reason: "Planhat asked to slow down (429).", duration: .milliseconds(12_000)), at: at(100))
        #expect(text.now(at(100)) == "waits 12 s: Planhat asked to slow down (429)")
        #expect(text.now(at(7_100)) == "waits 5 s: Planhat asked to slow down (429)")
        #expect(text.now(at(12_100)) == "sending" && text.now(at(17_100)) == "sending  no answer for 5 s")
        _ = text.note(.delivering(done: 1, of: 2), at: at(12_100))
        #expect(text.now(at(12_100)).hasPrefix("sending  50 %"))
    }

    @Test func whatARunWaitsForWithoutAWordOfItIsTold() {
        var text = begun()
        #expect(text.now(at(2_000)) == "preparing" && text.now(at(5_000)) == "preparing  5 s")
        _ = text.note(.stage(.scan), at: at(10_000))
        #expect(text.now(at(11_000)) == "reading")
        #expect(text.now(at(52_000)) == "reading  waits for the first rows, 42 s")
        _ = text.note(.scanning(rows: 10), at: at(60_000))
        #expect(text.now(at(60_000)) == "reading  10 rows  0/s")
        #expect(text.now(at(64_000)) == "reading  10 rows  0/s  none for 4 s")
        _ = text.note(.planned(operations: 7), at: at(70_000))
        _ = text.note(.stage(.deliver), at: at(70_000))
        #expect(text.now(at(70_000)) == "sending  0 %  0 of 7" && text.share?.of == 7)
        #expect(text.now(at(76_000)) == "sending  0 %  0 of 7  no answer for 6 s")
    }

    @Test func eachStageThatMovedRowsSaysWhatItCameTo() {
        var text = begun()
        #expect(text.note(.stage(.prepare), at: at(0)) == nil)
        #expect(text.note(.stage(.scan), at: at(100)) == nil)
        _ = text.note(.scanning(rows: 3_000), at: at(900))
        #expect(text.note(.stage(.plan), at: at(1_100)) == "read 3,000 rows in 1.0 s  3,000/s")
        _ = text.note(.planned(operations: 7), at: at(1_200))
        #expect(text.now(at(1_200)) == "planned  7 operations")
        #expect(text.note(.stage(.deliver), at: at(1_200)) == nil)
        _ = text.note(.delivering(done: 7, of: 7), at: at(1_250))
        #expect(text.note(.stage(.close), at: at(1_300)) == "sent 7 of 7 in 0.1 s")
        #expect(text.now(at(1_300)) == "closing the books")
    }

    @Test(arguments: [(0, 0), (300, 1), (1_000, 1), (1_001, 2), (12_000, 12), (-5, 0)])
    func secondsForProgramsAreWholeOnes(_ milliseconds: Int, _ seconds: Int64) {
        #expect(Wording.wholeSeconds(.milliseconds(milliseconds)) == seconds)
    }

    @Test func whatAStageCameToIsToldToProgramsInNumbers() {
        var text = begun()
        _ = text.note(.stage(.scan), at: at(0))
        _ = text.note(.scanning(rows: 12_408), at: at(1_200))
        #expect(text.stageEnd == nil)
        _ = text.note(.stage(.plan), at: at(1_250))
        #expect(text.stageEnd == ProgressText.StageEnd(stage: .scan, done: 12_408, milliseconds: 1_250))
        _ = text.note(.planned(operations: 7), at: at(1_260))
        #expect(text.stageEnd == nil)
    }

    @Test func anotherRunStartsFromNothing() {
        var text = begun()
        _ = text.note(.stage(.scan), at: at(0))
        _ = text.note(.scanning(rows: 5), at: at(10))
        _ = text.note(.started(run: 13, sync: "people", isResumed: false), at: at(1_000))
        #expect(text.sync == "people" && text.run == 13 && text.now(at(1_000)) == "preparing")
    }

    @Test(arguments: [
        (0, "0.0 s"), (949, "0.9 s"), (950, "1.0 s"), (119_900, "119.9 s"), (200_000, "3 min 20 s"),
        (7_500_000, "2 h 5 min"), (-5, "0.0 s"),
    ])
    func durationsAreSaidInTheUnitOfTheirSize(_ milliseconds: Int, _ text: String) {
        #expect(EffortText.seconds(Int64(milliseconds)) == text)
    }
}

/// The last line of a command.
struct RunSentenceTests {
    private func run(_ sync: String, _ state: RunState, missing: Int = 0, accepted: Int = 0) -> RunRecord {
        var run = RunRecord(
            id: 1, sync: sync, state: state, full: false, limited: false, trigger: "cli",
            startedAt: Moment(milliseconds: 0))
        run.rows.scanned = 100
        run.operations.accepted = accepted
        run.operations.rejected = missing
        return run
    }

    @Test func whatDidNotArriveComesFirst() {
        #expect(
            RunSentence.closing([run("a", .completedWithRejections, missing: 2, accepted: 98)])
                == "2 of 100 rows did not arrive. 98 changes did.")
        #expect(
            RunSentence.closing([run("a", .failed, missing: 40, accepted: 60)])
                == "40 of 100 rows did not arrive: the run failed. 60 changes did.")
        #expect(RunSentence.closing([run("a", .succeeded, accepted: 1)]) == "All 1 change arrived, of 100 rows read.")
        #expect(RunSentence.closing([run("a", .failed)]) == "The run failed. Nothing was accepted.")
        #expect(RunSentence.closing([]) == nil)
    }

    @Test func severalSyncsAreSummedUp() {
        let good = run("a", .succeeded, accepted: 10)
        #expect(
            RunSentence.closing([good, run("b", .succeeded, accepted: 2)]) == "All 12 changes arrived, of 2 syncs.")
        #expect(
            RunSentence.closing([good, run("b", .completedWithRejections, missing: 3, accepted: 5), run("c", .failed)])
                == "3 rows did not arrive: b 3, c failed. 15 changes arrived; 1 of 3 syncs complete.")
        #expect(
            RunSentence.closing([good], failed: ["d"])
                == "Not every sync is complete: d failed. 10 changes arrived; 1 of 2 syncs complete.")
    }

    @Test func aRunThatSentNothingSaysWhatBecameOfItsRows() {
        var aside = run("a", .succeeded)
        #expect(RunSentence.closing([aside]) == "Nothing had to be sent: 100 rows read, none of them changed.")
        (aside.rows.skipped, aside.rows.deferred, aside.rows.unchanged) = (2, 1, 97)
        #expect(
            RunSentence.closing([aside])
                == "Nothing had to be sent: 100 rows read, 2 skipped and 1 deferred, none of the others changed.")
        #expect(
            RunSentence.closing([aside, run("b", .succeeded)])
                == "Nothing had to be sent: 2 syncs, 3 rows skipped or deferred.")
        (aside.rows.skipped, aside.rows.deferred, aside.rows.unchanged) = (100, 0, 0)
        #expect(RunSentence.closing([aside]) == "Nothing had to be sent: 100 rows read, 100 skipped.")
    }

    @Test func syncsThatWereNotRunAreNamed() {
        #expect(
            RunSentence.closing([run("a", .failed)], leftOut: ["b", "c"])
                == "The run failed. Nothing was accepted. Left out: b, c.")
        #expect(RunSentence.closing([], leftOut: ["b"]) == "Left out: b.")
    }

    @Test func noRowIsMissedWhereASyncFailedBeforeItReadAny() {
        let good = run("a", .succeeded, accepted: 10)
        #expect(
            RunSentence.closing([good, run("companies", .failed)])
                == "Not every sync is complete: companies failed. 10 changes arrived; 1 of 2 syncs complete.")
        #expect(
            RunSentence.closing([run("a", .completedWithRejections, missing: 1)], failed: ["d"])
                == "1 row did not arrive: a 1, d failed. 0 changes arrived; 0 of 2 syncs complete.")
    }
}
