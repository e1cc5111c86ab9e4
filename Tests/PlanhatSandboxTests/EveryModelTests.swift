import Foundation
import PlanhatSandbox
import Testing

/// What holds for all models alike.
@Suite struct EveryModelTests {
    private func id(_ answer: Answer) -> String { answer.list("upsertedIds").first as? String ?? "" }

    @Test func everyWritableModelHasASample() {
        let written = SandboxModel.allCases.filter { ![.customFields, .workflows].contains($0) }.map(\.path)
        #expect(Set(ModelSample.all.map(\.path)) == Set(written))
    }

    @Test(arguments: ModelSample.all)
    func recordIsMadeThenLeftAloneThenChangedByItsId(_ sample: ModelSample) throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.upsert(sample.json(), to: "/\(sample.path)")
        #expect(made.status == 200)
        #expect(made.counts == [1, 0, 0, 0, 0], "\(made.body)")
        let id = id(made)
        #expect(made.objects("insertsKeys").first?["_id"] as? String == id)
        let same = fixture.upsert(sample.json(["_id": "\"\(id)\""]), to: "/\(sample.path)")
        #expect(same.counts == [0, 0, 1, 0, 0], "\(same.body)")
        let more: [String: String?] = ["_id": "\"\(id)\"", sample.change.name: sample.change.value]
        let changed = fixture.upsert(sample.json(more), to: "/\(sample.path)")
        #expect(changed.counts == [0, 1, 0, 0, 0], "\(changed.body)")
        #expect(changed.list("modified").first as? String == id)
        #expect(fixture.send("GET", "/\(sample.path)/\(id)").text("_id") == id)
        #expect(fixture.sandbox.store.record(sample.path, id)?.contains("\"\(sample.change.name)\":") == true)
    }

    @Test(arguments: ModelSample.all)
    func eachKeyFindsTheRecord(_ sample: ModelSample) throws {
        for key in sample.keys {
            let fixture = try ModelSample.fixture()
            let value = key == "email" ? "\"k@one.example\"" : "\"k1\""
            let made = fixture.upsert(sample.json([key: value]), to: "/\(sample.path)")
            #expect(made.number("created") == 1, "\(made.body)")
            let echo = made.objects("insertsKeys").first?[key]
            #expect((echo != nil) == sample.echoes, "\(made.body)")
            let same = fixture.upsert(sample.json([key: value]), to: "/\(sample.path)")
            #expect(same.counts == [0, 0, 1, 0, 0], "\(key): \(same.body)")
            let more = [key: value, sample.change.name: sample.change.value]
            let changed = fixture.upsert(sample.json(more), to: "/\(sample.path)")
            #expect(changed.counts == [0, 1, 0, 0, 0], "\(key): \(changed.body)")
            #expect(changed.list("modified").first as? String == id(made))
        }
    }

    @Test(arguments: ModelSample.all)
    func rowsWithoutAKeyAreNewEachTime(_ sample: ModelSample) throws {
        guard Set(sample.keys).isDisjoint(with: sample.row.keys) else { return }
        let fixture = try ModelSample.fixture()
        let answer = fixture.upsert(sample.json() + "," + sample.json(), to: "/\(sample.path)")
        #expect(answer.number("created") == 2, "\(answer.body)")
    }

    @Test(arguments: ModelSample.all)
    func missingRequiredPropertyIsTold(_ sample: ModelSample) throws {
        for name in sample.row.keys where !sample.optional.contains(name) {
            let fixture = try ModelSample.fixture()
            let before = fixture.sandbox.store.count(of: sample.path)
            let answer = fixture.upsert(sample.json([name: nil]), to: "/\(sample.path)")
            let isDerived = sample.path == "tickets" && name == "companyId"
            if isDerived {
                #expect(answer.number("created") == 1)
            } else {
                #expect(answer.messages == ["\(name) is required"], "\(answer.body)")
                #expect(answer.list("createdErrors").count == 1)
                #expect(fixture.sandbox.store.count(of: sample.path) == before)
            }
        }
    }

    @Test(arguments: ModelSample.all)
    func customFieldsAreKept(_ sample: ModelSample) throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.upsert(sample.json(["custom": #"{"A b":[1,"2"]}"#]), to: "/\(sample.path)")
        let record = fixture.send("GET", "/\(sample.path)/\(id(made))")
        #expect((record.object["custom"] as? [String: Any])?.keys.sorted() == ["A b"], "\(record.body)")
    }

    @Test(arguments: ModelSample.ofCompanies)
    func companyIsNamedInEachWayAndShown(_ sample: ModelSample) throws {
        let fixture = try ModelSample.fixture()
        let name = sample.row["cId"] != nil ? "cId" : "companyId"
        let company = fixture.send("GET", "/companies/extid-one").text("_id") ?? ""
        for reference in [company, "extid-one", "srcid-s-one"] {
            var more: [String: String?] = [name: "\"\(reference)\""]
            if sample.path == "tickets" { more["sourceId"] = "\"\(reference)\"" }
            let row = sample.json(more)
            let made = fixture.upsert(row.replacing("b@one", with: "\(reference)@one"), to: "/\(sample.path)")
            #expect(made.number("created") == 1, "\(made.body)")
            let record = fixture.send("GET", "/\(sample.path)/\(id(made))")
            #expect(record.text(name) == company)
            #expect(record.text(name == "cId" ? "cName" : "companyName") == "One")
        }
        let unknown = fixture.upsert(sample.json([name: "\"extid-none\""]), to: "/\(sample.path)")
        #expect(unknown.messages == ["\(name) extid-none does not exist"])
        #expect(fixture.send("GET", "/\(sample.path)?companyId=\(company)&limit=50").array.count >= 3)
        #expect(fixture.send("GET", "/\(sample.path)?c=\(company),extid-two").array.count >= 3)
        #expect(fixture.send("GET", "/\(sample.path)?cid=extid-two").array.isEmpty)
    }

    @Test(arguments: ModelSample.ofCompanies)
    func externalIdIsUniqueWithinACompanyOnly(_ sample: ModelSample) throws {
        let key = sample.keys.last { $0.hasPrefix("ext") }
        guard let key else { return }
        let fixture = try ModelSample.fixture()
        let name = sample.row["cId"] != nil ? "cId" : "companyId"
        let rows = ["extid-one", "extid-two"].map { company in
            let row = sample.json([key: "\"e\"", name: "\"\(company)\""])
            return row.replacing("b@one", with: "\(company)@one")
        }
        #expect(fixture.upsert(rows.joined(separator: ","), to: "/\(sample.path)").counts == [2, 0, 0, 0, 0])
        #expect(fixture.upsert(rows.joined(separator: ","), to: "/\(sample.path)").counts == [0, 0, 2, 0, 0])
    }

    @Test(arguments: ModelSample.all)
    func sourceIdIsUniqueInTheModel(_ sample: ModelSample) throws {
        guard sample.keys.contains("sourceId") else { return }
        let fixture = try ModelSample.fixture()
        let first = fixture.upsert(sample.json(["sourceId": "\"s1\""]), to: "/\(sample.path)")
        var more: [String: String?] = ["sourceId": "\"s2\""]
        if sample.row["email"] != nil { more["email"] = "\"c@one.example\"" }
        let second = fixture.upsert(sample.json(more), to: "/\(sample.path)")
        #expect(first.number("created") == 1 && second.number("created") == 1, "\(second.body)")
        more["_id"] = "\"\(id(second))\""
        more["sourceId"] = "\"s1\""
        let clash = fixture.upsert(sample.json(more), to: "/\(sample.path)")
        #expect(clash.messages == ["sourceId duplicated"], "\(clash.body)")
        #expect(clash.list("updatedErrors").count == 1)
    }

    @Test(arguments: ModelSample.all)
    func pagesCoverAllRecordsOnce(_ sample: ModelSample) throws {
        let fixture = try ModelSample.fixture()
        let start = fixture.sandbox.store.count(of: sample.path)
        let rows = (0..<25).map { index in
            var more: [String: String?] = [:]
            if let key = sample.keys.first { more[key] = "\"p\(index)\"" }
            if sample.row["email"] != nil { more["email"] = "\"p\(index)@one.example\"" }
            return sample.json(more)
        }
        #expect(fixture.upsert(rows.joined(separator: ","), to: "/\(sample.path)").number("created") == 25)
        var ids: Set<String> = []
        for offset in stride(from: 0, to: start + 30, by: 10) {
            let page = fixture.send("GET", "/\(sample.path)?limit=10&offset=\(offset)&sort=_id&select=_id").array
            #expect(page.count == min(10, max(0, start + 25 - offset)))
            ids.formUnion(page.compactMap { $0["_id"] as? String })
        }
        #expect(ids.count == start + 25)
        #expect(fixture.sandbox.store.count(of: sample.path) == start + 25)
    }

    @Test(arguments: ModelSample.all)
    func recordIsDeleted(_ sample: ModelSample) throws {
        let fixture = try ModelSample.fixture()
        let before = fixture.sandbox.store.count(of: sample.path)
        let id = id(fixture.upsert(sample.json(), to: "/\(sample.path)"))
        let answer = fixture.send("DELETE", "/\(sample.path)/\(id)")
        #expect(answer.status == 200)
        #expect((answer.number("deletedCount") == 1) == (sample.path != "conversations"))
        #expect((answer.text("_id") == id) == (sample.path == "conversations"))
        #expect(fixture.send("GET", "/\(sample.path)/\(id)").status == 404)
        #expect(fixture.sandbox.store.count(of: sample.path) == before)
        #expect(fixture.sandbox.store.totals(of: sample.path).deleted == 1)
    }

    @Test func stateIsTheSameAfterARestartForEveryModel() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sandbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/data.jsonl"
        let before = try SandboxFixture(dataFile: path)
        before.upsert(#"{"externalId":"one","name":"One"}"#)
        before.upsert(#"{"email":"a@one.example","companyId":"extid-one"}"#, to: "/endusers")
        before.upsert(#"{"name":"D","companyId":"extid-one"}"#, to: "/deals")
        for sample in ModelSample.all {
            var more: [String: String?] = ["custom": #"{"C":1}"#]
            if let key = sample.keys.first { more[key] = "\"k@one.example\"" }
            let row = sample.json(more)
            #expect(before.upsert(row, to: "/\(sample.path)").number("created") == 1)
        }
        try before.sandbox.save()
        let after = try SandboxFixture(dataFile: path)
        for model in SandboxModel.allCases {
            #expect(after.send("GET", "/\(model.path)").body == before.send("GET", "/\(model.path)").body)
        }
    }
}
