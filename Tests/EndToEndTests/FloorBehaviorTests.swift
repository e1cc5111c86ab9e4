import Foundation
import Testing

/// Every behavior with every object that takes it, as real runs of the binary against the sandbox: what is at the
/// destination in the end is what the behavior says, and each figure says what happened.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct FloorBehaviorTests {
    private func setting(_ syncs: String, sandbox options: [String] = []) async throws -> FloorSetting {
        try await FloorSetting(syncs, sandbox: options)
    }

    private static func row(_ object: String) throws -> FloorTests.Row {
        try #require(FloorTests.rows.first { $0.object == object })
    }

    // MARK: Mirror

    @Test(arguments: FloorTests.rows) func mirrorRemovesWhatVanishedAndNothingElse(_ row: FloorTests.Row) async throws {
        let setting = try await setting(FloorSetting.sync("things", row, "mirror"))
        #expect(try await setting.run("things").operations("created") == 40)
        let others = try setting.planhat.lines(row.path).count - 40
        try setting.database.execute(
            "delete from things where id in ('t3', 't17'); update things set name = name || '!' where id = 't5'")
        let second = try await setting.run("things")
        #expect(second.operations("removals") == 2 && second.operations("removed") == 2)
        #expect(second.operations("updated") == 1 && second.operations("planned") == 1)
        let left = try setting.things(row)
        #expect(left.count == 38 && left["t3"] == nil && left["t17"] == nil)
        #expect(left["t5"]?[row.named].string == "Thing 5!")
        #expect(try setting.planhat.lines(row.path).count == 38 + others)

        let third = try await setting.run("things")
        #expect(third.rows("unchanged") == 38 && third["requests"].int == 0 && third.operations("removals") == 0)
        try setting.reset()
        let fourth = try await setting.run("things")
        #expect(fourth.operations("created") == 2 && fourth.operations("updated") == 1)
        #expect(try setting.things(row).count == 40)
    }

    @Test func recordThatIsGoneAlreadyCountsAsRemoved() async throws {
        let row = try Self.row("company")
        let setting = try await setting(
            FloorSetting.sync("things", row, "mirror") + FloorSetting.sync("sweep", row, "delete"),
            sandbox: ["--switch", "keys=id"])
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things where id <> 't3'")
        #expect(try await setting.run("sweep").operations("removed") == 1)
        try setting.reset()
        try setting.database.execute("delete from things where id in ('t3', 't4')")
        let run = try await setting.run("things")
        #expect(run.operations("removed") == 2 && run.operations("rejected") == 0)
        #expect(try setting.things(row).count == 38)
    }

    @Test(arguments: ["end_user", "conversation"]) func mirrorArchives(_ object: String) async throws {
        let row = try Self.row(object)
        let setting = try await setting(FloorSetting.sync("things", row, "mirror", "removal: archive"))
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things where id in ('t3', 't17')")
        #expect(try await setting.run("things").operations("removed") == 2)
        let things = try setting.things(row)
        #expect(things.count == 40)
        #expect(Set(things.filter { $0.value["archived"].bool == true }.keys) == ["t3", "t17"])
    }

    @Test func mirrorClears() async throws {
        let row = try Self.row("company")
        let setting = try await setting(FloorSetting.sync("things", row, "mirror", "removal: clear"))
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things where id in ('t3', 't17')")
        #expect(try await setting.run("things").operations("removed") == 2)
        let things = try setting.things(row)
        #expect(things.count == 40 && things["t3"]?["name"].string == "Thing 3")
        #expect(things["t3"]?["web"] == .null && things["t4"]?["web"].string == "t4@t.example")
    }

    @Test func emptySourceRemovesNothing() async throws {
        let row = try Self.row("company")
        let setting = try await setting(FloorSetting.sync("things", row, "mirror"))
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things")
        let run = try await setting.run("things", status: 5)
        #expect(run.state == "stopped_by_guard" && run["guard"]["name"].string == "empty_scan")
        #expect(try setting.things(row).count == 40)
    }

    // MARK: Create only

    @Test(arguments: FloorTests.rows) func createOnlyLeavesAloneWhatIsThere(_ row: FloorTests.Row) async throws {
        let setting = try await setting(
            FloorSetting.sync("things", row, "update_or_create") + FloorSetting.sync("more", row, "create_only"))
        try setting.database.execute("delete from things where id not in ('t1', 't2', 't3')")
        #expect(try await setting.run("things").operations("created") == 3)
        try setting.reset()
        try setting.database.execute("update things set name = 'New ' || name")
        let run = try await setting.run("more")
        #expect(run.operations("created") == 37 && run.rows("skipped") == 3 && run.operations("updated") == 0)
        let things = try setting.things(row)
        #expect(things.count == 40 && things["t1"]?[row.named].string == "Thing 1")
        #expect(things["t4"]?[row.named].string == "New Thing 4")
        try setting.database.execute("update things set name = 'Newer ' || name")
        let again = try await setting.run("more")
        #expect(again.operations("planned") == 0 && again["requests"].int == 0)
    }

    // MARK: Delete

    @Test(arguments: FloorTests.rows, [3, 25]) func deleteRemovesTheListedRecords(
        _ row: FloorTests.Row, _ count: Int
    ) async throws {
        let setting = try await setting(
            FloorSetting.sync("things", row, "update_or_create")
                + """
                  sweep:
                    from: {source: local, sql: "select id from all_things where cast(substr(id, 2) as int) <= \(count)"}
                    to: planhat.\(row.object)
                    behavior: delete
                    key: {column: id, field: \(row.key)}

                """)
        #expect(try await setting.run("things").operations("created") == 40)
        let run = try await setting.run("sweep")
        #expect(run.operations("removed") == count && run.rows("skipped") == 0)
        let left = try setting.things(row)
        #expect(left.count == 40 - count && left["t\(count)"] == nil && left["t\(count + 1)"] != nil)
        let again = try await setting.run("sweep")
        #expect(again.rows("unchanged") == count && again["requests"].int == 0)
    }

    // MARK: Send

    private static let activities = """
          events:
            from: things
            to: planhat.activity
            behavior: send
            key: {column: id}
            mappings: {email: person, action: name, date: day, info: {constant: '{"a":1}'}}

        """

    private static func metrics(_ key: String, mapsRecord: Bool = true) -> String {
        """
          usage:
            from: {source: local, sql: "select company, 'd' || id as metric, day, amount from things"}
            to: planhat.metric
            behavior: send
            key: \(key)
            mappings: {\(mapsRecord ? "externalId: company, " : "")dimensionId: metric, value: amount, date: day}

        """
    }

    @Test func activitiesAreSentOnce() async throws {
        let setting = try await setting(Self.activities)
        try setting.database.execute("delete from things where id > 't3'")
        let count = try setting.database.rows("select count(*) from things")[0][0].flatMap { Int($0) } ?? 0
        #expect(try await setting.run("events").operations("sent") == count)
        #expect(try await setting.run("events")["requests"].int == 0)
        try setting.reset()
        try setting.database.execute("update things set name = 'Changed ' || name")
        let third = try await setting.run("events")
        #expect(third.operations("sent") == 40 - count && third.rows("unchanged") == count)
        #expect(try setting.planhat.lines("activities").count == 40)
        #expect(try setting.planhat.state()["sent_again"].members.isEmpty)
        let full = try await setting.run("events", status: 2, options: ["--full"])
        #expect(full["error"]["code"].string == "full_refused")
        #expect(try setting.planhat.lines("activities").count == 40)
    }

    @Test func firstRunMayBeSkipped() async throws {
        let setting = try await setting(
            Self.activities.replacingOccurrences(of: "behavior: send", with: "behavior: send\n    first_run: skip"))
        let first = try await setting.run("events")
        #expect(first.rows("skipped") == 40 && first["requests"].int == 0)
        try setting.database.execute(
            "insert into things select 'new', company, name, amount, day, end_day, email, person, score from things where id = 't1'"
        )
        #expect(try await setting.run("events").operations("sent") == 1)
        #expect(try setting.planhat.lines("activities").count == 1)
    }

    @Test(arguments: [["test", "events", "--key", "t5"], ["test", "events"], ["resend", "events", "--key", "t5"]])
    func oneEventToTryDoesNotSendTheOldOnes(_ command: [String]) async throws {
        let setting = try await setting(
            Self.activities.replacingOccurrences(of: "behavior: send", with: "behavior: send\n    first_run: skip"))
        let tried = try await setting.sluice(command)
        #expect(tried.status == 0, "\(tried.everything)")
        #expect(try setting.planhat.lines("activities").count == 1)
        let first = try await setting.run("events")
        #expect(first.rows("skipped") == 39 && first.rows("unchanged") == 1 && first["requests"].int == 0)
        #expect(try setting.planhat.lines("activities").count == 1)
    }

    @Test(arguments: ["{columns: [company, metric, day]}", "{column: company, field: externalId}"])
    func metricsAreSentOnce(_ key: String) async throws {
        let setting = try await setting(Self.metrics(key, mapsRecord: !key.contains("externalId")))
        #expect(try await setting.run("usage").operations("sent") == 40)
        #expect(try await setting.run("usage")["requests"].int == 0)
        let rows = try setting.planhat.lines("metrics")
        #expect(rows.count == 40 && Set(rows.compactMap { $0["externalId"].string }) == ["p1", "p2", "p3"])
        #expect(Set(rows.compactMap { $0["dimensionId"].string }).count == 40)
        #expect(try setting.planhat.state()["sent_again"].members.isEmpty)
    }

    /// The rows arrived, the answer did not: the next run asks Planhat, and sends nothing twice.
    @Test func metricsInDoubtAreReadBack() async throws {
        let setting = try await setting(
            Self.metrics("{columns: [company, metric, day]}"),
            sandbox: ["--fail", "drop-after path=/dimensiondata method=POST times=1"])
        let first = try await setting.run("usage", status: 3)
        #expect(first.operations("in_doubt") == 40 && first.operations("sent") == 0)
        let second = try await setting.run("usage")
        #expect(second.operations("sent") == 0 && second.rows("unchanged") == 40 && second.rows("held") == 0)
        #expect(try setting.planhat.lines("metrics").count == 40)
        #expect(try setting.planhat.state()["sent_again"].members.isEmpty)
    }

    /// Nothing arrived, and nobody can tell: the rows wait until somebody says so.
    @Test(arguments: ["drop-before", "drop-after"]) func activitiesInDoubtWait(_ rule: String) async throws {
        let setting = try await setting(Self.activities, sandbox: ["--fail", "\(rule) path=/analytics times=1"])
        let first = try await setting.run("events", status: 3)
        #expect(first.operations("in_doubt") == 40)
        let number = try #require(first["id"].int)
        let listed = try await setting.sluice("records", String(number), "--outcome", "in_doubt", "--json")
        let rows = try listed.json()["records"].list
        #expect(listed.status == 0 && rows.count == 40, "\(listed.everything)")
        #expect(Set(rows.map { $0["outcome"].string }) == ["in_doubt"])
        #expect(Set(rows.compactMap { $0["key"].string }).count == 40)
        #expect(rows.allSatisfy { $0["hint"].string?.isEmpty == false })
        try await expectListed(setting, number, rows)
        let second = try await setting.run("events", status: 3)
        #expect(second.rows("held") == 40 && second["requests"].int == 0)
        let hasArrived = rule == "drop-after"
        let settled = try await setting.sluice(hasArrived ? "confirm" : "resend", "events", "--in-doubt")
        #expect(settled.status == 0, "\(settled.everything)")
        let last = try await setting.run("events")
        #expect(last.rows("unchanged") == 40 && last.operations("sent") == 0)
        #expect(try setting.planhat.lines("activities").count == 40)
        #expect(try setting.planhat.state()["sent_again"].members.isEmpty)
    }

    /// For people: each row with its key and outcome, under its own outcome and no other.
    private func expectListed(_ setting: FloorSetting, _ run: Int, _ rows: [JSON]) async throws {
        let told = try await setting.sluice("records", String(run), "--outcome", "in_doubt")
        #expect(told.status == 0, "\(told.everything)")
        let heads = told.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
        let expected = rows.map { "\($0["key"].string ?? "")  in_doubt  \($0["code"].string ?? "")" }
        #expect(heads.map { String($0) } == expected, "\(told.output)")
        let few = try await setting.sluice("records", String(run), "--outcome", "in_doubt", "--limit", "3")
        #expect(few.output.components(separatedBy: "  in_doubt  ").count == 4, "\(few.output)")
        let others = try await setting.sluice("records", String(run), "--outcome", "rejected")
        #expect(others.status == 0 && others.output.isEmpty, "\(others.everything)")
    }

    /// The answer to the first batch is lost after Planhat took it: the others arrive in the same run.
    @Test func lostAnswerLeavesTheOtherBatchesAlone() async throws {
        let setting = try await setting(
            Self.activities, sandbox: ["--fail", "drop-after path=/analytics times=1"])
        try setting.database.execute(
            """
            insert into things with recursive n(i) as (select 41 union all select i + 1 from n where i < 50030)
            select 't' || i, 'p1', 'Thing ' || i, 1, '2026-01-15', '2027-01-14', null, 'one@p1.example', 1 from n;
            """)
        let first = try await setting.run("events", status: 3)
        #expect(first.state == "completed_with_rejections" && first["requests"].int == 2)
        #expect(first.operations("in_doubt") == 50_000 && first.operations("sent") == 30)
        #expect(first.operations("undelivered") == 0)
        #expect(try await setting.sluice("confirm", "events", "--in-doubt").status == 0)
        let last = try await setting.run("events")
        #expect(last.rows("unchanged") == 50_030 && last["requests"].int == 0)
        #expect(try setting.planhat.state()["sent_again"].members.isEmpty)
        #expect(try setting.planhat.lines("activities").count == 50_030)
    }

    @Test func refusedRequestIsNoDoubt() async throws {
        let setting = try await setting(
            Self.activities, sandbox: ["--fail", "status=429 retry-after=0 path=/analytics times=2"])
        let run = try await setting.run("events")
        #expect(run.operations("sent") == 40 && run.operations("in_doubt") == 0)
        #expect(try setting.planhat.lines("activities").count == 40)
    }
}
