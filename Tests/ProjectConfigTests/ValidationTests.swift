import ConnectorKit
import Foundation
import ProjectConfig
import Testing

struct ValidationTests {
    private func problems(_ text: String) throws -> [String] {
        try TemporaryProject(["sluice.yaml": text]).problems()
    }

    @Test func goodProjectHasNoProblems() throws {
        #expect(try problems(Sample.project).isEmpty)
    }

    @Test(arguments: [
        "custom.Plan: plan", "custom.With dots. And spaces: plan", "srcId: other_id", "owner: csm_id",
        "owner: {column: csm, lookup: email}", "phoneNumber: phone", "seats: {constant: 5}", "seats: {constant: '5'}",
        "seats: {constant: 3.0}", "seats: {constant: '3.00'}", "mrr: {constant: 1e3}", "active: {constant: true}",
        "renewal: {constant: 2028-02-29}",
        "renewal: {constant: '2026-01-31T10:00:00Z'}", "contact: {constant: a@b.c}", "tags: {constant: [a, b]}",
        "tags: {constant: a}", "phone: {constant: null}", "status: {constant: lost}", "phone: {constant: 46}",
        "custom.X: {constant: {a: 1}}", "custom.Owner: {column: a, lookup: email}",
        "team: members", "team: {column: members, lookup: email}", "team: {column: members, lookup: nickname}",
        "team: {constant: [id1, id2]}", "products: {constant: [mail, chat]}", "products: {constant: chat}",
        "products: {constant: []}", "tags: {constant: [1, true, null, 2.50]}", "status: {constant: null}",
    ])
    func goodMappingIsAccepted(_ line: String) throws {
        #expect(try problems(Sample.mapping("name: n", line)) == [])
    }

    @Test(arguments: [
        ("team: {column: m, lookup: emial}", "did you mean `email`? it is one of: email, nickname"),
        ("team: {column: m, lookup: phone}", "it is one of: email, nickname"),
        ("products: {column: p, lookup: email}", "remove `lookup`"),
        ("owner: {constant: a@b.c, lookup: email}", "only columns are looked up"),
        ("products: {constant: [mail, cat]}", "the nearest is \"chat\""),
        ("products: {constant: mial}", "the nearest is \"mail\""),
        ("mrr: {constant: '+5'}", "\"+5\" is not a number"), ("mrr: {constant: '0x10'}", "is not a number"),
        ("renewal: {constant: '2026-01-01T99:99:99'}", "is not a date"),
        ("seats: {constant: 9223372036854775808.0}", "is not a whole number"),
        ("tags: {constant: [[a]]}", "expected a list of texts"),
        ("team: {constant: {a: 1}}", "expected a list of texts"),
        ("status: {constant: [lost]}", "expected a text"),
    ])
    func badLookUpsAndListsAreRefusedWithAHint(_ line: String, _ hint: String) throws {
        let found = try problems(Sample.mapping("name: n", line))
        #expect(found.count == 1)
        #expect(found.first?.contains(hint) == true, "\(found)")
    }

    @Test func anyChoiceIsAConstantWhereTheSyncAllowsUnknownOnes() throws {
        let text = Sample.mapping("name: n", "status: {constant: new}", "products: {constant: [cat]}")
        #expect(try problems(text).count == 2)
        let allowed = text.replacingOccurrences(
            of: "    mappings:", with: "    allow_unknown_choices: true\n    mappings:")
        #expect(try problems(allowed) == [])
        let loaded = try TemporaryProject(["sluice.yaml": allowed]).load()
        #expect(loaded.project.syncs.map(\.allowUnknownChoices) == [true])
        #expect(try problems(allowed.replacingOccurrences(of: "choices: true", with: "choices: maybe")).count == 1)
    }

    @Test(arguments: [
        ("region: nowhere", true), ("region: \"${REGION}\"", false), ("region: us3", false),
    ])
    func whatAConnectorSaysOfASettingInTheFileIsToldAtItsPlace(_ line: String, _ isWrong: Bool) throws {
        let text = """
            version: 1
            destinations:
              crm:
                type: crm
                api_key: ${CRM_KEY}
                \(line)

            """
        let found = try problems(text).filter { $0.contains("region_not_understood") }
        #expect(found.count == (isWrong ? 1 : 0))
        #expect(found.allSatisfy { $0.contains("sluice.yaml:6:13: error") }, "\(found)")
    }

    @Test(arguments: ["externalId", "sourceId", "srcId"])
    func everyKeyAndItsSpellingsAreAccepted(_ field: String) throws {
        #expect(try problems(Sample.project.replacingOccurrences(of: "externalId", with: field)) == [])
    }

    @Test func whereItCanBeReadWithinGoesWithUpdateOnly() throws {
        let text = Sample.mapping("companyId: {column: account, lookup: externalId}")
            .replacingOccurrences(of: "crm.company", with: "crm.person")
            .replacingOccurrences(of: "update_or_create", with: "update_only")
            .replacingOccurrences(of: "field: externalId}", with: "field: externalId, within: account}")
        #expect(try problems(text) == [])
        #expect(try problems(text.replacingOccurrences(of: "{column: account,", with: "{column: other,")).count == 1)
    }

    @Test func updatesNeedNoRequiredFields() throws {
        let text = Sample.mapping("phone: p").replacingOccurrences(of: "update_or_create", with: "update_only")
        #expect(try problems(text) == [])
    }

    @Test func oneOfSeveralRequiredFieldsIsEnough() throws {
        let text =
            Sample.connections + """
                syncs:
                  usage:
                    from: {source: local, sql: select * from usage}
                    to: crm.event
                    behavior: send
                    key: {column: account_id, field: externalId}
                    mappings: {share: v}

                """
        #expect(try problems(text) == [])
        let told = try problems(text.replacingOccurrences(of: "share", with: "remark"))
        #expect(told.count == 1)
        #expect(told.first?.contains("a new Event needs `value` or `share`, none of which is mapped") == true)
    }

    @Test(arguments: [("system", 1), ("mine", 0)])
    func constantThatTheDestinationReservesIsRefused(_ value: String, _ count: Int) throws {
        let told = try problems(
            Sample.connections + """
                syncs:
                  usage:
                    from: {source: local, sql: select * from usage}
                    to: crm.event
                    behavior: send
                    key: {column: account_id, field: externalId}
                    mappings: {value: v, remark: {constant: \(value)}}

                """)
        #expect(told.count == count)
        #expect(told.allSatisfy { $0.contains("error[reserved_value]") && $0.contains("reserved are: system") })
    }

    /// What is sent makes a record: it cannot name one that is there.
    @Test(arguments: [("_id", "only the destination gives it out"), ("id", "there is only `externalId`")])
    func keyThatOnlyTheDestinationGivesOutIsNotSent(_ field: String, _ words: String) throws {
        let told = try problems(
            Sample.connections.replacingOccurrences(of: "api_key: ", with: "visit_token: \"${VISITS}\", api_key: ")
                + """
                syncs:
                  visits:
                    from: {source: local, table: visits}
                    to: crm.visit
                    behavior: send
                    key: {column: id, field: \(field)}
                    mappings: {value: v}

                """)
        #expect(told.count == 1 && told.first?.contains("error[illegal_key]") == true, "\(told)")
        #expect(told.first?.contains(words) == true, "\(told)")
    }

    @Test func keyAsReferenceIsAcceptedWhereAnObjectIsSent() throws {
        let text =
            Sample.connections + """
                syncs:
                  usage:
                    from: {source: local, sql: select * from usage}
                    to: crm.event
                    behavior: send
                    key: {column: account_id, field: externalId}
                    mappings: {value: v}

                """
        #expect(try problems(text) == [])
        #expect(try problems(text.replacingOccurrences(of: ", field: externalId", with: "")) == [])
    }

    @Test func settingThatOnlySomeObjectsNeedIsAskedForByTheirSyncsAlone() throws {
        let text =
            Sample.project + """
                  visits:
                    from: {source: local, table: visits}
                    to: crm.visit
                    behavior: send
                    key: {column: id}
                    mappings: {externalId: account, value: v}
                  more:
                    from: {source: local, table: visits}
                    to: crm.visit
                    behavior: send
                    key: {column: id}
                    mappings: {externalId: account, value: v}

                """
        let found = try problems(text)
        #expect(found.count == 2 && found.allSatisfy { $0.contains("error[missing_setting]") }, "\(found)")
        #expect(found[0].contains("the sync `visits`") && found[0].contains("`visit_token`"), "\(found)")
        #expect(found[1].contains("the sync `more`"), "\(found)")
        let given = text.replacingOccurrences(of: "api_key: ", with: "visit_token: \"${VISITS}\", api_key: ")
        #expect(try problems(given) == [])
    }

    @Test func unknownConnectionsDoNotHideOtherProblems() throws {
        let text = Sample.project.replacingOccurrences(of: "type: filedb", with: "type: nothing")
            .replacingOccurrences(of: "crm.company", with: "crm.compani")
        let found = try problems(text)
        #expect(found.count == 2)
        #expect(found[0].contains("unknown_type") && found[1].contains("unknown_object"))
    }

    @Test func differentFieldsOfOneObjectDoNotOverlap() throws {
        let other = Sample.company.replacingOccurrences(of: "syncs:\n", with: "")
            .replacingOccurrences(of: "companies", with: "plans")
            .replacingOccurrences(of: "update_or_create", with: "update_only")
            .replacingOccurrences(of: "name: account_name", with: "custom.Plan: plan")
        #expect(try problems(Sample.project + other) == [])
    }

    @Test func longChainsOfSyncsAreNoCycle() throws {
        var text = Sample.connections + "syncs:\n"
        for number in 0..<200 {
            text += Sample.company.replacingOccurrences(of: "syncs:\n", with: "")
                .replacingOccurrences(of: "companies", with: "s\(number)")
                .replacingOccurrences(of: "name: account_name", with: "custom.F\(number): x")
                .replacingOccurrences(of: "update_or_create", with: "update_only")
            if number > 0 { text += "    schedule: {after: [s\(number - 1), s0]}\n" }
        }
        #expect(try problems(text) == [])
    }
}

struct ScheduleTests {
    @Test(arguments: [
        ("15m", 900), ("90s", 90), ("1h30m", 5_400), ("2d", 172_800), ("1d2h3m4s", 93_784),
    ])
    func durationsAreRead(_ text: String, _ seconds: Int) {
        #expect(EveryDuration.seconds(text) == seconds)
    }

    @Test(arguments: ["", "15", "m", "15 m", "-5m", "1.5h", "15min", "٣m", "9999999999s"])
    func otherTextsAreNoDurations(_ text: String) {
        #expect(EveryDuration.seconds(text) == nil)
    }

    @Test func cronFieldsAreRead() throws {
        let cron = try CronExpression("*/20 8-10,20 1,15 jan-mar/2 SUN,1-3,7")
        #expect(cron.minutes == [0, 20, 40] && cron.hours == [8, 9, 10, 20] && cron.days == [1, 15])
        #expect(cron.months == [1, 3] && cron.weekdays == [0, 1, 2, 3] && cron.isEitherDayEnough)
        #expect(try CronExpression("5/15 * * * *").minutes == [5, 20, 35, 50])
        #expect(try CronExpression("@daily").hours == [0])
        #expect(try CronExpression("0 0 29 2 *").months == [2])
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *",
        "1-a * * * *", "5-1 * * * *", "*/0 * * * *", "*/61 * * * *", "1,,2 * * * *", "-1 * * * *", "0 0 30 feb *",
        "@never", "+5 * * * *", "1-2-3 * * * *",
    ])
    func otherTextsAreNoCron(_ text: String) {
        #expect(throws: CronExpression.Malformed.self) { try CronExpression(text) }
    }
}
