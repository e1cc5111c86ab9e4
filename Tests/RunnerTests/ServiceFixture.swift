import ConnectorKit
import Foundation
import Logging
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// A service over the fixture's source and account, on a clock that the test moves.
final class ServiceFixture: Sendable {
    let fixture: RunFixture
    let time: ManualTime
    let environment: RunEnvironment
    let service: ScheduleService
    let log: LineLog
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let gate = Mutex(true)

    /// - Parameters:
    ///   - fixture: another service's, to go on with its state.
    ///   - start: when the clock begins; that of the other service where it goes on.
    init(
        _ syncs: [SyncDefinition], start: String = "2026-11-28 05:00", fixture given: ServiceFixture? = nil,
        runsMax: Int = 4, batchItemsMax: Int = 2, sender: NoticeSender? = nil, notify: NotifyDefinition? = nil
    ) throws {
        let log = LineLog()
        self.log = log
        fixture = try given?.fixture ?? RunFixture(rows(5))
        time = given?.time ?? ManualTime(utc(start))
        var environment = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: batchItemsMax))
        environment.time = time.runTime
        self.environment = environment
        var limits = ServiceLimits()
        limits.runsMax = runsMax
        var project = Project(directory: "/", file: "sluice.yaml", syncs: syncs)
        project.notify = notify
        let notifier = sender.map { sender in
            Notifier(project, environment: environment, sender: sender, patience: .long, logger: log.logger) {
                value, _ in
                .init(value.literal ?? "")
            }
        }
        service = ScheduleService(
            ServedProject(project: project, connections: environment.connections, notifier: notifier),
            environment: environment, limits: limits, logger: log.logger)
    }

    deinit { task.withLock { $0?.cancel() } }

    func begin() { task.withLock { $0 = Task { [service] in await service.run() } } }

    /// As SIGTERM does.
    func end() async {
        let running = task.withLock { task in
            task?.cancel()
            return task
        }
        await running?.value
    }

    func runs(_ sync: String? = nil) throws -> [RunRecord] {
        try RunHistory(environment.database).runs(sync: sync, limit: 1_000).reversed()
    }

    /// Holds every scan before its first row until `open`.
    func hold() {
        gate.withLock { $0 = false }
        fixture.source.beforeBatch { [self] _ in
            while !gate.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    func open() { gate.withLock { $0 = true } }

    /// Waits in real time for what the service does in its own.
    func until(
        _ what: String, seconds: Double = 20, _ location: SourceLocation = #_sourceLocation,
        _ isSo: () throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try !isSo() {
            guard ContinuousClock.now < end else {
                Issue.record(
                    "never: \(what); runs \(try runs().map { "\($0.sync) \($0.state)" }); \(log.lines)",
                    sourceLocation: location)
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(1))
            // The clock may have been moved between the service's look at it and its sleep.
            service.wake()
        }
    }

    /// Waits until so many runs of the sync have ended.
    func ended(_ count: Int, _ sync: String? = nil, _ location: SourceLocation = #_sourceLocation) async throws {
        try await until("\(count) runs of \(sync ?? "all")", location) {
            try runs(sync).filter(\.state.isFinal).count >= count && service.status().allSatisfy { !$0.isRunning }
        }
    }
}

func reloaded(_ fixture: ServiceFixture, _ syncs: [SyncDefinition]) -> ServedProject {
    ServedProject(
        project: Project(directory: "/", file: "sluice.yaml", syncs: syncs),
        connections: fixture.environment.connections)
}
