import Foundation
import TestKit
import Testing

/// How many moments each fault is played at, and from which seed: few unless SLUICE_FAULT_MOMENTS asks for more.
enum FaultMoments {
    private static let variables = ProcessInfo.processInfo.environment
    static let seed = variables["SLUICE_FAULT_SEED"].flatMap { UInt64($0) } ?? 4
    private static let asked = variables["SLUICE_FAULT_MOMENTS"].flatMap { Int($0) }

    /// Fractions of a run's length, spread over all of it.
    static func fractions(of fault: String, usually count: Int) -> [Double] {
        let count = asked ?? count
        var random = SeededRandom(seed: fault.utf8.reduce(seed) { ($0 &* 31) &+ UInt64($1) })
        return (0..<count).map { (Double($0) + random.fraction()) / Double(count) }
    }
}

/// The built program under faults of its machine and of the systems it works with, at moments from a seed. After each:
/// nothing is lost, nothing was created twice, the history is true, and the next run heals what is left.
@Suite(.serialized, .enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct FaultTests {
    /// One place in which runs are disturbed, one after the other, each from the same start.
    private final class Place: Sendable {
        static let rows = 12_000
        static let run = "\"$SLUICE\" run companies --json --state state"
        let project: CompanyProject
        let options: [String]
        private let expected: Set<String>

        init(latency: Int = 250) async throws {
            project = try await CompanyProject(rows: Self.rows)
            try await project.planhat.stop()
            expected = try project.expected()
            options = ["--latency", String(latency)]
        }

        var environment: [String: String] {
            project.token.merging(["SLUICE": SluiceProgram.path]) { _, given in given }
        }

        /// A new local Planhat on the port it had before, since another address would be another destination.
        func begin(_ more: [String] = []) async throws -> LocalPlanhat {
            let files = FileManager.default
            for name in ["state", "kept.jsonl"] where files.fileExists(atPath: project.folder.path + "/" + name) {
                try files.removeItem(atPath: project.folder.path + "/" + name)
            }
            return try await LocalPlanhat(project.folder, options + more, port: project.planhat.port)
        }

        /// What a shell script told by name: `first 0`. The shell does what has to happen at a moment, since these tests
        /// share their threads with others that may keep them busy for seconds.
        func shell(_ script: String, _ launcher: [String] = [], seconds: Double = 120) async throws -> (
            told: [String: Int], printed: String
        ) {
            let command = launcher + ["/bin/bash", "-c", "set -m\n" + script]
            let child = try project.folder.start(command[0], Array(command.dropFirst()), environment: environment)
            let ended = try await child.wait(seconds: seconds)
            var told: [String: Int] = [:]
            for line in ended.output.split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 2, let number = Int(words[1]) { told[String(words[0])] = number }
            }
            return (told, ended.everything)
        }

        func file(_ name: String) throws -> String {
            try String(contentsOfFile: project.folder.path + "/" + name, encoding: .utf8)
        }

        /// For what is told beside a failure.
        func said(_ names: String...) -> String { names.map { (try? file($0)) ?? "no \($0)" }.joined(separator: "\n") }

        /// How long the run takes when nobody disturbs it, in seconds.
        func measure() async throws -> Double {
            let planhat = try await begin()
            let timed = try await shell("TIMEFORMAT=%R; { time \(Self.run) > first.json; } 2> timed")
            try expectTruth(planhat, "undisturbed \(timed.printed)")
            try await planhat.stop()
            return Double(try file("timed").split(separator: "\n").last ?? "") ?? 1
        }

        /// - Parameter isWhole: whether it is the same Planhat that saw the run from its beginning: else its counts say
        ///   less than happened.
        func expectTruth(_ planhat: LocalPlanhat, isWhole: Bool = true, _ comment: String) throws {
            let arrived = try planhat.companies()
            #expect(arrived.count == expected.count && Set(arrived) == expected, "\(comment): \(arrived.count) arrived")
            let state = try planhat.state()
            #expect(state["created_again"].members.isEmpty, "\(comment)")
            guard isWhole else { return }
            #expect(state["rows"]["companies"]["created"].int == Self.rows, "\(comment)")
        }

        /// Every run has ended, balanced, and says no more than the destination saw.
        private func expectHistory(_ planhat: LocalPlanhat, isWhole: Bool, _ comment: String) throws {
            let runs = try JSON(parsing: file("runs.json"))["runs"].list
            for run in runs {
                #expect(JSON.finalStates.contains(run.state) && run["ended_at"] != .null, "\(comment): \(run)")
                #expect(run.isBalanced, "\(comment): \(run)")
                #expect((run.state == "failed") == (run["error"] != .null), "\(comment): \(run)")
            }
            #expect(runs.first?.state == "succeeded", "\(comment)")
            #expect(runs.reduce(0) { $0 + $1.operations("accepted") } == Self.rows, "\(comment): \(runs)")
            guard isWhole else { return }
            #expect(try runs.reduce(0) { $0 + ($1["requests"].int ?? 0) } <= planhat.writes(), "\(comment)")
        }

        /// Heals and looks: the next run says 0, and the one after has nothing to do.
        static let heal = """
            \(run) > healed.json 2> healed.err; echo "healed $?"
            \(run) > after.json 2> after.err; echo "after $?"
            "$SLUICE" runs companies --json --state state --limit 100 > runs.json
            """

        func expectHealed(
            _ planhat: LocalPlanhat, isWhole: Bool = true, _ told: [String: Int], _ comment: String
        ) throws {
            #expect(told["healed"] == 0, "\(comment): \(said("healed.json", "healed.err"))")
            #expect(told["after"] == 0, "\(comment): \(said("after.err"))")
            #expect(try JSON(parsing: file("after.json"))["runs"].list.map { $0["requests"].int } == [0], "\(comment)")
            try expectTruth(planhat, isWhole: isWhole, comment)
            try expectHistory(planhat, isWhole: isWhole, comment)
        }
    }

    @Test func aRunThatIsStoppedForAWhileGoesOnAndNobodyTakesItsPlace() async throws {
        let place = try await Place()
        let length = try await place.measure()
        for fraction in FaultMoments.fractions(of: "stop", usually: 3) {
            let moment = length * fraction
            let planhat = try await place.begin()
            let (told, printed) = try await place.shell(
                """
                \(Place.run) > first.json 2> first.err & pid=$!
                sleep \(moment); kill -STOP $pid
                timeout 30 \(Place.run) > second.json 2> second.err; echo "second $?"
                sleep 0.4; kill -CONT $pid
                # A shell that has seen the process stopped may say so once more (128 and the signal's number).
                while wait $pid; ended=$?; [ $ended = 147 ]; do sleep 0.05; done; echo "first $ended"
                \(Place.heal)
                """)
            let comment = "stopped after \(moment) s: \(printed)"
            #expect(told["first"] == 0, "\(comment) \(place.said("first.json", "first.err"))")
            // The second may have been first at the lock, or come when the other had ended.
            let isBusy = try place.file("second.json").contains("sync_already_running")
            let isLocked = try place.file("second.json").contains("state_busy")
            #expect(told["second"] == 0 || told["second"] == 1 && (isBusy || isLocked), "\(comment)")
            try place.expectHealed(planhat, told, comment)
            try await planhat.stop()
        }
    }

    /// Whether a small file system of one's own can be made here.
    static let canMount: Bool = {
        guard let folder = try? WorkFolder() else { return false }
        let script = "mkdir state && mount -t tmpfs tmpfs state && touch done"
        guard
            let child = try? folder.start(
                mountLauncher[0], mountLauncher.dropFirst() + ["/bin/sh", "-c", script], environment: [:])
        else { return false }
        while child.isRunning { usleep(5_000) }
        return FileManager.default.fileExists(atPath: folder.path + "/done")
    }()
    private static let mountLauncher = ["/usr/bin/unshare", "--map-root-user", "--mount"]

    @Test(.enabled(if: canMount, "needs unshare(1) and the right to mount a tmpfs of one's own"))
    func aDiskThatFillsUpIsSaidByNameAndTheNextRunGoesOn() async throws {
        let place = try await Place()
        let length = try await place.measure()
        for fraction in FaultMoments.fractions(of: "disk", usually: 3) {
            let moment = length * fraction
            let planhat = try await place.begin()
            let (told, printed) = try await place.shell(
                """
                mkdir state; mount -t tmpfs -o size=80m tmpfs state || exit 9
                \(Place.run) > first.json 2> first.err & pid=$!
                sleep \(moment); head -c 200m /dev/zero > state/filler 2> /dev/null
                wait $pid; echo "first $?"
                "$SLUICE" show --state state > shown.txt 2>&1; echo "shown $?"
                rm state/filler
                \(Place.heal)
                """, Self.mountLauncher)
            let comment = "full after \(moment) s: \(printed)"
            let said = try place.file("first.json") + place.file("first.err")
            #expect(told["first"] == 0 || told["first"] == 1 && said.contains("disk_full"), "\(comment) \(said)")
            try place.expectHealed(planhat, told, comment)
            try await planhat.stop()
        }
    }

    @Test func aFileThatMayNotGrowIsSaidByNameAndTheNextRunGoesOn() async throws {
        let place = try await Place(latency: 20)
        // Between the first page of the history and the whole plan of some megabytes, in units of 1,024 bytes.
        for fraction in FaultMoments.fractions(of: "quota", usually: 4) {
            let blocks = Int(4 * exp(fraction * 7))
            let planhat = try await place.begin()
            let (told, printed) = try await place.shell(
                """
                (ulimit -f \(blocks); \(Place.run) > first.json 2> first.err; echo "first $?")
                \(Place.heal)
                """)
            let comment = "files of \(blocks) kB: \(printed)"
            let said = try place.file("first.json") + place.file("first.err")
            let isNamed = said.contains("disk_full") || said.contains("state_io")
            #expect(told["first"] == 0 || told["first"] == 1 && isNamed, "\(comment) \(said)")
            try place.expectHealed(planhat, told, comment)
            try await planhat.stop()
        }
    }

    @Test func aPlanhatThatIsRestartedLosesNothing() async throws {
        let place = try await Place(latency: 250)
        let length = try await place.measure()
        for fraction in FaultMoments.fractions(of: "restart", usually: 2) {
            let planhat = try await place.begin(["--data", "kept.jsonl"])
            let moment = length * fraction
            let options = (place.options + ["--data", "kept.jsonl"]).joined(separator: " ")
            let (told, printed) = try await place.shell(
                """
                \(Place.run) > first.json 2> first.err & pid=$!
                sleep \(moment); kill -TERM \(planhat.child.pid)
                while kill -0 \(planhat.child.pid) 2> /dev/null && ! grep -q Z /proc/\(planhat.child.pid)/stat; do
                  sleep 0.02
                done
                sleep 0.5
                "$SLUICE" sandbox --listen 127.0.0.1:\(planhat.port) \(options) > again.out 2>&1 & again=$!
                echo "again $again"
                wait $pid; echo "first $?"
                \(Place.heal)
                """)
            let comment = "restarted after \(moment) s: \(printed)"
            #expect(told["first"] == 0, "\(comment) \(place.said("first.json", "first.err"))")
            try place.expectHealed(planhat, isWhole: false, told, comment)
            try await end(told["again"])
        }
    }

    /// What it had in memory is gone with it, as with an account that was put back to an earlier day: only a full run
    /// can know of that.
    @Test func aPlanhatThatIsKilledGetsEverythingBackByAFullRun() async throws {
        let place = try await Place(latency: 250)
        let length = try await place.measure()
        for fraction in FaultMoments.fractions(of: "kill", usually: 2) {
            let planhat = try await place.begin()
            let moment = length * fraction
            let options = place.options.joined(separator: " ")
            let (told, printed) = try await place.shell(
                """
                \(Place.run) > first.json 2> first.err & pid=$!
                sleep \(moment); kill -KILL \(planhat.child.pid); sleep 0.3
                "$SLUICE" sandbox --listen 127.0.0.1:\(planhat.port) \(options) > again.out 2>&1 & again=$!
                echo "again $again"
                wait $pid; echo "first $?"
                \(Place.run) --full > full.json 2> full.err; echo "full $?"
                \(Place.run) > after.json 2> after.err; echo "after $?"
                """)
            let comment = "killed after \(moment) s: \(printed)"
            #expect(told["first"] == 0, "\(comment) \(place.said("first.json", "first.err"))")
            #expect(told["full"] == 0 && told["after"] == 0, "\(comment) \(place.said("full.err"))")
            try place.expectTruth(planhat, comment)
            for run in try JSON(parsing: place.file("full.json"))["runs"].list { #expect(run.isBalanced, "\(run)") }
            try await end(told["again"])
        }
    }

    /// Ends the Planhat that a script left, and waits until its port is free.
    private func end(_ again: Int?) async throws {
        guard let again else { return }
        kill(pid_t(again), SIGKILL)
        try await Task.sleep(for: .milliseconds(250))
    }
}
