import Foundation
import Testing

/// The example project as its README and the main README print it.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct MainJobTests {
    /// A copy of what a clone has of this, with the binary where the build puts it.
    private func clone() throws -> WorkFolder {
        let folder = try WorkFolder()
        for name in ["Examples", "README.md"] { try folder.copy(SluiceProgram.root + "/" + name, to: name) }
        try FileManager.default.createDirectory(
            atPath: folder.path + "/.build/release", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/.build/release/sluice", withDestinationPath: SluiceProgram.path)
        return folder
    }

    private func quickstart(_ folder: WorkFolder) -> SQLiteFile {
        SQLiteFile(path: folder.path + "/Examples/quickstart/data/acme.db")
    }

    @Test func theCommandsOfTheReadmeWorkAsPrinted() async throws {
        let folder = try clone()
        let planhat = try await LocalPlanhat(folder)
        let page = ShellPage(try String(contentsOfFile: folder.path + "/README.md", encoding: .utf8))
        let steps = try await page.run(in: folder, at: "", environment: ["SANDBOX_URL": planhat.address])
        let runs = steps.filter { $0.command.hasPrefix("sluice run --all") }
        #expect(runs.map(\.status) == [0, 0, 3])
        for step in steps where !step.command.hasPrefix("sluice run --all") {
            #expect(step.status == 0, "\(step.command) ended with \(step.status): \(step.output)")
        }
        #expect(steps.contains { $0.command.hasPrefix("sluice init") })
        try expectEqualToSource(planhat, quickstart(folder))
    }

    @Test func theCommandsOfTheExampleWorkAsPrinted() async throws {
        let folder = try clone()
        let planhat = try await LocalPlanhat(folder)
        let place = "Examples/quickstart"
        let page = ShellPage(try String(contentsOfFile: folder.path + "/\(place)/README.md", encoding: .utf8))
        let steps = try await page.run(
            in: folder, at: place,
            environment: [
                "SANDBOX_URL": planhat.address,
                "PATH": folder.path + "/.build/release:" + (folder.environment["PATH"] ?? ""),
            ])
        #expect(steps.filter { $0.command == "sluice run --all" }.map(\.status) == [0, 0, 3])
        for step in steps where step.command != "sluice run --all" {
            #expect(step.status == 0, "\(step.command) ended with \(step.status): \(step.output)")
        }
        let records = try #require(steps.first { $0.command.hasPrefix("sluice records") })
        #expect(records.output.contains("1800") && records.output.contains("duplicate_key"), "\(records.output)")
        let life = try #require(steps.first { $0.command.hasPrefix("sluice record ") })
        #expect(life.output.contains("refused_by_destination"), "\(life.output)")
        // The last command put right what was wrong.
        let companies = try planhat.records("companies", by: "externalId")
        #expect(companies["1800"]?["sourceId"].string == "CRM-71800")
        #expect(try planhat.state()["created_again"].members.isEmpty)
    }

    @Test func theSecondRunSendsWhatChangedAndSaysWhichThreeRowsDidNotArrive() async throws {
        let folder = try clone()
        let planhat = try await LocalPlanhat(folder)
        let place = folder.path + "/Examples/quickstart"
        let database = quickstart(folder)
        try FileManager.default.createDirectory(atPath: place + "/data", withIntermediateDirectories: true)
        let run = { (arguments: [String]) in
            try await folder.sluice(arguments, environment: ["SANDBOX_URL": planhat.address], in: place)
        }
        try database.execute(try String(contentsOfFile: place + "/make-data.sql", encoding: .utf8))

        let first = try await run(["run", "--all", "--json"])
        #expect(first.status == 0, "\(first.everything)")
        var (companies, people) = try byName(first)
        #expect(companies.rows("scanned") == 1_200 && companies.operations("created") == 1_200)
        #expect(people.rows("scanned") == 3_000 && people.operations("created") == 3_000)
        #expect(companies["requests"].int == 1 && people["requests"].int == 1)
        try expectEqualToSource(planhat, database)

        let second = try await run(["run", "--all", "--json"])
        #expect(second.status == 0)
        for unchanged in try second.runs() {
            #expect(unchanged["requests"].int == 0 && unchanged["bytes_sent"].int == 0)
            #expect(unchanged.rows("unchanged") == unchanged.rows("scanned") && unchanged.isBalanced)
        }

        try database.execute(try String(contentsOfFile: place + "/changes.sql", encoding: .utf8))
        let third = try await run(["run", "--all", "--json"])
        #expect(third.status == 3)
        (companies, people) = try byName(third)
        #expect(figures(companies) == [1_203, 1_184, 2, 17, 3, 13, 1])
        #expect(figures(people) == [3_000, 2_992, 0, 8, 2, 6, 0])
        #expect(companies.isBalanced && people.isBalanced)
        #expect(companies.state == "completed_with_rejections" && people.state == "succeeded")
        let reasons = companies["reasons"].list.map { "\($0["code"].string ?? "") \($0["count"].int ?? 0)" }
        #expect(Set(reasons) == ["duplicate_key 2", "refused_by_destination 1"])

        let missing = try await run(["records", String(companies["id"].int ?? 0), "--json"]).json()["records"].list
        #expect(missing.map { $0["key"].string }.sorted { ($0 ?? "") < ($1 ?? "") } == ["1500", "1500", "1800"])
        try expectEqualToSource(planhat, database)
    }

    private func byName(_ finished: Finished) throws -> (JSON, JSON) {
        let runs = try finished.runs()
        let companies = try #require(runs.first { $0["sync"].string == "companies" })
        return (companies, try #require(runs.first { $0["sync"].string == "people" }))
    }

    /// In the order of the table in the example's README.
    private func figures(_ run: JSON) -> [Int] {
        [
            run.rows("scanned"), run.rows("unchanged"), run.rows("invalid"), run.rows("planned"),
            run.operations("created"), run.operations("updated"), run.operations("rejected"),
        ]
    }

    /// Every row but the three that cannot arrive is at the destination as it is in the source, and nothing was made twice.
    private func expectEqualToSource(_ planhat: LocalPlanhat, _ database: SQLiteFile) throws {
        let companies = try planhat.records("companies", by: "externalId")
        let rows = try database.rows(
            "select id, crm_id, name, phone, plan, seats from accounts where id not in (1500, 1800)")
        for row in rows {
            let found = try #require(companies[row[0] ?? ""])
            let custom = found["custom"]
            let arrived = [
                found["sourceId"].string, found["name"].string, found["phonePrimary"].string, custom["Plan"].string,
                custom["Seats"].int.map { String($0) },
            ]
            #expect(arrived == Array(row.dropFirst()), "company \(row[0] ?? "")")
        }
        let ids = companies.mapValues { $0["_id"].string }
        let people = try planhat.records("endusers", by: "sourceId")
        for row in try database.rows("select id, account_id, email, first_name, last_name, title from people") {
            let found = try #require(people[row[0] ?? ""])
            #expect(found["companyId"].string == ids[row[1] ?? ""], "company of person \(row[0] ?? "")")
            let arrived = ["email", "firstName", "lastName", "position"].map { found[$0].string }
            #expect(arrived == Array(row.dropFirst(2)), "person \(row[0] ?? "")")
        }
        #expect(try planhat.state()["created_again"].members.isEmpty)
    }
}
