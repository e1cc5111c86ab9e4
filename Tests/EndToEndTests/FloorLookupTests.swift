import Foundation
import Testing

/// References that are found by reading, and custom fields of every spelling, as real runs of the binary against the
/// sandbox: each value is found at the destination as it should be.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct FloorLookupTests {
    /// An account with two companies, two people and two campaigns in it.
    private struct Setting {
        let folder: WorkFolder
        let planhat: LocalPlanhat

        init() async throws {
            folder = try WorkFolder()
            planhat = try await LocalPlanhat(folder)
            for field in FloorLookupTests.customFields {
                let answer = try LoopbackHTTP.ask(
                    "POST", "/customfields", headers: ["Authorization: Bearer \(planhat.token)"], body: field,
                    port: planhat.port)
                #expect(answer.status == 200, "\(answer.body)")
            }
            try SQLiteFile(path: folder.path + "/data.db").execute(FloorLookupTests.tables)
            try folder.write(FloorLookupTests.project(planhat.address), to: "sluice.yaml")
            for sync in ["companies", "people", "campaigns"] {
                #expect(try await run(sync).operations("created") == 2, "\(sync)")
            }
        }

        /// Runs a sync; its books balance.
        func run(_ sync: String, status: Int32 = 0) async throws -> JSON {
            let done = try await folder.sluice(
                ["run", sync, "--json"], environment: ["PLANHAT_API_KEY": planhat.token])
            #expect(done.status == status, "\(done.everything)")
            let run = try #require(try done.runs().first, "\(done.everything)")
            #expect(run.isBalanced, "\(done.output)")
            return run
        }

        func id(_ path: String, _ field: String, _ key: String) throws -> String {
            try #require(try planhat.records(path, by: field)[key]?["_id"].string)
        }
    }

    private static let customFields = [
        ##"{"parent":"company","name":"# Overdue. Invoices","type":"number"}"##,
        #"{"parent":"company","name":"Produkter 日本","type":"multipicklist","listValues":["Å","B & C"]}"#,
        #"{"parent":"company","name":"Owner \"2\"","type":"team member"}"#,
        #"{"parent":"company","name":"Notiz (HTML)","type":"rich text"}"#,
        #"{"parent":"company","name":"Läge: 1/2","type":"text"}"#,
    ]

    private static let html = #"<p class="a">Hi &amp; "bye" 👋</p>"#

    private static let tables = """
        create table parents (id text, name text, domains json, owner text, second text);
        insert into parents values
            ('p1', 'Acme', '["acme.example"]', 'Anna.Berg@example.com', 'mei.tanaka@example.com'),
            ('p2', 'Åkeri & Söner', '["akeri.example", "sub.akeri.example"]', ' joao.silva@example.com ', null);
        create table persons (email text, company text);
        insert into persons values ('One@acme.example', 'p1'), ('two@akeri.example', 'p2');
        create table campaigns (id text, company text, name text);
        insert into campaigns values ('c1', 'p1', 'Spring'), ('c2', 'p2', 'Höst');
        create table deals (id text, company text, domain text, owner text, person text, persons json, campaign text,
            score integer, accounts json, names json, domains json);
        insert into deals values
            ('d1', 'Acme', 'ACME.example', 'anna.berg@example.com', 'one@acme.example',
             '["ONE@acme.example", "two@akeri.example"]', 'Spring', 3, '["p1", "p2"]', '["Åkeri & Söner"]', '[]'),
            ('d2', 'Åkeri & Söner', 'sub.akeri.example', 'Mei.Tanaka@example.com', 'two@akeri.example', '[]', 'Höst', 9,
             '["p2"]', '["Acme"]', '["sub.akeri.example", "ACME.example"]'),
            ('d3', 'Nobody', 'nobody.example', 'nobody@example.com', 'three@akeri.example', '["nobody@x.example"]',
             'Winter', 1, '["p1", "p9"]', '["Acme", "Nobody"]', '["acme.example", "nobody.example"]');
        create table odd (id text, invoices real, picks json, html text, place text, csm text);
        insert into odd values
            ('p1', 3.5, '["Å", "B & C"]', '\(html)', 'Göteborg', 'anna.berg@example.com'),
            ('p2', null, '[]', null, '', null), ('p3', 1, '["C"]', null, null, null);
        """

    private static func sync(_ name: String, _ table: String, _ object: String, _ key: String, _ mappings: String)
        -> String
    {
        """
          \(name):
            from: {source: local, table: \(table)}
            to: planhat.\(object)
            behavior: update_or_create
            guards: {invalid_percent_max: 100}
            key: \(key)
            mappings: {\(mappings)}

        """
    }

    private static func project(_ address: String) -> String {
        let company = "companyId: {column: company, lookup: externalId}"
        let id = "{column: id, field: sourceId}"
        return """
            version: 1
            sources:
              local: {type: sqlite, path: data.db}
            destinations:
              planhat: {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}"}
            syncs:

            """
                + sync(
                    "companies", "parents", "company", "{column: id, field: externalId}",
                    "name: name, domains: domains, owner: {column: owner, lookup: email}, "
                        + "coOwner: {column: second, lookup: email}")
                + sync("people", "persons", "end_user", "{column: email, field: email}", company)
                + sync("campaigns", "campaigns", "campaign", id, "\(company), name: name")
                + sync(
                    "by_name", "deals", "opportunity", id,
                    "companyId: {column: company, lookup: name}, title: id, ownerId: {column: owner, lookup: email}")
                + sync("by_domain", "deals", "asset", id, "companyId: {column: domain, lookup: domain}, name: id")
                + sync("issues", "deals", "issue", id, "title: id, enduserIds: {column: persons, lookup: email}")
                + sync("by_ids", "deals", "issue", id, "title: id, companyIds: {column: accounts, lookup: externalId}")
                + sync("by_names", "deals", "issue", id, "title: id, companyIds: {column: names, lookup: name}")
                + sync("by_domains", "deals", "issue", id, "title: id, companyIds: {column: domains, lookup: domain}")
                + sync(
                    "answers", "deals", "nps", id,
                    "email: person, score: score, campaignId: {column: campaign, lookup: name}")
                + sync(
                    "odd", "odd", "company", "{column: id, field: externalId}",
                    """
                    "custom.# Overdue. Invoices": invoices, "custom.Produkter 日本": picks, 'custom.Notiz (HTML)': html, \
                    'custom.Owner "2"': {column: csm, lookup: email}, "custom.Läge: 1/2": place
                    """)
    }

    @Test func ownersAreFoundByTheirEmailAddresses() async throws {
        let setting = try await Setting()
        let companies = try setting.planhat.records("companies", by: "externalId")
        func user(_ email: String) throws -> String { try setting.id("users", "email", email) }
        #expect(companies["p1"]?["owner"].string == (try user("anna.berg@example.com")))
        #expect(companies["p1"]?["coOwner"].string == (try user("mei.tanaka@example.com")))
        #expect(companies["p2"]?["owner"].string == (try user("joao.silva@example.com")))
        #expect(companies["p2"]?["coOwner"].string == nil)

        let run = try await setting.run("by_name", status: 3)
        #expect(run.operations("created") == 2 && run.rows("invalid") == 1)
        let deals = try setting.planhat.records("opportunities", by: "sourceId")
        #expect(deals["d1"]?["ownerId"].string == (try user("anna.berg@example.com")))
        #expect(deals["d2"]?["ownerId"].string == (try user("mei.tanaka@example.com")))
    }

    @Test(arguments: [("by_name", "opportunities"), ("by_domain", "assets")])
    func companiesAreFoundByNameAndByDomain(_ sync: String, _ path: String) async throws {
        let setting = try await Setting()
        let run = try await setting.run(sync, status: 3)
        #expect(run.operations("created") == 2 && run.rows("invalid") == 1)
        #expect(run["reasons"].list.map { $0["code"].string } == ["lookup_missing"])
        let written = try setting.planhat.records(path, by: "sourceId")
        #expect(written.keys.sorted() == ["d1", "d2"])
        for (deal, company) in [("d1", "p1"), ("d2", "p2")] {
            #expect(written[deal]?["companyId"].string == (try setting.id("companies", "externalId", company)))
        }
        let again = try await setting.run(sync, status: 3)
        #expect(again.rows("unchanged") == 2 && again["requests"].int == 0)
    }

    @Test func endUsersAreFoundByTheirEmailAddressesInLists() async throws {
        let setting = try await Setting()
        #expect(try await setting.run("issues", status: 3).operations("created") == 2)
        let issues = try setting.planhat.records("issues", by: "sourceId")
        let people = try ["one@acme.example", "two@akeri.example"].map { try setting.id("endusers", "email", $0) }
        #expect(issues["d1"]?["enduserIds"].list.map(\.string) == people)
        #expect(issues["d2"]?["enduserIds"].list.isEmpty == true && issues["d3"] == nil)
    }

    /// Planhat need not take external ids in a list: it is sent its own. One company that is not there leaves the row out.
    @Test func companiesAreFoundInLists() async throws {
        let setting = try await Setting()
        let lists = [
            ("by_ids", [["p1", "p2"], ["p2"]]), ("by_names", [["p2"], ["p1"]]), ("by_domains", [[], ["p2", "p1"]]),
        ]
        for (sync, companies) in lists {
            let run = try await setting.run(sync, status: 3)
            #expect(run.rows("invalid") == 1 && run.operations("rejected") == 0, "\(sync)")
            #expect(run["reasons"].list.map { $0["code"].string } == ["lookup_missing"], "\(sync)")
            let issues = try setting.planhat.records("issues", by: "sourceId")
            for (issue, wanted) in zip(["d1", "d2"], companies) {
                let ids = try wanted.map { try setting.id("companies", "externalId", $0) }
                #expect(issues[issue]?["companyIds"].list.map(\.string) == ids, "\(sync): \(issue)")
            }
            #expect(issues["d3"] == nil)
        }
    }

    @Test func campaignsAreFoundByTheirNames() async throws {
        let setting = try await Setting()
        #expect(try await setting.run("answers", status: 3).operations("created") == 2)
        let answers = try setting.planhat.records("nps", by: "sourceId")
        for (answer, campaign) in [("d1", "c1"), ("d2", "c2")] {
            #expect(answers[answer]?["campaignId"].string == (try setting.id("campaigns", "sourceId", campaign)))
        }
        #expect(answers["d1"]?["score"].int == 3 && answers["d3"] == nil)
    }

    /// `#`, dots, quotes, a colon, letters of other scripts; HTML, a list of choices, a user: each as it was meant.
    @Test func customFieldsArriveWhateverTheirNamesAndTypesAre() async throws {
        let setting = try await Setting()
        let run = try await setting.run("odd", status: 3)
        #expect(run.operations("updated") == 2 && run.rows("invalid") == 1)
        #expect(run["reasons"].list.map { $0["code"].string } == ["not_a_choice"])
        let companies = try setting.planhat.records("companies", by: "externalId")
        let custom = companies["p1"]?["custom"] ?? .null
        #expect(custom["# Overdue. Invoices"] == .number(3.5))
        #expect(custom["Produkter 日本"] == .array([.string("Å"), .string("B & C")]))
        #expect(custom["Notiz (HTML)"].string == Self.html && custom["Läge: 1/2"].string == "Göteborg")
        #expect(custom["Owner \"2\""].string == (try setting.id("users", "email", "anna.berg@example.com")))
        #expect(companies["p2"]?["custom"]["Produkter 日本"] == .array([]))
        #expect(companies["p3"] == nil)
        #expect(try await setting.run("odd", status: 3).rows("unchanged") == 2)
    }
}
