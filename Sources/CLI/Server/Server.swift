internal import Foundation
internal import Glibc
internal import Logging
internal import ProjectConfig
internal import Runner
internal import StateStore
internal import Synchronization
internal import WebUI

/// What `serve` is made of: the service that runs the syncs, the pages, and one log.
final class Server: Sendable {
    static let stopping = "Stopping: waiting for the requests in flight. Once more stops at once."

    private let common: ProjectOptions
    private let settings: ServerSettings
    private let variables: [String: String]
    private let environment: RunEnvironment
    private let service: ScheduleService
    private let site: Site
    private let redaction: Redaction
    private let logger: Logger
    private let demo: DemoAccount
    /// The project as it is now, shared with the pages.
    private let current: Current
    private let follower: ProjectFollower
    private let orphans: OrphanWatch

    /// The project as it was loaded last.
    private final class Current: Sendable {
        let workspace: Mutex<Workspace>

        init(_ workspace: Workspace) { self.workspace = Mutex(workspace) }
    }

    init(
        _ common: ProjectOptions, settings: ServerSettings, runsMax: Int, variables: [String: String]
    ) throws {
        self.common = common
        self.settings = settings
        self.variables = variables
        redaction = Redaction()
        logger = try Self.logger(variables, redaction)
        Output.isJSON = common.json
        let place = StatePlace(common, variables: variables)
        let definitions = try place.definitions(common, followsFiles: false)
        let places = definitions.places()
        let look = places.look()
        let defined = try definitions.reread()
        let workspace = Workspace(options: common, defined)
        let environment = try workspace.environment()
        let orphans = OrphanWatch(defined, database: environment.database, time: environment.time)
        let current = Current(workspace)
        let people = People(database: environment.database, time: environment.time)
        try settings.check(hasAdmin: try people.hasAdmin())
        redaction.add(workspace.secrets())
        var limits = ServiceLimits()
        limits.runsMax = runsMax
        var site = Site(
            project: { current.workspace.withLock { $0.project } }, catalog: Connectors.all, environment: environment,
            connections: { current.workspace.withLock { $0.connections(state: environment.state) } },
            people: people, version: Version.number)
        let board = site.board
        let service = ScheduleService(
            workspace.served(environment, logger), environment: environment, limits: limits, logger: logger
        ) { board.listener(now: environment.time.now) }
        site.engine = Self.engine(service, ServerMetrics(environment: environment, service: service))
        let (redaction, logger) = (redaction, logger)
        let follower = ProjectFollower(
            definitions, places, look, time: environment.time, logger: logger
        ) { defined in
            let new = Workspace(options: common, defined)
            redaction.add(new.secrets())
            let served = new.served(environment, logger)
            current.workspace.withLock { $0 = new }
            service.reload(served)
            Self.noting(logger) { try orphans.follow(defined) }
        }
        site.projectTrouble = { follower.trouble }
        demo = DemoAccount(
            directory: workspace.project.directory, state: environment.state.path, work: site.work)
        site.editing = Editing(
            definitions: definitions, vault: try place.vault(), reload: { try follower.reload() },
            sample: { [demo] in try await demo.start() })
        (self.follower, self.orphans) = (follower, orphans)
        (self.environment, self.current, self.service, self.site) = (environment, current, service, site)
    }

    /// Made before any other logger is.
    private static func logger(_ variables: [String: String], _ redaction: Redaction) throws -> Logger {
        let format = try ServerLog.Format.named(
            variables["SLUICE_LOG_FORMAT"] ?? ServerLog.Format.text.rawValue)
        LoggingSystem.bootstrap { ServerLog(label: $0, format: format, redaction: redaction) }
        return Logger(label: "sluice")
    }

    private static func engine(_ service: ScheduleService, _ metrics: ServerMetrics) -> Engine {
        let kept = KeptBriefly<[String: Moment]>(for: .seconds(1))
        return Engine(
            start: { sync, options in try service.start(sync.name, options: options, trigger: options.trigger) },
            cancel: { _ = try service.cancel($0) },
            changed: {
                kept.forget()
                service.wake()
            },
            nextRuns: {
                do {
                    return try kept.value { try service.nextRuns() }
                } catch {
                    // The page says itself that the history cannot be read.
                    return [:]
                }
            }, isScheduling: { service.isReady }, metrics: { try metrics.text() })
    }

    /// Until the task is cancelled. Throws where it cannot begin.
    func run() async throws {
        guard let lock = try environment.state.lockServer() else {
            throw RunError(
                code: "server_already_running",
                message: "A server runs already on the state directory \(environment.state.path).",
                hint: "Stop it first, or give this one a directory of its own with --state.")
        }
        defer { lock.release() }
        proveKey()
        resumeSample()
        Self.noting(logger) { try orphans.begin() }
        let pages = try WebServer(site: site, settings: settings)
        warn(pages)
        let link = try site.people.firstLink()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pages.run { self.announce(port: $0, link: link) } }
            group.addTask { await self.service.run() }
            group.addTask { await self.reloadWhenAsked(pages) }
            group.addTask { await self.follower.run() }
            // The first to end, by its failure or because the server is stopped, ends the others.
            defer { group.cancelAll() }
            try await group.next()
        }
        logger.info("stopped")
    }

    /// The key of the secrets is there from the first start on; one that is wrong is told now and not by the first sync at
    /// night. What needs no secret goes on without it.
    private func proveKey() {
        do {
            try site.editing?.vault.prove()
        } catch {
            let failure = RunError(error)
            logger.error("\(failure.message) \(failure.hint)", metadata: ["code": "\(failure.code)"])
        }
    }

    /// A definition that is gone stays so, whether that could be noted or not.
    private static func noting(_ logger: Logger, _ note: () throws -> Void) {
        do {
            try note()
        } catch {
            logger.warning("it could not be noted which syncs are defined nowhere any more: \(error)")
        }
    }

    /// Sample data that cannot be read keeps nobody from their own syncs.
    private func resumeSample() {
        do {
            try demo.resume(current.workspace.withLock { $0.project })
        } catch {
            logger.warning(
                "the sample data is not served: \(error.message) (\(error.hint))",
                metadata: ["code": "\(error.code)"])
        }
    }

    /// - Parameter link: the token that makes the first admin, as long as there is none. Never in the log.
    private func announce(port: Int, link: String?) {
        let address = settings.address(port: port)
        let welcome = link.map { address + Place.welcome($0).path }
        let project = current.workspace.withLock { $0.project }
        logger.info(
            "serving",
            metadata: [
                "address": "\(address)", "project": "\(project.file)", "state": "\(environment.state.path)",
                "syncs": .stringConvertible(project.syncs.count),
            ])
        if common.json {
            let fields = ["address": address, "first_link": welcome].compactMapValues { $0 }
            do { try Output.print(json: fields) } catch { Output.errorText("\(error)") }
        } else {
            Output.text("Sluice is on \(address) . Ctrl-C ends it.")
            if let welcome { Output.text("Open this once, to make the first admin: \(welcome)") }
        }
    }

    // MARK: Reload

    /// Certificates that were renewed come with the same signal.
    private func reloadWhenAsked(_ pages: WebServer) async {
        let (hangups, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source = Interruption.source(SIGHUP) { continuation.yield() }
        defer { source.cancel() }
        countHistory()
        for await _ in hangups {
            follower.reloadOrStay()
            do {
                try pages.reloadCertificate()
                if let endsAt = pages.certificateEndsAt {
                    logger.info("certificate loaded", metadata: ["ends_at": "\(endsAt.text)"])
                }
                warn(pages)
            } catch {
                logger.error("the certificate was not loaded again; the old one stays: \(error.message)")
            }
        }
    }

    /// The first time it reads the whole history, which nobody should have to wait for.
    private func countHistory() {
        do { _ = try site.engine.metrics?() } catch { logger.warning("the history could not be counted: \(error)") }
    }

    /// A certificate that is about to end keeps everybody out on the day that it does.
    private func warn(_ pages: WebServer) {
        guard let endsAt = pages.certificateEndsAt else { return }
        guard endsAt < environment.time.now().plus(seconds: 14 * 24 * 3_600) else { return }
        logger.warning("the certificate ends, or has ended", metadata: ["ends_at": "\(endsAt.text)"])
    }
}
