import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// A plan that was saved is sent as it is, or not at all.
struct ReviewedPlanTests {
    private func save(
        _ fixture: RunFixture, _ definition: SyncDefinition = things(), full: Bool = false,
        in given: RunEnvironment? = nil, to name: String = "a.plan"
    ) async throws -> String {
        let path = fixture.folder + "/" + name
        var options = RunOptions()
        options.isFull = full
        let report = try await PlanSync(
            definition, options: options, environment: given ?? fixture.environment()
        ).plan(examplesMax: 0, out: path)
        #expect(report.savedIn == path)
        return path
    }

    private func options(_ path: String, accepting guards: Set<String> = []) throws -> RunOptions {
        var options = RunOptions()
        let plan = try ReviewedPlan(path: path)
        options.reviewed = plan
        options.isFull = plan.isFull
        options.acceptedGuards = guards
        return options
    }

    /// The code with which the plan is refused; the account is left as it was.
    private func refusal(
        _ fixture: RunFixture, _ path: String, _ definition: SyncDefinition = things(), in given: RunEnvironment? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> String? {
        let requests = fixture.account.requests.count
        defer { #expect(fixture.account.requests.count == requests, sourceLocation: location) }
        do {
            return try await fixture.run(try options(path), definition, in: given).error?.code
        } catch let error as RunError {
            #expect(error.message.contains("Nothing was sent.") && !error.hint.isEmpty, sourceLocation: location)
            return error.code
        }
    }

    @Test func aFileThatIsNoPlanIsNotReplaced() async throws {
        let fixture = try RunFixture(rows(5))
        let path = fixture.folder + "/project.yaml"
        try Data("version: 1".utf8).write(to: URL(filePath: path))
        let error = await #expect(throws: RunError.self) {
            try await save(fixture, to: "project.yaml")
        }
        #expect(error?.code == "plan_file_unwritable" && error?.message.contains("is no plan") == true)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "version: 1")
        let folder = #expect(throws: RunError.self) { try ReviewedPlan(path: fixture.folder) }
        #expect(folder?.code == "plan_file_damaged")
        try Data().write(to: URL(filePath: path))
        let first = try await save(fixture, to: "project.yaml")
        #expect(try await save(fixture, to: "project.yaml") == first)
    }

    @Test func planIsSavedThroughALinkAndInNothingButAFile() async throws {
        let fixture = try RunFixture(rows(5))
        let (pipe, link) = (fixture.folder + "/pipe", fixture.folder + "/link")
        try #require(mkfifo(pipe, 0o600) == 0 && symlink("pipe", link) == 0)
        for name in ["pipe", "link", "state"] {
            let error = await #expect(throws: RunError.self) { try await save(fixture, to: name) }
            #expect(error?.code == "plan_file_unwritable" && error?.message.contains("no file") == true)
            #expect(error?.hint.contains("Name a file") == true)
        }
        try #require(unlink(pipe) == 0)
        await #expect(throws: RunError.self) { try await save(fixture, to: "link") }
        #expect(!FileManager.default.fileExists(atPath: pipe))
        try Data().write(to: URL(filePath: pipe))
        _ = try await save(fixture, to: "link")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "pipe")
        #expect(try await fixture.run(try options(pipe)).operations.created == 5)
    }

    @Test func whatWasLookedAtIsWhatIsSent() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        fixture.source.rows = rows(2) + rows(6, "Bea").dropFirst(2)
        let path = try await save(fixture)
        let record = try await fixture.run(try options(path))
        #expect(record.state == .succeeded && record.operations.created == 1 && record.operations.updated == 3)
        #expect(record.rows.unchanged == 2 && fixture.account.records["k3"] == payload("k3", "Bea"))
        #expect(try await fixture.run().rows.unchanged == 6)
    }

    @Test func orderOfTheRowsIsOfNoMatter() async throws {
        let fixture = try RunFixture(rows(50))
        let path = try await save(fixture)
        fixture.source.rows = rows(50).reversed()
        #expect(try await fixture.run(try options(path)).operations.created == 50)
    }

    @Test func fullPlanIsSentInFull() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let path = try await save(fixture, full: true)
        let record = try await fixture.run(try options(path))
        #expect(record.full && record.fullReason == "requested" && record.operations.alreadyEqual == 5)
    }

    @Test func rowsThatAreNotSentHaveTheirReasonsInTheHistory() async throws {
        let fixture = try RunFixture(rows(5) + [row(nil), row("k1", "Twin")])
        let path = try await save(fixture)
        let record = try await fixture.run(try options(path))
        #expect(record.state == .completedWithRejections && record.rows.invalid == 3)
        #expect(try fixture.outcomes(record, .invalid).count == 3)
    }

    @Test(arguments: ["value", "more", "fewer", "invalid"])
    func changedSourceIsRefusedAndTheRunSaysSo(change: String) async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        fixture.source.rows = rows(5, "Bea")
        let path = try await save(fixture)
        switch change {
        case "value": fixture.source.rows[3] = row("k4", "Cem")
        case "more": fixture.source.rows.append(row("k6"))
        case "fewer": fixture.source.rows.removeLast()
        default: fixture.source.rows.append(row(nil))
        }
        #expect(try await refusal(fixture, path) == "plan_source_changed")
        let last = try #require(try RunHistory(fixture.environment().database).runs(limit: 1).first)
        #expect(last.state == .failed && last.error?.message.contains("Nothing was sent.") == true)
        #expect(fixture.account.records["k1"] == payload("k1"))
        // Nothing was sent, so the same plan is right again once the source is as it was.
        fixture.source.rows = rows(5, "Bea")
        #expect(try await fixture.run(try options(path)).operations.updated == 5)
    }

    @Test func usedPlanIsNotSentTwice() async throws {
        let fixture = try RunFixture(rows(5))
        let path = try await save(fixture)
        try await fixture.run(try options(path))
        #expect(try await refusal(fixture, path) == "plan_used")
        #expect(try RunHistory(fixture.environment().database).runs(limit: 9).count == 1)
    }

    @Test func planOfNothingIsUsedToo() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let path = try await save(fixture)
        #expect(try await fixture.run(try options(path)).rows.unchanged == 5)
        #expect(try await refusal(fixture, path) == "plan_used")
        #expect(try await words(fixture, path).contains("was used already, by run 2, which had nothing to send"))
    }

    @Test func planOfWhichNothingArrivedIsNotCalledSent() async throws {
        let fixture = try RunFixture(rows(5))
        let path = try await save(fixture)
        fixture.account.fault { _, _ in .unauthorized }
        #expect(try await fixture.run(try options(path)).state == .failed)
        fixture.account.fault { _, _ in .none }
        #expect(try await words(fixture, path).contains("was used already, by run 1: nothing of 5 operations arrived."))
    }

    @Test func planOfWhichSomeArrivedSaysHowMany() async throws {
        let fixture = try RunFixture(rows(5))
        let path = try await save(fixture)
        fixture.account.refuse { key, _ in
            key == "k2" ? Reason(code: "refused", message: "No.", hint: "Change it.") : nil
        }
        #expect(try await fixture.run(try options(path)).operations.accepted == 4)
        #expect(try await words(fixture, path).contains("was used already, by run 1: 4 of 5 operations arrived."))
    }

    private func words(_ fixture: RunFixture, _ path: String) async throws -> String {
        do {
            try await fixture.run(try options(path))
            return ""
        } catch let error as RunError where error.code == "plan_used" {
            return error.message
        }
    }

    @Test func stateThatMovedOnIsRefused() async throws {
        let fixture = try RunFixture(rows(5))
        let path = try await save(fixture)
        fixture.time.advance(by: .seconds(1))
        try await fixture.run()
        #expect(try await refusal(fixture, path) == "plan_state_changed")
        let later = try await save(fixture)
        try ResetState(things(), environment: fixture.environment()).reset()
        #expect(try await refusal(fixture, later) == "plan_state_changed")
    }

    @Test func interruptedRunIsFinishedFirstAndMovesTheStateOn() async throws {
        let fixture = try RunFixture(rows(6))
        let small = SimulatedDestination.object(batchItemsMax: 2)
        let crash = CrashPoint(at: 1, only: .journalOpen)
        let dying = try fixture.environment(object: small, steps: crash.hook)
        _ = try? await RunSync(things(), options: RunOptions(), environment: dying).run()
        #expect(crash.isDead)
        let path = try await save(fixture)
        do {
            try await fixture.run(try options(path))
            Issue.record("The plan was sent.")
        } catch let error as RunError {
            #expect(error.code == "plan_state_changed")
        }
        #expect(fixture.account.created.count == 6 && fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func changedDefinitionIsRefused() async throws {
        let fixture = try RunFixture(rows(5))
        let path = try await save(fixture)
        let other = things(mappings: [("name", "name")])
        #expect(try await refusal(fixture, path, other) == "plan_definition_changed")
    }

    @Test func otherSyncAccountAndStateDirectoryAreRefused() async throws {
        let fixture = try RunFixture(rows(5))
        let path = try await save(fixture)
        var other = things()
        other.name = "others"
        #expect(try await refusal(fixture, path, other) == "plan_of_other_sync")
        let account = try fixture.environment(identity: "account 2")
        #expect(try await refusal(fixture, path, in: account) == "plan_of_other_account")
        let elsewhere = try RunFixture(rows(5))
        #expect(try await refusal(elsewhere, path) == "plan_of_other_state")
    }

    @Test func damagedFileIsRefusedWhereverItIsDamaged() async throws {
        let fixture = try RunFixture(rows(300))
        let path = try await save(fixture)
        let whole = try Data(contentsOf: URL(filePath: path))
        for cut in stride(from: 0, to: whole.count, by: 512) {
            try whole.prefix(cut).write(to: URL(filePath: path))
            #expect(throws: RunError.self, "cut at \(cut)") { try ReviewedPlan(path: path) }
        }
        for place in stride(from: 0, to: whole.count, by: 101) {
            var bytes = whole
            bytes[place] ^= 0x10
            try bytes.write(to: URL(filePath: path))
            do {
                _ = try ReviewedPlan(path: path)
                Issue.record("a plan with another byte at \(place) was taken")
            } catch let error as RunError {
                #expect(error.code == "plan_file_damaged")
                #expect(!error.message.contains("checksum"), "\(error.message)")
            } catch let error as StateError {
                #expect(error.code == "state_newer")
            }
        }
        #expect(throws: RunError.self) { try ReviewedPlan(path: fixture.folder + "/none.plan") }
    }

    @Test func planOfARunIsNoSavedPlan() async throws {
        let fixture = try RunFixture(rows(5))
        let record = try await fixture.run()
        let path = try fixture.environment().state.planPath(run: record.id)
        #expect(throws: RunError.self) { try ReviewedPlan(path: path) }
    }

    @Test func guardStopsASavedPlanUntilItIsAccepted() async throws {
        let fixture = try RunFixture([row("k1"), row(nil), row(nil)])
        let path = try await save(fixture)
        #expect(try await fixture.run(try options(path)).state == .stoppedByGuard)
        #expect(fixture.account.requests.isEmpty)
        let record = try await fixture.run(try options(path, accepting: ["invalid"]))
        #expect(record.operations.created == 1 && fixture.account.records == ["k1": payload("k1")])
    }

    @Test func removalsOfAMirrorAreSentAsTheyWereLookedAt() async throws {
        let fixture = try RunFixture(rows(40))
        let mirror = things(behavior: .mirror)
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(40).dropFirst(2))
        let path = try await save(fixture, mirror)
        fixture.source.rows = Array(rows(40).dropFirst(3))
        #expect(try await refusal(fixture, path, mirror) == "plan_source_changed")
        fixture.source.rows = Array(rows(40).dropFirst(2))
        #expect(try await fixture.run(try options(path), mirror).operations.removed == 2)
        #expect(fixture.account.records.count == 38)
    }

    @Test func recordThatWasHeldIsHeldAlthoughItsTimeHasCome() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        for _ in 1...11 {
            try await fixture.run()
            fixture.time.advance(by: .seconds(1))
        }
        fixture.source.rows.append(row("k9"))
        let path = try await save(fixture)
        fixture.time.advance(by: .seconds(3 * 86_400))
        let record = try await fixture.run(try options(path))
        #expect(record.rows.held == 1 && record.operations.created == 1)
    }

    @Test func fileIsForItsOwnerAndReplacesTheOneBefore() async throws {
        let fixture = try RunFixture(rows(3))
        let path = try await save(fixture)
        fixture.source.rows = rows(4)
        #expect(try await save(fixture) == path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try Files.names(fixture.folder).filter { $0.contains("plan") } == ["a.plan"])
        #expect(try await fixture.run(try options(path)).operations.created == 4)
    }

    @Test func planThatCannotBeSavedIsAnError() async throws {
        let fixture = try RunFixture(rows(3))
        do {
            _ = try await save(fixture, to: "nowhere/a.plan")
            Issue.record("It was saved.")
        } catch let error as RunError {
            #expect(error.code == "plan_file_unwritable" && !error.hint.isEmpty)
        }
    }

    /// A kill between the seal and the end: the run goes on, and the file is used.
    @Test(arguments: [StepName.journalCreated, .journalOpen, .journalSettled, .snapshotRenamed])
    func killedRunOfASavedPlanGoesOnAndThePlanIsUsed(step: StepName) async throws {
        let fixture = try RunFixture(rows(6))
        let path = try await save(fixture)
        let crash = CrashPoint(only: step)
        let dying = try fixture.environment(steps: crash.hook)
        _ = try? await RunSync(things(), options: try options(path), environment: dying).run()
        #expect(crash.isDead)
        do {
            try await fixture.run(try options(path))
            Issue.record("The plan was sent again.")
        } catch let error as RunError {
            #expect(error.code == "plan_used")
        }
        #expect(fixture.account.created.count == 6 && fixture.account.created.values.allSatisfy { $0 == 1 })
    }
}
