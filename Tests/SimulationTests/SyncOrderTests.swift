import ConnectorKit
import DestinationPlanhat
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Parents before children, for every object of the real connector and every field that names another record.
struct SyncOrderTests {
    /// What the rows of each object may name, where all its fields are mapped from columns.
    private static let parents: [String: Set<String>] = [
        "company": ["user"], "end_user": ["company"], "user": [], "license": ["company"], "churn": ["company"],
        "nps": ["campaign", "company", "end_user"], "asset": ["company", "user"], "campaign": ["company"],
        "conversation": ["company", "user", "end_user"], "deal": ["company", "user"], "invoice": ["company"],
        "issue": ["company", "end_user", "conversation", "user"], "note": ["company", "user", "end_user"],
        "objective": ["company"], "opportunity": ["company", "user"], "project": ["company"], "sale": ["company"],
        "task": ["company", "user", "end_user"], "ticket": ["company", "end_user", "user"],
        "workspace": ["company", "user"], "time_entry": ["company"], "activity": ["company", "end_user"],
        "metric": ["company", "end_user", "asset", "project"],
    ]

    private func order(_ syncs: [SyncDefinition]) throws -> SyncOrder {
        let folder = try Scratch.make()
        defer { Scratch.remove(folder) }
        let project = Project(
            directory: "/", file: "sluice.yaml", sources: [:],
            destinations: [
                "crm": ConnectionDefinition(
                    name: "crm", type: "planhat", settings: [:], location: Definitions.here,
                    typeLocation: Definitions.here, directory: "/")
            ], syncs: syncs)
        let connections = ProjectConnections(
            project: project, catalog: ConnectorCatalog(sources: [], destinations: [PlanhatDestination.type]),
            state: nil
        ) { connection, _ in ConnectorSettings(name: connection.name) }
        let state = try StateDirectory(path: folder + "/state")
        let environment = RunEnvironment(
            state: state, database: try ControlDatabase.open(path: state.databasePath),
            time: RunTime(
                now: { Moment(milliseconds: 0) }, sleep: { _ in }, chance: { 0.5 }, seed: { 1 }),
            connections: connections)
        return SyncOrder(syncs, environment: environment)
    }

    /// A sync named for its object, from columns with the names of these fields.
    private func sync(_ object: String, _ fields: [String]) -> SyncDefinition {
        var sync = accountSync(
            object, ["activity", "metric"].contains(object) ? .send : .updateOnly, key: nil,
            fields.map { ($0, "c", nil) })
        sync.name = object
        return sync
    }

    private var whole: [SyncDefinition] {
        PlanhatObjects.all.map { object in sync(object.name, object.fields.filter(\.isWritable).map(\.name)) }
    }

    @Test func everyObjectIsInTheTable() {
        #expect(Set(Self.parents.keys) == Set(PlanhatObjects.all.map(\.name)))
    }

    @Test(arguments: PlanhatObjects.all.map(\.name)) func objectWaitsForWhatItsRowsName(_ name: String) throws {
        let sync = try #require(whole.first { $0.name == name })
        #expect(try Set(order(whole).parents(of: sync)) == Self.parents[name])
    }

    @Test func parentsGoFirstHoweverTheFileHasThem() throws {
        for syncs in [whole, whole.reversed()] {
            let sorted = try order(syncs).sorted().map(\.name)
            #expect(sorted.count == PlanhatObjects.all.count)
            for (name, parents) in Self.parents {
                let place = try #require(sorted.firstIndex(of: name))
                for parent in parents {
                    #expect(try #require(sorted.firstIndex(of: parent)) < place, "\(parent) before \(name)")
                }
            }
        }
    }

    @Test(arguments: [
        ("activity", "email", ["end_user"]), ("activity", "externalId", ["end_user"]),
        ("activity", "companyExternalId", ["company"]), ("activity", "action", []), ("nps", "email", ["end_user"]),
        ("nps", "companyId", ["company"]), ("ticket", "companyExternalId", ["company"]),
        ("ticket", "email", ["end_user"]), ("note", "companyExternalId", ["company"]),
        ("metric", "externalId", ["company"]), ("invoice", "companyId", ["company"]),
        ("end_user", "email", ["company"]), ("conversation", "endusers", ["end_user"]),
    ]) func eachFieldThatNamesARecordCounts(_ object: String, _ field: String, _ parents: [String]) throws {
        let child = sync(object, [field])
        let others = whole.filter { $0.name != object }
        #expect(try order([child] + others).parents(of: child) == parents)
    }

    @Test(arguments: [("Company", "company"), ("EndUser", "end_user"), ("Asset", "asset"), ("Project", "project")])
    func metricOfOneKindWaitsForThatKindAlone(_ model: String, _ parent: String) throws {
        var child = sync("metric", ["externalId"])
        child.mappings.append(
            MappingDefinition(field: "model", source: .constant(.text(model)), location: Definitions.here))
        let others = whole.filter { $0.name != "metric" }
        #expect(try order([child] + others).parents(of: child) == [parent])
    }

    @Test func keyThatIsTheReferenceCounts() throws {
        var child = sync("metric", ["model"])
        child.key.field = "externalId"
        let others = whole.filter { $0.name != "metric" }
        #expect(try Set(order([child] + others).parents(of: child)) == ["company", "end_user", "asset", "project"])
    }

    @Test func whatWaitsForACircleComesAfterIt() throws {
        func after(_ name: String, _ parents: String...) -> SyncDefinition {
            var sync = sync("user", [])
            sync.name = name
            sync.schedule = ScheduleDefinition(.after(parents), location: Definitions.here)
            return sync
        }
        let syncs = [after("child", "b"), after("a", "b"), after("b", "a"), after("grandchild", "child")]
        #expect(try order(syncs).sorted().map(\.name) == ["a", "b", "child", "grandchild"])
    }
}
