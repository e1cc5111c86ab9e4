import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// `check`: connections, and the syncs between those that passed.
struct CheckTests {
    private static let here = Location(file: "sluice.yaml", line: 7, column: 5)

    private let source = SimulatedSource(
        columns: ["id", "name", "seats"].map { Column(name: $0, type: .text, declaredType: "TEXT") })
    private let account = SimulatedAccount()
    private let time = RunTime(now: { Moment(milliseconds: 0) }, sleep: { _ in }, chance: { 0 }, seed: { 0 })

    /// - Parameter failing: the connections that cannot be reached or made.
    private func connections(
        _ syncs: [SyncDefinition], failing: Set<String> = [], destinations: [String] = ["account"]
    ) -> ProjectConnections {
        let project = Project(
            directory: "/", file: "sluice.yaml", sources: Self.defined(["memory"], "memory"),
            destinations: Self.defined(destinations, "account"), syncs: syncs)
        return ProjectConnections(project: project, catalog: catalog, state: nil) { connection, _ in
            ConnectorSettings(name: connection.name, texts: failing.contains(connection.name) ? ["broken": "yes"] : [:])
        }
    }

    private var catalog: ConnectorCatalog {
        let (source, account) = (source, account)
        let memory = SourceType(ConnectorDeclaration(type: "memory", displayName: "Memory", settings: [])) { settings in
            let sources: [any Source & Discoverable] = [source, BrokenSource()]
            return sources[settings.text("broken") == nil ? 0 : 1]
        }
        let system = DestinationType(
            ConnectorDeclaration(type: "account", displayName: "Account", settings: []),
            objects: SimulatedDestination.objects
        ) { (settings, context) throws(ConnectorError) in
            if settings.text("broken") != nil { throw Self.closed }
            return SimulatedDestination(account, context: context)
        }
        return ConnectorCatalog(sources: [memory], destinations: [system])
    }

    private static let closed = ConnectorError(
        code: "unauthorized", message: "No.", hint: "Log in.", disposition: .fixConfiguration)

    private static func defined(_ names: [String], _ type: String) -> [String: ConnectionDefinition] {
        Dictionary(
            uniqueKeysWithValues: names.map { name in
                (
                    name,
                    ConnectionDefinition(
                        name: name, type: type, settings: [:], location: here, typeLocation: here, directory: "/")
                )
            })
    }

    private func sync(_ mappings: [(field: String, column: String)], name: String = "things") -> SyncDefinition {
        var sync = things(mappings: mappings)
        sync.name = name
        return sync
    }

    private func report(_ sync: SyncDefinition) async throws -> ConnectionReport {
        let results = try await CheckConnections(connections([sync]), time: time).check([])
        #expect(results.map(\.name) == ["account", "memory", "things"])
        let last = try #require(results.last)
        #expect(last.type == "sync" && last.report.address.isEmpty)
        #expect(last.report.steps.allSatisfy { $0.isOK == $0.hint.isEmpty })
        return last.report
    }

    @Test func syncThatFitsItsEndsPassesWithoutARowBeingRead() async throws {
        account.fields = [DestinationField("custom.Plan", .text)]
        let report = try await report(sync([("name", "name"), ("custom.Plan", "seats")]))
        #expect(report.steps.map(\.step) == ["columns", "fields"] && report.isOK)
        #expect(report.steps[0].message == "rows has all 3 columns that the sync names.")
        #expect(report.steps[1].message.contains("1 of them of the account's own making"))
        #expect(source.scans == 0 && account.requests.isEmpty)
    }

    @Test func accountIsNotAskedWhereEveryFieldIsDeclared() async throws {
        #expect(try await report(sync([("name", "name")])).isOK)
        #expect(account.singleReads == 0 && account.pagedReads == 0)
    }

    @Test func everyColumnThatIsMissingIsNamedWithTheNearest() async throws {
        let report = try await report(sync([("name", "nmae"), ("seats", "Seats")]))
        #expect(report.steps.map(\.isOK) == [false, false, true])
        #expect(report.steps[0].message == "rows has no column Seats." && report.steps[0].hint.contains("seats?"))
        #expect(report.steps[1].message == "rows has no column nmae." && report.steps[1].hint.contains("mean name?"))
    }

    @Test func keyColumnAndParentColumnHaveToBeThereToo() async throws {
        var definition = sync([("name", "name")])
        definition.key.columns = ["ident"]
        definition.key.within = "parent"
        let report = try await report(definition)
        #expect(
            report.steps.filter { !$0.isOK }.map(\.message).sorted() == [
                "rows has no column ident.", "rows has no column parent.",
            ])
    }

    @Test func columnByWhichNewRowsAreKnownIsLookedAt() async throws {
        func step(_ column: String, _ overlap: IncrementalDefinition.Overlap) async throws -> ConnectionReport.Step {
            var definition = sync([("name", "name")])
            definition.dataset.incremental = IncrementalDefinition(
                column: column, overlap: overlap, completeScan: .runs(3), location: Self.here)
            return try #require(try await report(definition).steps.first)
        }
        #expect(try await step("changed", .seconds(60)).message == "rows has no column changed.")
        #expect(try await step("seats", .seconds(60)).isOK)
        source.columns[2] = Column(name: "seats", type: .integer, declaredType: "BIGINT")
        #expect(try await step("seats", .seconds(60)).hint.contains("whole number"))
        #expect(try await step("seats", .number(60)).isOK)
        #expect(try await step("seats", .seconds(0)).isOK)
        source.columns[2] = Column(name: "seats", type: .time, declaredType: "time")
        #expect(try await step("seats", .seconds(60)).message.contains("the type time"))
    }

    @Test func fieldThatTheAccountDoesNotHaveIsRefusedUnlessAllowed() async throws {
        account.fields = [DestinationField("custom.Plan", .text)]
        var definition = sync([("custom.Plans", "name"), ("custom.Seats", "seats")])
        let refused = try await report(definition)
        #expect(refused.steps.map(\.isOK) == [true, false, false])
        #expect(refused.steps[1].message == "sluice.yaml:1:1: The account has no field custom.Plans.")
        #expect(refused.steps[1].hint.contains("custom.Plan?"))
        definition.allowUnknownCustom = true
        let allowed = try await report(definition)
        #expect(allowed.isOK && allowed.steps[1].message.contains("custom.Plans, custom.Seats"))
    }

    @Test func fieldThatTheAccountComputesIsRefused() async throws {
        account.fields = [DestinationField("custom.Score", .number, isWritable: false)]
        let report = try await report(sync([("custom.Score", "seats")]))
        #expect(report.steps.map(\.isOK) == [true, false])
        #expect(report.steps[1].message.contains("computed"))
    }

    @Test func constantsAndLookUpsAreHeldAgainstTheAccountsOwnFields() async throws {
        account.fields = [
            DestinationField("custom.Seats", .number), DestinationField("custom.Plan", .choice(["Base", "Plus"])),
        ]
        var definition = sync([])
        let place = Location(file: "sluice.yaml", line: 9, column: 22)
        definition.mappings = [
            MappingDefinition(field: "custom.Seats", source: .constant(.text("abc")), location: place),
            MappingDefinition(field: "custom.Plan", source: .constant(.text("Plsu")), location: place),
            MappingDefinition(
                field: "custom.Seats", source: .column("seats", lookup: "email", nulls: .clear), location: place),
        ]
        let report = try await report(definition)
        #expect(report.steps.map(\.isOK) == [true, false, false, false])
        #expect(report.steps[1].message.hasPrefix("sluice.yaml:9:22: the field `custom.Seats` (number) cannot take"))
        #expect(report.steps[2].message.contains("the nearest is \"Plus\""))
        #expect(report.steps[3].message.contains("`custom.Seats` is no reference"))
    }

    @Test func accountWhoseFieldsMayNotBeListedIsWarnedAbout() async throws {
        account.readError = ConnectorError(
            code: "forbidden", message: "No.", hint: "Ask.", disposition: .fixConfiguration)
        let report = try await report(sync([("custom.Plan", "name")]))
        #expect(report.isOK && report.warnings.map(\.code) == ["forbidden"])
        account.readError = Self.closed
        let broken = try await self.report(sync([("custom.Plan", "name")]))
        #expect(!broken.isOK && broken.steps.last?.message == "No.")
    }

    @Test(arguments: ["memory", "account"])
    func syncIsLeftOutWhereAnEndDidNotPass(end: String) async throws {
        let results = try await CheckConnections(
            connections([sync([("name", "name")])], failing: [end]), time: time
        ).check([])
        #expect(results.map(\.name) == ["account", "memory"])
        #expect(results.filter { !$0.report.isOK }.map(\.name) == [end])
    }

    @Test func namedSyncBringsItsEndsAndNoOtherSync() async throws {
        let syncs = [sync([("name", "name")], name: "one"), sync([("name", "nmae")], name: "two")]
        let check = CheckConnections(connections(syncs), time: time)
        #expect(try await check.check(["one"]).map(\.name) == ["memory", "account", "one"])
        #expect(try await check.check(["two", "account"]).map(\.name) == ["account", "memory", "two"])
        #expect(try await check.check(["memory"]).map(\.name) == ["memory"])
        #expect(try await check.check([]).map(\.name) == ["account", "memory", "one", "two"])
        let error = await #expect(throws: RunError.self) { try await check.check(["tow"]) }
        #expect(error?.code == "unknown_connection" && error?.hint == "Did you mean two?")
    }

    @Test(arguments: [Behavior.updateOrCreate, .send])
    func aFormerNameThatNobodyHasHeardOfIsTold(behavior: Behavior) async throws {
        let fixture = try RunFixture(rows(2))
        try await fixture.run()
        var renamed = things(behavior: behavior)
        (renamed.name, renamed.renamedFrom) = ("better", "thigns")
        let check = CheckConnections(connections([renamed]), time: time, known: try fixture.environment())
        let results = [try await check.check([]).last, try check.formerNames([]).first]
        for result in results {
            let report = try #require(result).report
            let isRefused = behavior == .send
            #expect(report.warnings.map(\.code) == (isRefused ? [] : ["renamed_from_unknown"]))
            #expect(report.steps.filter { $0.step == "renamed_from" && !$0.isOK }.count == (isRefused ? 1 : 0))
        }
        renamed.renamedFrom = "things"
        let mended = CheckConnections(connections([renamed]), time: time, known: try fixture.environment())
        #expect(try mended.formerNames([]).isEmpty)
        // Where there is no state nothing is known of any name.
        #expect(try CheckConnections(connections([renamed]), time: time).formerNames([]).isEmpty)
    }

    @Test func sourceAndDestinationOfOneNameAreBothTested() async throws {
        let both = connections([], destinations: ["account", "memory"])
        #expect(try await CheckConnections(both, time: time).check(["memory"]).map(\.type) == ["memory", "account"])
        #expect(try await CheckConnections(both, time: time).check([]).count == 3)
    }
}

/// A source that cannot be reached.
private struct BrokenSource: Source, Discoverable {
    private static let error = SourceError(
        code: "connection_refused", message: "Nobody is there.", hint: "Start it.", disposition: .fixConfiguration)

    func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        ConnectionReport(
            address: "nowhere", steps: [.init(step: "server answers", isOK: false, message: "Nobody is there.")])
    }

    func withScan<Result: Sendable>(
        _ request: ScanRequest, _ body: (RowBatches) async throws -> Result
    ) async throws -> Result { throw Self.error }

    func tables() async throws(SourceError) -> [TableInfo] { throw Self.error }
    func columns(of relation: Relation) async throws(SourceError) -> [Column] { throw Self.error }
}
