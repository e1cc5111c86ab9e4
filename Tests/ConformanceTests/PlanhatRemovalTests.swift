import ConnectorKit
import DestinationPlanhat
import PlanhatSandbox
import Records
import TestKit
import Testing

/// Removals, ids and reading back, against the sandbox over HTTP, with every answer that Planhat may give.
@Suite struct PlanhatRemovalTests {
    private static let tenant = SandboxConfiguration.defaultTenantUUID

    /// A sandbox with three companies, three people and one issue, and a destination that writes to it.
    private func withSandbox(
        _ switches: [String] = [], rules: [String] = [],
        tenant: String = PlanhatRemovalTests.tenant,
        body: @escaping @Sendable (Sandbox, PlanhatDestination) async throws -> Void
    ) async throws {
        var configuration = SandboxConfiguration()
        configuration.switches = try SandboxSwitches(switches)
        configuration.failRules = try SandboxConfiguration.failRules(rules)
        let sandbox = try Sandbox(configuration)
        let (ports, ready) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await sandbox.run { ready.yield($0) }
            }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let address = "http://127.0.0.1:\(port)"
            let settings = ConnectorSettings(
                name: "crm", texts: ["base_url": address, "analytics_url": address],
                secrets: [
                    "api_key": Secret(SandboxConfiguration.defaultToken), "tenant_uuid": Secret(tenant),
                ])
            Self.fill(sandbox)
            let planhat = PlanhatDestination(try PlanhatSettings(settings), context: DestinationContext())
            try await body(sandbox, planhat)
        }
    }

    private static func fill(_ sandbox: Sandbox) {
        _ = sandbox.perform(
            "PUT", "/companies",
            #"[{"externalId":"1","name":"One","web":"a"},{"externalId":"2","name":"Two","web":"b"},"#
                + #"{"externalId":"3","name":"Three"}]"#)
        _ = sandbox.perform(
            "PUT", "/endusers",
            #"[{"externalId":"7","companyId":"extid-1","email":"a@x.example"},"#
                + #"{"externalId":"7","companyId":"extid-2","email":"b@x.example"},"#
                + #"{"sourceId":"s3","companyId":"extid-2","email":"c@x.example","archived":true}]"#)
        _ = sandbox.perform("PUT", "/issues", #"[{"sourceId":"i1","title":"Crash"}]"#)
        _ = sandbox.perform("PUT", "/tickets", #"[{"sourceId":"t1","email":"a@x.example","companyId":"extid-1"}]"#)
        _ = sandbox.perform("PUT", "/conversations", #"[{"externalId":"v1","companyId":"extid-1"}]"#)
        _ = sandbox.perform("PUT", "/invoices", #"[{"extId":"n1","cId":"extid-1","currency":"EUR"}]"#)
    }

    private static func batch(_ kind: OperationKind, _ keyField: String, _ rows: [(String, String)]) -> OperationBatch {
        var batch = OperationBatch(kind: kind, keyField: keyField)
        for (key, payload) in rows { batch.append(key: key, payload: payload) }
        return batch
    }

    private static func codes(_ outcome: BatchOutcome) -> [String]? {
        guard case .attributed(let outcomes, _) = outcome else { return nil }
        return outcomes.map { outcome in
            if case .rejected(let reason) = outcome { reason.code } else { "\(outcome)" }
        }
    }

    private static func remove(
        _ planhat: PlanhatDestination, _ object: DestinationObject, _ keyField: String, _ key: String, id: String = ""
    ) async throws -> String {
        let outcome = try await planhat.write(batch(.delete, keyField, [(key, id)]), to: object)
        return codes(outcome)?.first ?? "unattributed"
    }

    @Test(arguments: ["absent-delete=not-found", "absent-delete=zero", "delete-by-key=refuse", "bodies=text"])
    func recordsGoByEachKeyAndMayGoTwice(_ setting: String) async throws {
        try await withSandbox([setting]) { (sandbox, planhat) async throws -> Void in
            for (object, field, key) in [
                (PlanhatObjects.company, "externalId", "3"), (PlanhatObjects.endUser, "email", "c@x.example"),
                (PlanhatObjects.endUser, "externalId", #"["7","1"]"#), (PlanhatObjects.issue, "sourceId", "i1"),
                (PlanhatObjects.ticket, "sourceId", "t1"), (PlanhatObjects.conversation, "externalId", "v1"),
                (PlanhatObjects.invoice, "extId", "n1"),
            ] as [(DestinationObject, String, String)] {
                let before = sandbox.store.count(of: object.path)
                #expect(try await Self.remove(planhat, object, field, key) == "accepted", "\(object.name)")
                #expect(sandbox.store.count(of: object.path) == before - 1, "\(object.name)")
                #expect(try await Self.remove(planhat, object, field, key) == "accepted", "\(object.name)")
                #expect(sandbox.store.count(of: object.path) == before - 1, "\(object.name)")
            }
            // The other company's person of the same external id is still there.
            #expect(sandbox.store.record("endusers", "extid-7")?.contains("b@x.example") == true)
            let id = "5a6b8c0d0e01000000000000"
            for _ in 0..<2 { #expect(try await Self.remove(planhat, PlanhatObjects.company, "_id", id) == "accepted") }
            #expect(sandbox.store.count(of: "companies") == 1)
        }
    }

    @Test func emailOfTwoPeopleRemovesNeither() async throws {
        try await withSandbox { (sandbox, planhat) async throws -> Void in
            _ = sandbox.perform(
                "PUT", "/endusers", #"[{"sourceId":"s8","companyId":"extid-3","email":"c@x.example"}]"#)
            let before = sandbox.store.count(of: "endusers")
            #expect(try await Self.remove(planhat, PlanhatObjects.endUser, "email", "c@x.example") == "ambiguous_key")
            #expect(sandbox.store.count(of: "endusers") == before)
        }
    }

    @Test(arguments: ["unknown-id=ignore", "unknown-id=error", "unknown-id=create", "nulls=clear"])
    func clearingNeverCreates(_ setting: String) async throws {
        try await withSandbox([setting]) { sandbox, planhat in
            let rows = [
                ("1", #"{"externalId":"1","name":null,"web":null}"#), ("9", #"{"externalId":"9","web":null}"#),
                ("x", #"{"_id":"5a6b8c0d0e01000000000099","web":null}"#),
            ]
            for _ in 0..<2 {
                let outcome = try await planhat.write(
                    Self.batch(.clear, "externalId", rows), to: PlanhatObjects.company)
                // A batch whose answer names nobody is halved by the engine until each row stands alone.
                if let codes = Self.codes(outcome) { #expect(codes == ["accepted", "accepted", "accepted"]) }
                for row in rows {
                    let one = try await planhat.write(
                        Self.batch(.clear, "externalId", [row]), to: PlanhatObjects.company)
                    #expect(Self.codes(one) == ["accepted"])
                }
            }
            #expect(sandbox.store.count(of: "companies") == 3)
            let one = sandbox.store.record("companies", "extid-1") ?? ""
            #expect(one.contains(#""name":"One""#) && !one.contains("web"))
        }
    }

    @Test func archivedPeopleAreHiddenAndNoneIsMade() async throws {
        try await withSandbox { sandbox, planhat in
            let rows = [
                ("a@x.example", #"{"email":"a@x.example","archived":true}"#),
                ("gone@x.example", #"{"email":"gone@x.example","archived":true}"#),
                ("c@x.example", #"{"email":"c@x.example","archived":true}"#),
            ]
            let outcome = try await planhat.write(Self.batch(.archive, "email", rows), to: PlanhatObjects.endUser)
            #expect(Self.codes(outcome) == ["accepted", "accepted", "accepted"])
            #expect(sandbox.perform("GET", "/endusers?select=email").body.contains("b@x.example"))
            #expect(!sandbox.perform("GET", "/endusers?select=email").body.contains("a@x.example"))
            #expect(sandbox.store.count(of: "endusers") == 3)
        }
    }

    @Test func missingPermissionIsAnError() async throws {
        try await withSandbox(rules: ["status=403 method=DELETE"]) { sandbox, planhat in
            let error = await #expect(throws: DestinationError.self) {
                _ = try await Self.remove(planhat, PlanhatObjects.company, "externalId", "1")
            }
            #expect(error?.code == "forbidden" && error?.message.contains("delete company") == true)
            #expect(sandbox.store.count(of: "companies") == 3)
        }
    }

    // MARK: Ids

    /// Ids that are told are those of the rows; where the answer names only ids, one row alone has one.
    @Test(arguments: ["keys=echo", "keys=id", "key-order=reverse"])
    func idsThatAreToldAreRight(_ setting: String) async throws {
        try await withSandbox([setting]) { sandbox, planhat in
            var rows = OperationBatch(kind: .upsert, keyField: "externalId")
            for key in ["1", "2", "5", "6"] {
                rows.append(key: key, payload: #"{"externalId":"\#(key)","name":"N\#(key)"}"#)
            }
            rows.wantsIDs = true
            for size in [4, 1] {
                for start in stride(from: 0, to: rows.count, by: size) {
                    let part = rows.slice(start..<(start + size))
                    guard case .attributed(_, let tally) = try await planhat.write(part, to: PlanhatObjects.company)
                    else {
                        Issue.record("not attributed")
                        continue
                    }
                    for (index, id) in tally.ids.enumerated() where id != nil {
                        let record = sandbox.store.record("companies", id ?? "") ?? ""
                        #expect(record.contains(#""externalId":"\#(part.keyText(index))""#))
                    }
                    if setting != "keys=id", size == 4 { #expect(tally.ids.allSatisfy { $0 != nil }) }
                }
            }
        }
    }

    // MARK: Metrics

    private static let metrics = batch(
        .send, "",
        [
            ("m1", #"{"dimensionId":"seats","value":5,"externalId":"1","date":"2026-01-02T00:00:00.000Z"}"#),
            ("m2", #"{"dimensionId":"seats","value":6,"externalId":"2","date":"2026-01-02T00:00:00.000Z"}"#),
            ("m3", #"{"dimensionId":"seats","value":7,"externalId":"s","model":"Asset","date":"2026-01-03"}"#),
        ])

    @Test(arguments: [("drop-after", [true, true, nil]), ("drop-before", [nil, nil, nil])] as [(String, [Bool?])])
    func lostAnswerIsReadBack(_ rule: String, _ expected: [Bool?]) async throws {
        try await withSandbox(rules: ["\(rule) path=/dimensiondata method=POST times=1"]) { sandbox, planhat in
            let error = await #expect(throws: DestinationError.self) {
                _ = try await planhat.write(Self.metrics, to: PlanhatObjects.metric)
            }
            #expect(error?.isKnownUnsent == false)
            let told = try await planhat.haveArrived(Self.metrics, object: PlanhatObjects.metric)
            #expect(told == expected)
            #expect(sandbox.store.events("metrics").created == expected.compactMap(\.self).count)
        }
    }

    @Test func dayOfAMetricAloneProvesNothing() async throws {
        try await withSandbox(["metric-time=day"]) { _, planhat in
            let noon = Self.batch(
                .send, "", [("m", #"{"dimensionId":"d","value":1,"externalId":"1","date":"2026-01-02T12:00:00Z"}"#)])
            _ = try await planhat.write(noon, to: PlanhatObjects.metric)
            #expect(try await planhat.haveArrived(noon, object: PlanhatObjects.metric) == [nil])
        }
    }

    @Test(arguments: ["object", "string", "anonymous", "index"])
    func refusedMetricsAreToldInEveryFormOfError(_ form: String) async throws {
        try await withSandbox(["errors=\(form)"]) { sandbox, planhat in
            let outcome = try await planhat.write(Self.metrics, to: PlanhatObjects.metric)
            switch outcome {
            case .attributed: #expect(Self.codes(outcome) == ["accepted", "accepted", "refused_by_destination"])
            // Then the engine holds the rows in doubt: sent again they would count twice.
            case .unattributed(let failed, _, _): #expect(failed == 1 && form != "object" && form != "index")
            }
            #expect(sandbox.store.events("metrics").created == 2 && sandbox.store.sentAgain.isEmpty)
        }
    }

    @Test(arguments: ["analytics=text", "analytics=empty"]) func answerThatSaysNothingIsTaken(
        _ setting: String
    ) async throws {
        try await withSandbox([setting]) { _, planhat in
            let outcome = try await planhat.write(Self.metrics, to: PlanhatObjects.metric)
            #expect(Self.codes(outcome) == ["accepted", "accepted", "accepted"])
        }
    }

    @Test(arguments: [
        ("unknown-tenant=not-found", "tenant_uuid_refused"), ("unknown-tenant=unauthorized", "tenant_uuid_refused"),
    ])
    func otherTenantIsTold(_ setting: String, _ code: String) async throws {
        try await withSandbox([setting], tenant: "another-tenant") { sandbox, other in
            let error = await #expect(throws: DestinationError.self) {
                _ = try await other.write(Self.metrics, to: PlanhatObjects.metric)
            }
            #expect(error?.code == code && error?.isKnownUnsent == true)
            #expect(sandbox.store.events("metrics").received == 0)
        }
    }
}
