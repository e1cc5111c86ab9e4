import Foundation
import Testing

/// Every behavior with every object that takes it, as real runs of the binary against the sandbox: what is at the
/// destination in the end is what the behavior says, and each figure says what happened.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct FloorBehaviorTests {
    private struct Setting {
        var folder: WorkFolder
        var planhat: LocalPlanhat
        var database: SQLiteFile

        @discardableResult
        func sluice(_ arguments: String...) async throws -> Finished {
            try await folder.sluice(
                arguments, environment: ["PLANHAT_API_KEY": planhat.token, "TENANT": planhat.tenant])
        }

        /// - Parameter statuses: how it may end; a run whose answer was lost may be told as failed or as incomplete.
        func run(_ sync: String, status statuses: Int32..., options: [String] = []) async throws -> JSON {
            let done = try await folder.sluice(
                ["run", sync, "--json"] + options,
                environment: ["PLANHAT_API_KEY": planhat.token, "TENANT": planhat.tenant])
            #expect((statuses.isEmpty ? [0] : statuses).contains(done.status), "\(done.everything)")
            let run = try #require(try done.runs().first, "\(done.everything)")
            #expect(run.isBalanced, "\(done.output)")
            return run
        }

        /// The records of the test, by their key.
        func things(_ row: FloorTests.Row) throws -> [String: JSON] {
            try planhat.records(row.path, by: row.storedKey).filter { $0.key.hasPrefix("t") }
        }

        func reset() throws {
            try database.execute("delete from things; insert into things select * from all_things")
        }
    }

    /// Three companies, three people, forty things; and what `syncs` says beside the sync `parents` and `people`.
    private func setting(_ syncs: String, sandbox options: [String] = []) async throws -> Setting {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder, options)
        let database = SQLiteFile(path: folder.path + "/data.db")
        try database.execute(
            """
            create table parents (id text, email text);
            insert into parents values ('p1', 'one@p1.example'), ('p2', 'two@p2.example'), ('p3', 'three@p3.example');
            create table things (id text, company text, name text, amount real, day text, end_day text, email text,
                person text, score integer);
            insert into things
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 40)
            select 't' || i, p.id, 'Thing ' || i, i * 10.5, '2026-01-15', '2027-01-14', 't' || i || '@t.example', p.email,
                i % 11 from n join parents p on p.id = 'p' || (i % 3 + 1);
            create table all_things as select * from things;
            """)
        try folder.write(
            """
            version: 1
            sources:
              local: {type: sqlite, path: data.db}
            destinations:
              planhat: {type: planhat, base_url: "\(planhat.address)", analytics_url: "\(planhat.address)",
                api_key: "${PLANHAT_API_KEY}", tenant_uuid: "${TENANT}"}
            datasets:
              parents: {source: local, table: parents}
              things: {source: local, table: things}
            syncs:
              parents:
                from: parents
                to: planhat.company
                behavior: update_or_create
                key: {column: id, field: externalId}
                mappings: {name: id}
              people:
                from: parents
                to: planhat.end_user
                behavior: update_or_create
                key: {column: email, field: email}
                mappings: {companyId: {column: id, lookup: externalId}}
            \(syncs)
            """, to: "sluice.yaml")
        let setting = Setting(folder: folder, planhat: planhat, database: database)
        #expect(try await setting.run("parents").operations("created") == 3)
        #expect(try await setting.run("people").operations("created") == 3)
        return setting
    }

    private static func sync(_ name: String, _ row: FloorTests.Row, _ behavior: String, _ more: String = "") -> String {
        """
          \(name):
            from: things
            to: planhat.\(row.object)
            behavior: \(behavior)
            key: {column: id, field: \(row.key)}
            mappings: \(row.mappings)
            \(more)

        """
    }

    private static func row(_ object: String) throws -> FloorTests.Row {
        try #require(FloorTests.rows.first { $0.object == object })
    }

    // MARK: Mirror

    @Test(arguments: FloorTests.rows) func mirrorRemovesWhatVanishedAndNothingElse(_ row: FloorTests.Row) async throws {
        let setting = try await setting(Self.sync("things", row, "mirror"))
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
            Self.sync("things", row, "mirror") + Self.sync("sweep", row, "delete"), sandbox: ["--switch", "keys=id"])
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
        let setting = try await setting(Self.sync("things", row, "mirror", "removal: archive"))
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things where id in ('t3', 't17')")
        #expect(try await setting.run("things").operations("removed") == 2)
        let things = try setting.things(row)
        #expect(things.count == 40)
        #expect(Set(things.filter { $0.value["archived"].bool == true }.keys) == ["t3", "t17"])
    }

    @Test func mirrorClears() async throws {
        let row = try Self.row("company")
        let setting = try await setting(Self.sync("things", row, "mirror", "removal: clear"))
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things where id in ('t3', 't17')")
        #expect(try await setting.run("things").operations("removed") == 2)
        let things = try setting.things(row)
        #expect(things.count == 40 && things["t3"]?["name"].string == "Thing 3")
        #expect(things["t3"]?["web"] == .null && things["t4"]?["web"].string == "t4@t.example")
    }

    @Test func emptySourceRemovesNothing() async throws {
        let row = try Self.row("company")
        let setting = try await setting(Self.sync("things", row, "mirror"))
        #expect(try await setting.run("things").operations("created") == 40)
        try setting.database.execute("delete from things")
        let run = try await setting.run("things", status: 5)
        #expect(run.state == "stopped_by_guard" && run["guard"]["name"].string == "empty_scan")
        #expect(try setting.things(row).count == 40)
    }

    // MARK: Create only

    @Test(arguments: FloorTests.rows) func createOnlyLeavesAloneWhatIsThere(_ row: FloorTests.Row) async throws {
        let setting = try await setting(
            Self.sync("things", row, "update_or_create") + Self.sync("more", row, "create_only"))
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
            Self.sync("things", row, "update_or_create")
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
        let full = try await setting.run("events", status: 1, options: ["--full"])
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
        let first = try await setting.run("usage", status: 1, 3)
        #expect(first.operations("in_doubt") == 40 && first.operations("sent") == 0)
        let second = try await setting.run("usage")
        #expect(second.operations("sent") == 0 && second.rows("unchanged") == 40 && second.rows("held") == 0)
        #expect(try setting.planhat.lines("metrics").count == 40)
        #expect(try setting.planhat.state()["sent_again"].members.isEmpty)
    }

    /// Nothing arrived, and nobody can tell: the rows wait until somebody says so.
    @Test(arguments: ["drop-before", "drop-after"]) func activitiesInDoubtWait(_ rule: String) async throws {
        let setting = try await setting(Self.activities, sandbox: ["--fail", "\(rule) path=/analytics times=1"])
        #expect(try await setting.run("events", status: 1, 3).operations("in_doubt") == 40)
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

    @Test func refusedRequestIsNoDoubt() async throws {
        let setting = try await setting(
            Self.activities, sandbox: ["--fail", "status=429 retry-after=0 path=/analytics times=2"])
        let run = try await setting.run("events")
        #expect(run.operations("sent") == 40 && run.operations("in_doubt") == 0)
        #expect(try setting.planhat.lines("activities").count == 40)
    }
}
