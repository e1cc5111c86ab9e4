import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit
import Testing

/// A saved plan that somebody has changed: it is refused, or what is sent is what a run would send anyway.
struct SavedPlanFuzzTests {
    private static let codes: Set<String> = [
        "plan_file_damaged", "plan_of_other_sync", "plan_of_other_state", "plan_of_other_account",
        "plan_definition_changed", "plan_state_changed", "plan_source_changed", "plan_used", "state_newer",
        "plan_corrupt", "state_io",
    ]

    /// Reads alone: many more of them in the same time.
    @Test func filesThatAreRead() async throws {
        let world = try await PlanWorld()
        var fuzz = Fuzz(name: "saved-plan", corpus: [world.plan, world.emptyPlan])
        fuzz.repair = Repair.plan
        try fuzz.run(usually: 2_000) { bytes, _ in
            try Data(bytes).write(to: URL(filePath: world.given))
            do {
                let reviewed = try ReviewedPlan(path: world.given)
                try reviewed.requireSync(PlanWorld.sync.name)
            } catch {
                let failure = RunError(error)
                #expect(Self.codes.contains(failure.code), "\(failure)")
                #expect(!failure.message.isEmpty && !failure.hint.isEmpty)
            }
        }
    }

    /// Each is given to a run, with the state that it was made with.
    @Test func filesThatAreSent() async throws {
        let world = try await PlanWorld()
        var fuzz = Fuzz(name: "sent-plan", corpus: [world.plan])
        fuzz.repair = Repair.plan
        var sent = 0
        try await fuzz.play(usually: 120) { bytes, _ in
            try Data(bytes).write(to: URL(filePath: world.given))
            let before = world.account.requests.count
            do {
                var options = RunOptions()
                let reviewed = try ReviewedPlan(path: world.given)
                (options.reviewed, options.isFull) = (reviewed, reviewed.isFull)
                let records = try await RunSync(
                    PlanWorld.sync, options: options, environment: try world.environment()
                ).run()
                if let error = records.last?.error {
                    #expect(Self.codes.contains(error.code), "\(error)")
                    #expect(world.account.requests.count == before, "sent something, and refused the plan")
                    return
                }
                #expect(records.last?.operations.accepted == 4)
                #expect(world.account.records == PlanWorld.expected)
                sent += 1
                try world.startAgain()
            } catch {
                let failure = RunError(error)
                #expect(Self.codes.contains(failure.code), "\(failure)")
                #expect(world.account.requests.count == before, "sent something, and refused the plan")
            }
        }
        #expect(sent > 0 || fuzz.isReplay, "no input was the plan as it was")
    }
}

/// A sync of eight rows that has run once; two were changed since and two are new. Its state can be put back as it was.
private final class PlanWorld {
    private static let here = Location(file: "sluice.yaml", line: 1, column: 1)
    static let sync = SyncDefinition(
        name: "things",
        dataset: DatasetDefinition(
            name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
            sourceLocation: here),
        destination: "account", object: "thing", behavior: .updateOrCreate,
        key: KeyDefinition(columns: ["id"], field: "externalId", location: here),
        mappings: [
            MappingDefinition(field: "name", source: .column("name", lookup: nil, nulls: .clear), location: here)
        ], location: here)

    private let folder: FuzzFolder
    private let ends: PlanEnds
    /// What the account had when the plan was made.
    private let records: [String: String]
    private var opened: RunEnvironment?
    let plan: [UInt8]
    let emptyPlan: [UInt8]

    init() async throws {
        folder = try FuzzFolder(inMemory: true)
        ends = PlanEnds(limitPath: folder.path + "/limit")
        ends.source.rows = (1...8).map { Self.row($0, "a") }
        let environment = try Self.environment(folder.path + "/kept", ends)
        _ = try await RunSync(Self.sync, options: RunOptions(), environment: environment).run()
        records = ends.account.records
        let planner = PlanSync(Self.sync, options: RunOptions(), environment: environment)
        let saved = folder.path + "/saved.plan"
        _ = try await planner.plan(examplesMax: 0, out: saved)
        emptyPlan = try FuzzFolder.read(saved)
        ends.source.rows = (1...10).map { Self.row($0, Self.name($0)) }
        _ = try await planner.plan(examplesMax: 0, out: saved)
        plan = try FuzzFolder.read(saved)
        try startAgain()
    }

    var account: SimulatedAccount { ends.account }
    var given: String { folder.path + "/given.plan" }

    private static func name(_ number: Int) -> String { number % 3 == 0 || number > 8 ? "b" : "a" }

    private static func row(_ number: Int, _ name: String) -> SimulatedSource.Row {
        ["id": .text("k\(number)"), "name": .text(name)]
    }

    static var expected: [String: String] {
        Dictionary(
            uniqueKeysWithValues: (1...10).map { ("k\($0)", #"{"externalId":"k\#($0)","name":"\#(name($0))"}"#) })
    }

    func environment() throws -> RunEnvironment {
        let environment = try opened ?? Self.environment(folder.path + "/state", ends)
        opened = environment
        return environment
    }

    private static func environment(_ path: String, _ ends: PlanEnds) throws -> RunEnvironment {
        let state = try StateDirectory(path: path)
        let clock = SimulatedTime()
        return RunEnvironment(
            state: state, database: try ControlDatabase.open(path: state.databasePath),
            time: RunTime(
                now: { Moment(milliseconds: clock.milliseconds) }, sleep: { try await clock.sleep($0) },
                chance: { clock.fraction() }, seed: { clock.bits() }), connections: ends)
    }

    /// Puts state and account back to where the plan was made.
    func startAgain() throws {
        opened = nil
        let state = folder.path + "/state"
        try? FileManager.default.removeItem(atPath: state)
        try FileManager.default.copyItem(atPath: folder.path + "/kept", toPath: state)
        ends.account.records = records
    }
}

private struct PlanEnds: Connections {
    let source = SimulatedSource(columns: [
        Column(name: "id", type: .text, declaredType: "TEXT"), Column(name: "name", type: .text, declaredType: "TEXT"),
    ])
    let account = SimulatedAccount()
    var limitPath: String
    var syncs: [SyncDefinition] { [] }

    func source(_ dataset: DatasetDefinition) throws -> any Source & Discoverable { source }

    func destination(_ sync: SyncDefinition, context: DestinationContext) throws -> any ConnectedDestination {
        SimulatedDestination(account, context: context)
    }

    func sourceIdentity(_ dataset: DatasetDefinition) throws -> String { "system" }
    func object(_ sync: SyncDefinition) throws -> DestinationObject { SimulatedDestination.object(batchItemsMax: 3) }
    func identity(_ sync: SyncDefinition) throws -> String { "account" }

    func pace(_ sync: SyncDefinition) throws -> ConnectionPace {
        ConnectionPace(
            pacing: RequestPacing(requestsPerMinute: 60_000_000, burst: 50), shared: SharedNumber(path: limitPath))
    }
}
