import Foundation
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// A restore that is asked of the server which holds the state.
struct RestoreHandoverTests {
    /// A state whose second run came after its backup, with a server's locks on it.
    private final class Served {
        let fixture: RunFixture
        let state: StateDirectory
        let backup: String
        let lock: SyncLock
        /// What the server has open.
        var open: ControlDatabase?

        init() async throws {
            fixture = try RunFixture(rows(4))
            _ = try await fixture.run()
            backup = fixture.folder + "/backup"
            let environment = try fixture.environment()
            _ = try BackUp(state: environment.state, database: environment.database, time: environment.time)
                .backUp(to: backup, by: Actor("test"))
            fixture.source.rows = rows(4, "Bob")
            _ = try await fixture.run()
            state = environment.state
            lock = try #require(try state.lockServer())
            open = environment.database
        }

        var handover: RestoreHandover { RestoreHandover(state) }

        func command(before: @escaping @Sendable (String) throws -> Void = { _ in }) -> RestoreState {
            let time = fixture.time
            return RestoreState(
                path: state.path,
                time: RunTime(
                    now: { Moment(milliseconds: time.milliseconds) }, sleep: { try await time.sleep($0) },
                    chance: { 0.5 }, seed: { 1 }), before: before)
        }

        func ask() throws -> AskedRestore {
            let begun = try command().begin(from: backup, isForced: true, by: Actor("test"))
            guard case .asked(let asked) = begun else { throw SimulatedKill() }
            return asked
        }

        func restore(_ server: (RestoreHandover.Stage) throws -> Void) async throws -> StateRestore.Report {
            var failure: (any Error)?
            let report = try await command().restore(from: backup, isForced: true, by: Actor("test")) { stage in
                do { try server(stage) } catch { failure = error }
            }
            if let failure { throw failure }
            return report
        }

        /// The runs that the state knows of: 2 before the restore, 1 after it.
        func runs() throws -> Int { try RunHistory(try fixture.environment().database).runs(limit: 10).count }

        func left() throws -> [String] {
            let folder = state.path + "/restore"
            let beside = try Files.names(state.path).filter { $0.contains("restoring") }
            guard FileManager.default.fileExists(atPath: folder) else { return beside }
            return try beside + Files.names(folder).filter { $0 != "lock" }
        }
    }

    // MARK: The way through

    @Test func theServerPutsTheBackupInPlaceAndTheCommandEndsWhenItServes() async throws {
        let served = try await Served()
        var stages: [RestoreHandover.Stage] = []
        let report = try await served.restore { stage in
            stages.append(stage)
            switch stage {
            case .asked: #expect(try served.handover.take()?.generation == 1)
            case .taken:
                served.open = nil
                guard case .restored(let ticket) = try served.handover.enter() else { throw SimulatedKill() }
                #expect(ticket.generation == 1 && ticket.isReadable && ticket.roles.isEmpty)
            case .begun, .served: break
            case .done: #expect(try served.handover.confirm())
            }
        }
        #expect(stages == [.asked, .taken, .done])
        #expect(report.generation == 1 && !report.hasSecrets)
        #expect(try served.runs() == 1 && served.left().isEmpty)
        served.fixture.source.rows = rows(4)
        #expect(try await served.fixture.run().rows.unchanged == 4)
    }

    @Test func aStateThatIsServedIsNotReplacedUnaskedNorByTwoAtOnce() async throws {
        let served = try await Served()
        let unasked = await code {
            _ = try served.command().begin(from: served.backup, isForced: false, by: Actor("test"))
        }
        #expect(unasked == "state_not_empty")
        let asked = try served.ask()
        #expect(await code { _ = try served.ask() } == "state_in_use")
        #expect(try asked.withdraw())
        try asked.end()
        #expect(try served.left().isEmpty)
    }

    // MARK: Taking it back

    @Test func whatNoServerTakesUpIsTakenBackAndNeverBegins() async throws {
        let served = try await Served()
        #expect(await code { _ = try await served.restore { _ in } } == "restore_not_taken")
        #expect(try served.left().isEmpty && served.handover.take() == nil && served.runs() == 2)
        served.open = nil
        #expect(try served.handover.enter() == .nothing)
        #expect(try served.runs() == 2)
    }

    @Test func aServerThatStopsForTooLongFindsNothingToBegin() async throws {
        let served = try await Served()
        let found = await code {
            _ = try await served.restore { stage in if stage == .asked { _ = try served.handover.take() } }
        }
        #expect(found == "restore_not_taken")
        served.open = nil
        #expect(try served.handover.enter() == .nothing)
        #expect(try served.runs() == 2 && served.left().isEmpty)
    }

    @Test func whatHasBegunIsNotTakenBack() async throws {
        let served = try await Served()
        let asked = try served.ask()
        _ = try served.handover.take()
        served.open = nil
        let server = RestoreHandover(served.state) { step in
            guard step == "remove syncs" else { return }
            let (standing, isBack) = (try asked.standing(), try asked.withdraw())
            #expect(standing == .at(.begun) && !isBack)
        }
        _ = try server.enter()
        #expect(try asked.standing() == .at(.done) && !asked.withdraw())
        #expect(try served.runs() == 1)
    }

    @Test func whatNobodyWaitsForDoesNotBegin() async throws {
        for isTaken in [false, true] {
            let served = try await Served()
            var asked: AskedRestore? = try served.ask()
            if isTaken { #expect(try served.handover.take() != nil) }
            #expect(try asked?.standing() == .at(isTaken ? .taken : .asked))
            asked = nil
            if !isTaken { #expect(try served.handover.take() == nil) }
            served.open = nil
            #expect(try served.handover.enter() == .nothing)
            #expect(try served.runs() == 2 && served.left().isEmpty)
        }
    }

    @Test(arguments: [true, false]) func aCommandThatIsStoppedTakesItBackWhileItWaitsAndBeforeItAsks(
        isAsked: Bool
    ) async throws {
        let served = try await Served()
        let asked = Mutex(0)
        let waiting = Task { [backup = served.backup, command = served.command()] in
            if !isAsked { withUnsafeCurrentTask { $0?.cancel() } }
            _ = try await command.restore(from: backup, isForced: true, by: Actor("test")) { stage in
                asked.withLock { $0 += 1 }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        #expect(await code { try await waiting.value } == "cancelled")
        #expect(asked.withLock { $0 } == (isAsked ? 1 : 0))
        #expect(try served.left().isEmpty && served.handover.take() == nil && served.runs() == 2)
    }

    // MARK: Refusals

    @Test func aServerThatRefusesSaysWhyAndGoesOn() async throws {
        let served = try await Served()
        let reason = StateError(code: "server_stopping", message: "It is\nbeing stopped.", hint: "Wait.")
        let found = await #expect(throws: StateError.self) {
            _ = try await served.restore { stage in
                guard stage == .asked, let ticket = try served.handover.take() else { return }
                try served.handover.refuse(ticket, because: reason)
            }
        }
        #expect(found?.code == "server_stopping" && found?.message == "It is being stopped." && found?.hint == "Wait.")
        #expect(try served.runs() == 2 && served.left().isEmpty)
    }

    @Test func anotherProcessThatUsesTheStateKeepsItAsItIs() async throws {
        let served = try await Served()
        let asked = try served.ask()
        _ = try served.handover.take()
        guard case .refused(let error) = try served.handover.enter(patience: .zero) else { throw SimulatedKill() }
        #expect(error.code == "state_in_use")
        #expect(try asked.standing() == .refused(error))
        served.open = nil
        #expect(try served.handover.enter() == .nothing)
        #expect(try served.runs() == 2)
    }

    @Test func aRequestThatSaysNothingIsForgotten() async throws {
        let served = try await Served()
        try FileManager.default.createDirectory(
            atPath: served.state.path + "/restore", withIntermediateDirectories: false)
        for text in ["", "sluice restore 1\nid ../../x\nend\n", "sluice restore 2\nend\n"] {
            try Data(text.utf8).write(to: URL(filePath: served.state.path + "/restore/taken"))
            #expect(try served.handover.enter() == .nothing)
            #expect(try served.runs() == 2 && served.left().isEmpty)
        }
    }

    // MARK: Kills

    /// The server, the command or both end at each step; then another server starts.
    @Test(arguments: [true, false]) func aKillAnywhereLeavesTheOldStateOrTheWholeRestoredOne(
        isCommandKilled: Bool
    ) async throws {
        let counted = try await kill(at: .max, isCommandKilled: isCommandKilled)
        #expect(counted >= 13)
        for number in 0..<counted { _ = try await kill(at: number, isCommandKilled: isCommandKilled) }
    }

    /// Returns how many steps there were.
    private func kill(at number: Int, isCommandKilled: Bool) async throws -> Int {
        let served = try await Served()
        let reached = Mutex(0)
        let names = Mutex<[String]>([])
        let step: @Sendable (String) throws -> Void = { name in
            names.withLock { $0.append(name) }
            let isNow = reached.withLock { reached in
                defer { reached += 1 }
                return reached == number
            }
            if isNow { throw SimulatedKill() }
        }
        var asked: AskedRestore?
        do {
            let begun = try served.command(before: step).begin(
                from: served.backup, isForced: true, by: Actor("test"))
            if case .asked(let request) = begun { asked = request }
            let server = RestoreHandover(served.state, before: step)
            _ = try server.take()
            served.open = nil
            _ = try server.enter()
            _ = try server.confirm()
        } catch is SimulatedKill {}
        served.open = nil
        let steps = names.withLock { $0 }
        if isCommandKilled { asked = nil }
        // What the next server does before it opens the state.
        let entry = try RestoreHandover(served.state).enter()
        let hasBegun = steps.dropLast().contains("taken to begun")
        // It goes on where it was, if somebody waits for it.
        let isRestored = hasBegun || (asked != nil && steps.dropLast().contains("asked to taken"))
        #expect(try served.runs() == (isRestored ? 1 : 2), "killed at \(steps.last ?? "")")
        if entry != .nothing { try RestoreHandover(served.state).confirm() }
        if isRestored, let asked { #expect(try asked.standing() == .at(.served), "killed at \(steps.last ?? "")") }
        if let asked {
            if try asked.standing() != .at(.served) { #expect(try asked.withdraw()) }
            try asked.end()
        }
        #expect(try served.left().isEmpty, "killed at \(steps.last ?? "")")
        if isRestored { served.fixture.source.rows = rows(4) }
        #expect(try await served.fixture.run().rows.unchanged == 4, "killed at \(steps.last ?? "")")
        return steps.count
    }

    @Test func theCommandFinishesWhatAKilledServerHadBegun() async throws {
        let served = try await Served()
        let found = await code {
            _ = try await served.restore { stage in
                switch stage {
                case .asked: _ = try served.handover.take()
                case .taken:
                    served.open = nil
                    let server = RestoreHandover(served.state) { step in
                        if step == "move plans" { throw SimulatedKill() }
                    }
                    #expect(throws: SimulatedKill.self) { _ = try server.enter() }
                    served.lock.release()
                case .begun, .done, .served: break
                }
            }
        }
        #expect(found == "restore_not_served")
        #expect(try served.runs() == 1 && served.left().isEmpty)
    }

    @Test func theSameRestoreFinishesWhatWasCutOffWithoutForce() async throws {
        let served = try await Served()
        served.open = nil
        let cut = served.command { step in if step == "remove plans" { throw SimulatedKill() } }
        #expect(throws: SimulatedKill.self) {
            _ = try cut.begin(from: served.backup, isForced: true, by: Actor("test"))
        }
        #expect(await code { _ = try served.runs() } == "restore_unfinished")
        _ = try served.command().begin(from: served.backup, isForced: false, by: Actor("test"))
        #expect(try served.runs() == 1 && served.left().isEmpty)
    }

    @Test func theNextStartFinishesARestoreOfTheCommandAlone() async throws {
        let served = try await Served()
        served.open = nil
        let cut = served.command { step in if step == "move database" { throw SimulatedKill() } }
        #expect(throws: SimulatedKill.self) {
            _ = try cut.begin(from: served.backup, isForced: true, by: Actor("test"))
        }
        guard case .restored = try served.handover.enter() else { throw SimulatedKill() }
        #expect(try !served.handover.confirm())
        #expect(try served.runs() == 1)
        #expect(try served.handover.enter() == .nothing)
        #expect(try served.left().isEmpty)
    }
}
