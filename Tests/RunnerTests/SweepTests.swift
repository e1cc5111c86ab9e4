import Foundation
import Records
import Runner
import StateStore
import TestKit
import Testing

struct SweepTests {
    @Test func plansOlderThanTwoWeeksAreRemovedAfterTheRuns() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment()
        let runs = RunSyncs(environment: environment)
        let old = try #require(await runs.run([things()], options: RunOptions()).first?.records.first)
        let plan = environment.state.planPath(run: old.id)
        #expect(FileManager.default.fileExists(atPath: plan))

        fixture.time.advance(by: .seconds(13 * 86_400))
        _ = await runs.run([things()], options: RunOptions())
        #expect(FileManager.default.fileExists(atPath: plan))

        fixture.time.advance(by: .seconds(2 * 86_400))
        let new = try #require(await runs.run([things()], options: RunOptions()).first?.records.first)
        #expect(!FileManager.default.fileExists(atPath: plan))
        #expect(FileManager.default.fileExists(atPath: environment.state.planPath(run: new.id)))
        #expect(try environment.database.run(old.id) == old)
    }

    @Test func sweepThatCannotRemoveIsToldAndFailsNoRun() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment()
        let runs = RunSyncs(environment: environment)
        let old = try #require(await runs.run([things()], options: RunOptions()).first?.records.first)
        // A folder with something in it, where the plan was, cannot be removed as a file.
        let plan = environment.state.planPath(run: old.id)
        try FileManager.default.removeItem(atPath: plan)
        try FileManager.default.createDirectory(atPath: plan + "/x", withIntermediateDirectories: true)
        fixture.time.advance(by: .seconds(15 * 86_400))

        let results = await runs.run([things()], options: RunOptions())
        #expect(results.first?.records.first?.state == .succeeded)
        let isTold = fixture.progress.contains { if case .notSwept = $0 { true } else { false } }
        #expect(isTold)
    }
}
