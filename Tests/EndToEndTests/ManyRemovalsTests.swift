import Foundation
import Testing

/// A mirror that has much to remove: single calls under the connection's rate limit, killed half way. `SLUICE_FULL_SIZE=1`
/// removes 10,000 at the highest rate, which takes more than a minute.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ManyRemovalsTests {
    private static let isFull = ProcessInfo.processInfo.environment["SLUICE_FULL_SIZE"] == "1"
    private static let removals = isFull ? 10_000 : 1_000
    private static let perMinute = isFull ? 9_000 : 4_000
    private static let kept = 10
    /// The removals cannot be over before that, whatever the machine does.
    private static let secondsMin = Double(removals - 50) * 60 / Double(perMinute)

    private static let mirror = """
        version: 1
        sources:
          local: {type: sqlite, path: data.db}
        destinations:
          planhat:
            {type: planhat, base_url: "ADDRESS", api_key: "${PLANHAT_API_KEY}", requests_per_minute: \(perMinute)}
        datasets:
          accounts: {source: local, table: accounts}
        syncs:
          companies:
            from: accounts
            to: planhat.company
            behavior: mirror
            key: {column: id, field: externalId}
            guards: {removed_percent_max: 100}
            mappings: \(CompanyProject.mappings)
        """

    @Test func removalsGoOnAfterAKillAndTellHowLongTheRateLimitHeldThem() async throws {
        let limit = ["--requests-per-minute", String(Self.perMinute)]
        let project = try await CompanyProject(rows: Self.removals + Self.kept, sandbox: limit)
        let text = Self.mirror.replacingOccurrences(of: "ADDRESS", with: project.planhat.address)
        try project.folder.write(text, to: "sluice.yaml")
        let first = try await project.sluice("run", "companies", "--json")
        #expect(first.status == 0, "\(first.everything)")
        try project.database.execute("delete from accounts where id <= \(Self.removals)")

        // The kill is left to timeout(1): these tests share their threads with others that may keep them busy.
        let begun = ContinuousClock.now
        let command = ["--foreground", "-s", "KILL", String(Self.secondsMin / 2), SluiceProgram.path]
        let killed = try await project.folder.start(
            "/usr/bin/timeout", command + ["run", "companies", "--json"], environment: project.token
        ).wait(seconds: 120)
        #expect(killed.status == 128 + SIGKILL, "\(killed.everything)")
        let done = try Self.deleted(project.planhat)
        #expect(done < Self.removals)

        let ended = try await project.sluice(["run", "companies", "--json"], seconds: 240)
        #expect(ContinuousClock.now - begun >= .seconds(Self.secondsMin))
        #expect(ended.status == 0, "\(ended.everything)")
        #expect(try Self.deleted(project.planhat) == Self.removals)
        #expect(try project.arrived() == project.expected())

        // The killed run is finished, and the one that was asked for has nothing left to do.
        let runs = try ended.runs()
        #expect(runs.map(\.state) == ["succeeded", "succeeded"] && runs.allSatisfy(\.isBalanced), "\(runs)")
        #expect(runs.map { $0.operations("removed") } == [Self.removals, 0], "\(runs)")
        // At most the request that was on its way is made again: it is answered 404, which counts as removed.
        let answers = runs.first?["effort"]["answers"].members ?? [:]
        #expect((answers["404"]?.int ?? 0) <= 1, "\(answers)")
        let requests = runs.first?["requests"].int ?? 0
        #expect((Self.removals...Self.removals + 1).contains(requests), "\(runs)")
        #expect((runs.first?["effort"]["rate_limit_wait_ms"].int ?? 0) > 0, "\(runs)")
        let shown = try await project.sluice("show", String(runs.first?["id"].int ?? 0))
        #expect(shown.output.contains(" for the rate limit"), "\(shown.output)")
    }

    private static func deleted(_ planhat: LocalPlanhat) throws -> Int {
        try planhat.state()["rows"]["companies"]["deleted"].int ?? -1
    }
}
