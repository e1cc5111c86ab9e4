internal import ProjectConfig
internal import Runner
internal import StateStore

/// What each form does: one action of the runner, then the page that shows what came of it. Rights and tokens have been
/// looked at before.
struct Forms: Sendable {
    let site: Site

    func answer(_ request: WebRequest) async throws -> WebAnswer {
        switch request.place {
        case .syncAction(let name, .reset): return try reset(name, request)
        case .syncAction(let name, let action): return try await sync(try site.sync(name), action, request)
        case .cancel(let run): return try cancel(run, request.visitor)
        case .check(let end, let name): return try check(end, name, request.visitor)
        case .people: return try await PeopleForms(site: site).add(request)
        case .person(let name): return try await PeopleForms(site: site).change(name, request)
        case .account: return try await PeopleForms(site: site).account(request)
        case .making(let making): return try await MakingForms(site: site, request: request).answer(making)
        case .signOut:
            if let session = request.session {
                try site.gate.signOut(session: session, address: request.visitor.address)
            }
            var answer = WebAnswer.redirect(.signIn, [("done", Message.signedOut.rawValue)])
            answer.session = ""
            return answer
        default:
            throw PageFailure(
                .wrongMethod, code: "method_not_allowed", message: "This address is only to be looked at.",
                hint: "Use GET.")
        }
    }

    private func sync(
        _ sync: SyncDefinition, _ action: Place.SyncAction, _ request: WebRequest
    ) async throws -> WebAnswer {
        let page = Place.sync(sync.name)
        switch action {
        case .run: return try await run(sync, request)
        case .resend: return try await RecordForms(site: site).resend(sync, request)
        case .confirm: return try RecordForms(site: site).confirm(sync, request)
        case .plan:
            try note(.planAsked, sync, request.visitor)
            try plan(sync, asReset: request.form[ResetPage.asReset] != nil)
            let next = request.form["then"] == "first" ? Place.making(.sync(sync.name, .first)) : page
            return .redirect(next, [("done", Message.planning.rawValue)])
        case .pause, .resume:
            let isPaused = action == .pause
            try note(isPaused ? .syncPaused : .syncResumed, sync, request.visitor)
            let answer = try PauseSync(environment: site.environment).set(sync, isPaused: isPaused)
            site.engine.changed()
            let message: Message = isPaused ? .paused : answer.isPausedByFile ? .pausedByFile : .resumed
            return .redirect(page, [("done", message.rawValue)])
        case .reset: return try reset(sync.name, request)
        }
    }

    /// - Parameter name: of a sync of the project, or of one that is defined nowhere any more.
    private func reset(_ name: String, _ request: WebRequest) throws -> WebAnswer {
        if try !site.isOrphan(name) { _ = try site.sync(name) }
        guard request.form["name"] == name else {
            let page = try ResetPage(site: site, name)
            let text = "Type \(name), exactly so, to confirm."
            return WebAnswer(.page(page.html(request, problem: text)), status: 400)
        }
        try site.gate.note(.syncReset, by: request.visitor, subject: "sync \(name)")
        try ResetState(name, environment: site.environment).reset()
        site.engine.changed()
        return .redirect(.sync(name), [("done", Message.reset.rawValue)])
    }

    private func run(_ sync: SyncDefinition, _ request: WebRequest) async throws -> WebAnswer {
        var options = RunOptions()
        options.trigger = "web"
        options.isFull = request.form["full"] != nil
        options.limit = request.form.number("limit").map { max(1, $0) }
        do {
            try options.refuseLimit(of: sync)
        } catch {
            throw PageFailure(.badRequest, code: error.code, message: error.message, hint: error.hint)
        }
        options.acceptedGuards = Set(request.form.all("accept_guard"))
        if options.isFull || !options.acceptedGuards.isEmpty, !request.visitor.may(.force) {
            throw PageFailure.forbidden
        }
        try note(.runAsked, sync, request.visitor, options.decisions)
        return try await start(sync, options, .started)
    }

    func start(
        _ sync: SyncDefinition, _ options: RunOptions, _ message: Message
    ) async throws -> WebAnswer {
        let number = try await site.engine.start(sync, options)
        return .redirect(number.map { .run($0) } ?? .sync(sync.name), [("done", message.rawValue)])
    }

    private func plan(_ sync: SyncDefinition, asReset: Bool) throws {
        var options = RunOptions()
        options.startsOver = asReset
        let chosen = options
        let site = site
        let now = site.environment.time.now
        try site.work.begin(.syncAction(sync.name, .plan), now: now) {
            .plan(try await PlanSync(sync, options: chosen, environment: site.environment).plan(examplesMax: 5))
        }
    }

    private func cancel(_ run: Int64, _ visitor: Visitor) throws -> WebAnswer {
        _ = try site.run(run)
        try site.gate.note(.runCancelled, by: visitor, subject: "run \(run)")
        if let cancel = site.engine.cancel {
            try cancel(run)
        } else {
            _ = try CancelRun(environment: site.environment).cancel(run)
        }
        return .redirect(.run(run), [("done", Message.cancelling.rawValue)])
    }

    func check(_ end: Place.End, _ name: String, _ visitor: Visitor) throws -> WebAnswer {
        _ = try ConnectionPage(site: site, end, name)
        try site.gate.note(.connectionChecked, by: visitor, subject: PlaceRights.subject(.connection(end, name)))
        let site = site
        try site.work.beginCheck(.check(end, name), now: site.environment.time.now) { told in
            let checks = CheckConnections(site.connections(), time: site.environment.time)
            return try await end == .source ? checks.source(name, told) : checks.destination(name, told)
        }
        return .redirect(.connection(end, name), [("done", Message.checking.rawValue)])
    }

    func note(_ action: AuditAction, _ sync: SyncDefinition, _ visitor: Visitor, _ detail: String = "") throws {
        try site.gate.note(action, by: visitor, subject: "sync \(sync.name)", detail: detail)
    }
}
