import ConnectorKit
import Foundation
import ProjectConfig
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// What asks a destination outside of a run shares the connection's rate limit with the runs.
struct SharedPaceTests {
    private static let here = Location(file: "sluice.yaml", line: 1, column: 1)
    /// So few that the permits that may be taken at once are two.
    private static let perMinute = 16

    private let folder = FileManager.default.temporaryDirectory.path + "/sluice-pace-" + UUID().uuidString

    /// Connections whose destination takes one permit for each check.
    private func connections(_ state: StateDirectory?) -> ProjectConnections {
        let type = DestinationType(
            ConnectorDeclaration(
                type: "account", displayName: "Account",
                settings: [SettingDeclaration("requests_per_minute", .integer(1...1_000), help: "How many.")]),
            objects: SimulatedDestination.objects
        ) { (_, context) throws(ConnectorError) in
            SimulatedDestination(SimulatedAccount(), context: context)
        }
        let project = Project(
            directory: "/", file: "sluice.yaml", sources: [:],
            destinations: [
                "account": ConnectionDefinition(
                    name: "account", type: "account", settings: [:], location: Self.here, typeLocation: Self.here,
                    directory: "/")
            ], syncs: [])
        return ProjectConnections(
            project: project, catalog: ConnectorCatalog(sources: [], destinations: [type]), state: state
        ) { connection, _ in
            ConnectorSettings(name: connection.name, texts: ["requests_per_minute": String(Self.perMinute)])
        }
    }

    @Test func whatIsAskedOutsideOfARunWaitsForThePermitsThatOthersTook() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let waits = Waits()
        let time = waits.time
        let state = try StateDirectory(path: folder)
        let pace = try connections(state).pace(things())
        for _ in 0..<2 { try await pace.permit(time: time, progress: { _ in }) }
        #expect(waits.all.isEmpty)
        let asked = try connections(state).destination(named: "account", time: time)
        _ = try await asked.read(key: "1", keyField: "externalId", of: SimulatedDestination.objects[0])
        #expect(waits.all == [.seconds(4)])
    }

    @Test func whereThereIsNoStateNobodyWaits() async throws {
        let waits = Waits()
        let asked = try connections(nil).destination(named: "account", time: waits.time)
        for _ in 0..<10 {
            _ = try await asked.read(key: "1", keyField: "externalId", of: SimulatedDestination.objects[0])
        }
        #expect(waits.all.isEmpty)
    }
}

/// A clock that stands still and notes who would have waited.
private final class Waits: Sendable {
    private let durations = Mutex<[Duration]>([])

    var all: [Duration] { durations.withLock { $0 } }

    var time: RunTime {
        RunTime(
            now: { Moment(milliseconds: 1_000_000) }, sleep: { [self] wait in durations.withLock { $0.append(wait) } },
            chance: { 0 }, seed: { 0 })
    }
}
