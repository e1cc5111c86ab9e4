internal import ProjectConfig
internal import Records
internal import Runner

/// What the forms about records do: send them again, or take somebody's word that they arrived.
struct RecordForms: Sendable {
    let site: Site
    private let forms: Forms

    init(site: Site) {
        self.site = site
        forms = Forms(site: site)
    }

    func resend(_ sync: SyncDefinition, _ request: WebRequest) async throws -> WebAnswer {
        var options = RunOptions()
        options.trigger = "resend"
        switch request.form["which"] {
        case "rejected": options.onlyPending = .rejected
        case DoubtPage.all:
            if let asked = try asked(.resend, sync, request) { return asked }
            options.onlyPending = .inDoubt
        default: options.onlyKeys = Set(try chosen(request, "so nothing was sent", "to send again"))
        }
        try forms.note(.recordsResent, sync, request.visitor)
        return try await forms.start(sync, options, .resending)
    }

    func confirm(_ sync: SyncDefinition, _ request: WebRequest) throws -> WebAnswer {
        let action = ConfirmRecords(sync, environment: site.environment)
        guard request.form["which"] != DoubtPage.all else {
            if let asked = try asked(.confirm, sync, request) { return asked }
            try forms.note(.recordsConfirmed, sync, request.visitor)
            _ = try action.confirm(nil)
            return .redirect(.sync(sync.name), [("done", Message.confirmed.rawValue)])
        }
        let keys = try chosen(request, "so nothing was confirmed", "that arrived")
        try forms.note(.recordsConfirmed, sync, request.visitor)
        try action.confirmAll(of: keys)
        let run = request.form["run"].flatMap { Int64($0) }
        let place = run.map { Place.records(run: $0) } ?? .record(sync: sync.name, key: keys[0])
        return .redirect(place, [("done", Message.confirmed.rawValue)])
    }

    /// The keys that were ticked, each once. Throws where there are none.
    private func chosen(_ request: WebRequest, _ result: String, _ purpose: String) throws -> [String] {
        let keys = Set(request.form.all("key").filter { !$0.isEmpty })
        guard !keys.isEmpty else {
            throw PageFailure(
                .badRequest, code: "nothing_chosen", message: "No record was ticked, \(result).",
                hint: "Go back and tick the records \(purpose).")
        }
        return keys.sorted()
    }

    /// Whoever decides about all of them has seen how many there are: else the page that asks, as it is now.
    private func asked(
        _ action: Place.SyncAction, _ sync: SyncDefinition, _ request: WebRequest
    ) throws -> WebAnswer? {
        let page = try DoubtPage(site: site, sync.name, action)
        let stated = request.form.number("count")
        guard stated != page.count else { return nil }
        let problem = stated.map { "There were \($0) when this was asked and there are \(page.count) now: look again." }
        return WebAnswer(
            .page(page.html(request, problem: problem)), status: stated == nil ? 400 : 409)
    }
}
