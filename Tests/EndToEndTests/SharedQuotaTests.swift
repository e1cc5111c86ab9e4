import Foundation
import Testing

/// Real processes with state directories of their own. Whoever has to wait does so for longer than a test takes.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct SharedQuotaTests {
    private static let logs = ["SLUICE_LOG_FORMAT": "json"]

    /// A project whose run is one request.
    private func project(perMinute: Int = 1, sandbox options: [String] = []) async throws -> CompanyProject {
        let project = try await CompanyProject(rows: 3, sandbox: options)
        try project.folder.write(
            CompanyProject.text(project.planhat.address)
                .replacingOccurrences(of: "KEY}\"}", with: "KEY}\", requests_per_minute: \(perMinute)}")
                .replacingOccurrences(of: CompanyProject.mappings, with: "{name: name}"), to: "sluice.yaml")
        return project
    }

    private func start(_ project: CompanyProject, state: String, _ more: [String: String] = [:]) throws -> Child {
        try project.folder.start(
            ["run", "companies", "--state", project.folder.path + "/" + state],
            environment: project.token.merging(Self.logs) { $1 }.merging(more) { $1 })
    }

    /// It logs that it waits for so long, before it ends.
    private func expectWaits(_ child: Child, seconds: String) async throws {
        let told = try Regex("waits: [^\"]*\",.*\"seconds\":\(seconds)")
        let deadline = ContinuousClock.now + .seconds(40)
        while ContinuousClock.now < deadline {
            if try child.printed().contains(told) { return }
            guard child.isRunning else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let printed = try child.printed()
        Issue.record("it did not wait: \(printed)")
    }

    @Test func twoStateDirectoriesShareTheQuotaOfAnAccountAndAnotherAccountHasItsOwn() async throws {
        let project = try await project()
        let first = try await start(project, state: "a").wait()
        #expect(first.status == 0, "\(first.everything)")
        #expect(try project.planhat.writes() == 1)

        let second = try start(project, state: "b")
        try await expectWaits(second, seconds: "[1-6][0-9]")
        second.kill()
        #expect(try project.planhat.writes() == 1)
        let printed = try second.printed()
        #expect(!printed.contains("limits_not_shared"), "\(printed)")

        // Another host is another account; so is another folder of limits, to whoever has one.
        let other = try await self.project()
        let third = try await start(other, state: "c", ["SLUICE_LIMITS": project.folder.limits]).wait()
        #expect(third.status == 0, "\(third.everything)")
        let apart = try await start(project, state: "d", ["SLUICE_LIMITS": project.folder.limits + "/apart"]).wait()
        #expect(apart.status == 0, "\(apart.everything)")
        #expect(try project.planhat.writes() == 2)
        #expect(try other.planhat.writes() == 1)

        let names = try FileManager.default.contentsOfDirectory(atPath: project.folder.limits)
        #expect(names.filter { !$0.contains(".") && $0.hasPrefix("account-1-") }.count == 2, "\(names)")
        #expect(!names.contains { $0.contains(project.planhat.token) })
    }

    @Test func whatPlanhatAskedOfOneProcessHoldsTheOther() async throws {
        let project = try await project(
            perMinute: 200, sandbox: ["--fail", "status=429 retry-after=300 times=1 method=PUT"])
        let minutes = "(2[0-9][0-9]|30[0-9])"
        let refused = try start(project, state: "a")
        try await expectWaits(refused, seconds: minutes)
        let other = try start(project, state: "b")
        try await expectWaits(other, seconds: minutes)
        for child in [refused, other] { child.kill() }
        #expect(try project.planhat.records("companies", by: "externalId").isEmpty)
    }

    @Test func aFolderThatOthersMayEnterIsToldOnceAndStopsNobody() async throws {
        let project = try await project()
        let open = project.folder.path + "/open"
        try FileManager.default.createDirectory(
            atPath: open, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        let run = try await start(project, state: "a", ["SLUICE_LIMITS": open]).wait()
        #expect(run.status == 0, "\(run.everything)")
        // Once when it happens, and by its code at the end.
        #expect(run.everything.components(separatedBy: "limits_not_shared").count == 3, "\(run.everything)")
        let quiet = try await start(project, state: "b", ["SLUICE_LIMITS": "off"]).wait()
        #expect(quiet.status == 0 && !quiet.everything.contains("limits_not_shared"), "\(quiet.everything)")
    }
}
