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
    private let served: ServedState

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
        served = try ServedState(path: place.path)
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

    /// Until the task is cancelled. Throws where it cannot begin. True where the program is to begin anew, which puts a
    /// restored state in place.
    func run() async throws -> Bool {
        proveKey()
        resumeSample()
        Self.noting(logger) { try orphans.begin() }
        let pages = try WebServer(site: site, settings: settings)
        warn(pages)
        let link = try site.people.firstLink()
        let restore = try await withThrowingTaskGroup(of: RestoreTicket?.self) { group in
            group.addTask {
                try await pages.run { self.announce(port: $0, link: link) }
                return nil
            }
            group.addTask { await self.ended(self.service.run()) }
            group.addTask { await self.ended(self.reloadWhenAsked(pages)) }
            group.addTask { await self.ended(self.follower.run()) }
            group.addTask { await self.nextRestore() }
            // The first to end, by its failure, for a restore or because the server is stopped, ends the others.
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        logger.info("stopped")
        guard let restore else { return false }
        guard Task.isCancelled else { return true }
        try served.refuse(
            restore,
            because: RunError(
                code: "server_stopping", message: "The server was stopped before the restore began.",
                hint: "Restore again: without a server the backup is put in place at once."))
        return false
    }

    private func ended(_: Void) -> RestoreTicket? { nil }

    // MARK: Restores

    private func nextRestore() async -> RestoreTicket? {
        await served.nextRestore(time: environment.time, logger: logger) { try checkRestart($0) }
    }

    /// Throws where the server could not begin anew with that state: better the old one than none.
    private func checkRestart(_ ticket: RestoreTicket) throws {
        guard ticket.isReadable else {
            throw RunError(
                code: "state_newer",
                message: "The sluice that restores is newer than the server, which could not read what it restores.",
                hint: "Restore with the version that serves, or start the newer one first.")
        }
        if let sync = try service.syncOfAnotherProcess() {
            throw RunError(
                code: "state_in_use", message: "Another process than the server runs the sync \(sync).",
                hint: "Wait until it has ended, or cancel the run, then restore.")
        }
        if let trouble = follower.trouble {
            let first = trouble.problems.first.map { ": \($0.message)" } ?? ""
            throw RunError(
                code: "project_file_broken",
                message: "The server could not begin anew: the project file has errors\(first).",
                hint: "Correct the file, then restore.")
        }
        try settings.check(hasAdmin: ticket.roles.contains(Role.admin.rawValue))
        _ = try WebServer(site: site, settings: settings)
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
        served.announce(logger)
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
