internal import Foundation
internal import ProjectConfig
internal import Runner

/// Which page answers which place. Each page is made from the history and the project, then drawn, or given as JSON.
struct Pages: Sendable {
    let site: Site

    func answer(_ request: WebRequest) async throws -> WebAnswer {
        switch request.place {
        case .making(.datasets):
            let page = try DatasetsPage(site: site)
            return try give(request, page.body) { page.html(request) }
        case .making(.dataset(let name)):
            let page = try await DatasetPage(site: site, name, request.query)
            return try give(request, page.body) { page.html(request) }
        case .making where request.isJSON: throw PageFailure.noTwin
        case .making(let making): return try await MakingPages(site: site, request: request).answer(making)
        case .overview where try !request.isJSON && StartPage.isFirst(site):
            return WebAnswer(.page(try StartPage(site: site).html(request)))
        case .overview:
            let page = try OverviewPage(site: site)
            return try give(request, page.body) { page.html(request) }
        case .syncs:
            let page = try SyncsPage(site: site, request.query)
            return try give(request, page.body) { page.html(request) }
        case .sync(let name) where request.query[KeySearch.name] != nil && !request.isJSON:
            return .redirect(.record(sync: name, key: request.query[KeySearch.name] ?? ""))
        case .sync(let name) where try site.isOrphan(name):
            let page = try OrphanPage(site: site, name, request)
            return try give(request, page.body) { page.html(request) }
        case .sync(let name):
            let page = try SyncPage(site: site, name, request.query)
            return try give(request, page.body) { page.html(request) }
        case .record(let sync, let key):
            let page = try RecordPage(site: site, sync: sync, key: key, request.query)
            return try give(request, page.body) { page.html(request) }
        case .syncAction(let name, let action): return try actionPage(name, action, request)
        case .errors:
            let page = ErrorsPage(request.query)
            return try give(request, page.body) { page.html(request) }
        case .system:
            let page = try SystemPage(site: site)
            return try give(request, page) { page.html(request) }
        case .diagnostics: return try Diagnostics(site: site).answer()
        case .connections:
            let page = ConnectionsPage(site: site)
            return try give(request, page.body) { page.html(request) }
        case .connection(let end, let name):
            let page = try ConnectionPage(site: site, end, name)
            return try give(request, page.body) { page.html(request) }
        case .checkEvents(let end, let name):
            return WebAnswer(.events(try CheckStream(site: site, end, name, request.visitor)))
        default: return try peoplePages(request)
        }
    }

    private func peoplePages(_ request: WebRequest) throws -> WebAnswer {
        switch request.place {
        case .people:
            let page = try PeoplePage(site: site)
            return try give(request, page.body) { page.html(request) }
        case .person(let name):
            let page = try PersonPage(site: site, name)
            return try give(request, page.body) { page.html(request) }
        case .account:
            return try give(request, AccountBody(name: request.visitor.name, role: request.visitor.role)) {
                AccountPage().html(request)
            }
        case .audit:
            let page = try AuditPage(site: site, request.query)
            return try give(request, page.body) { page.html(request) }
        default: return try runPages(request)
        }
    }

    private func runPages(_ request: WebRequest) throws -> WebAnswer {
        switch request.place {
        case .runs:
            let page = try RunsPage(site: site, request.query)
            return try give(request, page.body) { page.html(request) }
        case .run(let number):
            if request.isJSON { return try json(try site.run(number)) }
            return WebAnswer(.page(try RunPage(site: site, number, request.query).html(request)))
        case .runEvents(let number):
            _ = try site.run(number)
            return WebAnswer(.events(EventStream(site: site, run: number, lastEventID: request.lastEventID)))
        case .records(let number):
            let page = try RecordsPage(site: site, number, request.query)
            return try give(request, page.body) { page.html(request) }
        case .recordsCSV(let number): return try RecordsCSV(site: site, number, request.query).answer
        case .exchange(let run, let number):
            let page = try ExchangePage(site: site, run: run, number: number)
            return try give(request, page.body) { page.html(request) }
        default: throw PageFailure.noSuchPage
        }
    }

    /// What a form of a sync leads to: the page that shows its result, or that asks first.
    private func actionPage(_ name: String, _ action: Place.SyncAction, _ request: WebRequest) throws -> WebAnswer {
        switch action {
        case .reset where request.isJSON, .confirm where request.isJSON, .resend where request.isJSON:
            throw PageFailure.noTwin
        case .reset:
            let page = try ResetPage(site: site, name)
            return WebAnswer(.page(page.html(request, problem: nil)))
        case .confirm, .resend:
            return WebAnswer(.page(try DoubtPage(site: site, name, action).html(request)))
        case .plan where request.isJSON:
            guard case .done(.plan(let report), _) = site.work.progress(.syncAction(name, .plan)) else {
                throw PageFailure(
                    .missing, code: "dry_run_not_made", message: "No dry run of \(name) is kept.",
                    hint: "Ask for one on the page of the sync.")
            }
            return try json(PlanBody(report))
        default: return .redirect(.sync(try site.sync(name).name))
        }
    }

    private func give(_ request: WebRequest, _ body: some Encodable, _ page: () -> HTML) throws -> WebAnswer {
        request.isJSON ? try json(body) : WebAnswer(.page(page()))
    }

    private func json(_ body: some Encodable) throws -> WebAnswer { WebAnswer(.json(try JSONBody.bytes(body))) }
}

private struct AccountBody: Encodable {
    var name: String
    var role: String
}

/// JSON as the commands print it.
enum JSONBody {
    static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
