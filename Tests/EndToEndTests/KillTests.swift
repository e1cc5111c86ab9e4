import Foundation
import Testing

/// Runs of 20,000 rows, killed with SIGKILL at 30 moments spread over their length (or as many as SLUICE_FAULT_MOMENTS says),
/// and then run again.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct KillTests {
    private static let rows = 20_000
    private static let lanes = 4

    /// What the second half of the tests starts from: 12,000 rows changed and 2,000 new.
    private static func changes(_ table: String) -> String {
        """
        update \(table) set seats = seats + 1000 where id <= 12000;
        insert into \(table)
        with recursive n(i) as (select 20001 union all select i + 1 from n where i < 22000)
        select i, 'Account ' || i, 'Team', i % 100 from n;
        """
    }

    enum Source: String, CaseIterable {
        case sqlite, postgres
    }

    private static let sources = Source.allCases.filter { $0 == .sqlite || PostgresServer.isThere }

    @Test(arguments: sources) func aKilledInitialRunLosesNothingAndCreatesNothingTwice(source: Source) async throws {
        try await killEverywhere("initial \(source)") {
            try await Lane(source, isIncremental: false, latency: 500)
        }
    }

    @Test(arguments: sources)
    func aKilledIncrementalRunLosesNothingAndCreatesNothingTwice(source: Source) async throws {
        try await killEverywhere("incremental \(source)") {
            try await Lane(source, isIncremental: true, latency: 650)
        }
    }

    @Test(.enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)")) func runsFromPostgresAreKilledToo() {
        #expect(Self.sources == Source.allCases)
    }

    /// Spreads the moments over lanes that work side by side, each on its own Planhat.
    private func killEverywhere(
        _ kind: String, _ makeLane: @escaping @Sendable () async throws -> Lane
    ) async throws {
        let parts = FaultMoments.fractions(of: "kill \(kind)", usually: 30)
        let killed = try await withThrowingTaskGroup(of: Int.self) { group in
            for first in 0..<Self.lanes {
                group.addTask {
                    let lane = try await makeLane()
                    defer { lane.drop() }
                    var length = try await lane.measure()
                    #expect(length > 1.9, "the run is over too soon to be killed at different moments")
                    var killed = 0
                    for moment in stride(from: first, to: parts.count, by: Self.lanes) {
                        // A run that was measured while the machine was busy was longer than the ones that follow.
                        for _ in 0..<3 {
                            if try await lane.trial(killedAfter: length * parts[moment]) {
                                killed += 1
                                break
                            }
                            length *= 0.85
                        }
                    }
                    return killed
                }
            }
            return try await group.reduce(0, +)
        }
        // The machine may be quicker at one time than at another; most have to be kills all the same.
        #expect(killed >= parts.count * 2 / 3, "only \(killed) of \(parts.count) runs were still going when killed")
    }

    /// One place in which runs are killed, one after the other, each from the same start.
    private final class Lane: Sendable {
        private let project: CompanyProject
        private let account: PostgresAccount?
        private let port: Int
        private let options: [String]
        private let isIncremental: Bool
        private let expected: Set<String>
        private let toAccept: Int

        init(_ source: Source, isIncremental: Bool, latency: Int) async throws {
            self.isIncremental = isIncremental
            project = try await CompanyProject(rows: KillTests.rows, sandbox: ["--data", "base.jsonl"])
            account = source == .postgres ? try PostgresAccount(project) : nil
            port = project.planhat.port
            options = ["--latency", String(latency)]
            if isIncremental {
                let before = try await project.sluice("run", "companies", "--json", "--state", "base-state")
                guard before.status == 0 else { throw ChildError(description: before.everything) }
                try project.database.execute(KillTests.changes("accounts"))
                if let account { try PostgresServer.execute(KillTests.changes(account.table)) }
            }
            try await project.planhat.stop()
            expected = try project.expected()
            toAccept = isIncremental ? 14_000 : KillTests.rows
        }

        func drop() { account?.drop() }

        /// Puts everything back to the start and starts the local Planhat on the port it had before, since another
        /// address would be another destination.
        private func begin() async throws -> LocalPlanhat {
            let files = FileManager.default
            for name in ["state", "now.jsonl"] where files.fileExists(atPath: project.folder.path + "/" + name) {
                try files.removeItem(atPath: project.folder.path + "/" + name)
            }
            guard isIncremental else { return try await LocalPlanhat(project.folder, options, port: port) }
            try project.folder.copy(project.folder.path + "/base-state", to: "state")
            try project.folder.copy(project.folder.path + "/base.jsonl", to: "now.jsonl")
            return try await LocalPlanhat(project.folder, options + ["--data", "now.jsonl"], port: port)
        }

        /// How long the run takes when nobody kills it, in seconds.
        func measure() async throws -> Double {
            let planhat = try await begin()
            let script = "TIMEFORMAT=%R; time \"$0\" \"$@\" > timed.json"
            let timed = try project.folder.start(
                "/bin/bash", ["-c", script, SluiceProgram.path] + Self.command, environment: project.token)
            let ended = try await timed.wait()
            try expectTruth(planhat, ended)
            try await planhat.stop()
            guard let seconds = Double(ended.errors.split(separator: "\n").last ?? "") else {
                throw ChildError(description: ended.everything)
            }
            return seconds
        }

        private static let command = ["run", "companies", "--json", "--state", "state"]

        /// - Returns: whether the run was still going when it was killed.
        func trial(killedAfter seconds: Double) async throws -> Bool {
            let planhat = try await begin()
            // The kill is left to timeout(1): these tests share their threads with others that may keep them busy.
            let child = try project.folder.start(
                "/usr/bin/timeout", ["--foreground", "-s", "KILL", String(seconds), SluiceProgram.path] + Self.command,
                environment: project.token)
            let wasKilled = try await child.wait().status == 128 + SIGKILL
            let ended = try await run()
            try expectTruth(planhat, ended, "killed after \(seconds) s")
            try await expectHistory(planhat, "killed after \(seconds) s")
            let after = try await run()
            #expect(try after.runs().map { $0["requests"].int } == [0], "killed after \(seconds) s")
            try await planhat.stop()
            return wasKilled
        }

        private func run() async throws -> Finished {
            try await project.sluice(Self.command)
        }

        private func expectTruth(_ planhat: LocalPlanhat, _ ended: Finished, _ comment: Comment? = nil) throws {
            #expect(ended.status == 0, "\(comment?.rawValue ?? "") \(ended.everything)")
            let arrived = try planhat.companies()
            #expect(arrived.count == expected.count, comment)
            #expect(Set(arrived) == expected, comment)
            let state = try planhat.state()
            #expect(state["created_again"].members.isEmpty, comment)
            #expect(state["rows"]["companies"]["failed"].int == 0, comment)
            let created = isIncremental ? 2_000 : KillTests.rows
            #expect(state["rows"]["companies"]["created"].int == created, comment)
        }

        /// What the history says agrees with what the destination saw.
        private func expectHistory(_ planhat: LocalPlanhat, _ comment: Comment) async throws {
            let runs = try await project.sluice("runs", "companies", "--json", "--state", "state", "--limit", "100")
                .runs()
            let accepted = runs.reduce(0) { $0 + $1.operations("accepted") }
            #expect(accepted == toAccept + (isIncremental ? KillTests.rows : 0), comment)
            for run in runs {
                #expect(JSON.finalStates.contains(run.state), "\(comment): run \(run["id"].int ?? 0) is \(run.state)")
                #expect(run["ended_at"] != .null, comment)
                #expect(run.isBalanced, "\(comment): \(run)")
                #expect((run.state == "failed") == (run["error"] != .null), "\(comment): \(run)")
            }
            #expect(runs.first?.state == "succeeded", comment)
            let created = runs.reduce(0) { $0 + $1.operations("created") }
            #expect(created <= (isIncremental ? 22_000 : KillTests.rows), comment)
            // A request whose answer nobody heard is made again: the books may not know more than arrived.
            let counted = runs.reduce(0) { $0 + ($1["requests"].int ?? 0) } - (isIncremental ? 4 : 0)
            #expect(try counted <= planhat.writes(), comment)
        }
    }
}
