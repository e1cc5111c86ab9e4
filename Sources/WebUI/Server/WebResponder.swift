internal import Foundation
internal import HTTPTypes
package import Hummingbird
internal import NIOCore
internal import Runner

/// What a request brings beside itself: the connection it came on.
package struct WebContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let remoteAddress: String

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress?.ipAddress ?? ""
    }
}

/// Answers every request, in this order: the address, what needs no session, the session, for a form its body and its
/// token, the visitor's right to it, the page.
package struct WebResponder: HTTPResponder {
    package typealias Context = WebContext

    /// Bytes of a form; more is answered 413.
    static let bodyBytesMax = 256 << 10
    static let targetBytesMax = 8_192

    private let site: Site
    private let settings: ServerSettings
    private let headers: AnswerHeaders
    private let pages: Pages

    package init(site: Site, settings: ServerSettings) {
        self.site = site
        self.settings = settings
        headers = AnswerHeaders(isSecure: settings.isSecure)
        pages = Pages(site: site)
    }

    package func respond(to request: Request, context: WebContext) async throws -> Response {
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let isJSON = path.hasSuffix(".json") || wantsJSON(request)
        var visitor: Visitor?
        do {
            let answer = try await answer(request, context, visitor: &visitor)
            return headers.response(answer, isHead: request.method == .head)
        } catch {
            let failure = PageFailure(error)
            let answer =
                isJSON
                ? FailureView.json(failure)
                : FailureView.page(failure, at: Place.parse(String(path))?.place, visitor: visitor)
            return headers.response(answer, isHead: request.method == .head)
        }
    }

    private func answer(
        _ request: Request, _ context: WebContext, visitor: inout Visitor?
    ) async throws -> WebAnswer {
        let target = request.head.path ?? "/"
        guard target.utf8.count <= Self.targetBytesMax, settings.answers(to: request.head.authority) else {
            throw PageFailure.noSuchPage
        }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let (place, isJSON) = Place.parse(String(parts[0])) else { throw PageFailure.noSuchPage }
        if let open = try OpenPages(site: site).answer(place) { return try readOnly(request, open) }
        let address = clientAddress(request, context)
        let session = SessionCookie(isSecure: settings.isSecure).value(in: request.headers[values: .cookie])
        let query = Fields(parts.count > 1 ? parts[1] : "")
        let isPost = request.method == .post
        let entry = SignInPages(site: site, session: session, address: address)
        guard let found = try site.gate.visitor(session: session, address: address) else {
            if isJSON || wantsJSON(request) { throw PageFailure.notSignedIn }
            let answer = try await entry.answer(place, query, isPost: isPost) { try await form(request) }
            return isPost ? answer : try readOnly(request, answer)
        }
        visitor = found
        if let answer = entry.signedIn(place) { return answer }
        var web = WebRequest(place: place, isJSON: isJSON || wantsJSON(request), visitor: found)
        web.session = session
        web.query = query
        return try await isPost ? sent(request, &web) : looked(request, &web)
    }

    /// A form of somebody with a session.
    private func sent(_ request: Request, _ web: inout WebRequest) async throws -> WebAnswer {
        web.form = try await form(request)
        guard Self.isSame(web.form["_token"] ?? "", web.visitor.formToken) else { throw PageFailure.formTooOld }
        try PlaceRights.check(web.place, web.visitor, site.gate)
        return try await Forms(site: site).answer(web)
    }

    /// A page that is only looked at.
    private func looked(_ request: Request, _ web: inout WebRequest) async throws -> WebAnswer {
        web.lastEventID = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
        try PlaceRights.check(web.place, web.visitor, site.gate)
        return try readOnly(request, try await pages.answer(web))
    }

    private func wantsJSON(_ request: Request) -> Bool {
        (request.headers[.accept] ?? "").hasPrefix("application/json")
    }

    private func readOnly(_ request: Request, _ answer: WebAnswer) throws -> WebAnswer {
        guard request.method == .get || request.method == .head else {
            throw PageFailure(
                .wrongMethod, code: "method_not_allowed", message: "This address is only to be looked at.",
                hint: "Use GET.")
        }
        return answer
    }

    // MARK: The request's parts

    /// Reads a form within its limits.
    private func form(_ request: Request) async throws -> Fields {
        guard isOwnForm(request) else { throw PageFailure.formTooOld }
        let type = request.headers[.contentType] ?? ""
        guard type.hasPrefix("application/x-www-form-urlencoded") else {
            throw PageFailure(
                .badRequest, code: "form_not_understood", message: "This is not a form of these pages.",
                hint: "Send application/x-www-form-urlencoded.")
        }
        let body = request.body
        let bytes: ByteBuffer
        do {
            bytes = try await Self.within(settings.formTime) { try await body.collect(upTo: Self.bodyBytesMax) }
        } catch is NIOTooManyBytesError {
            throw PageFailure(
                .tooLarge, code: "form_too_large", message: "The form is larger than \(Self.bodyBytesMax) bytes.",
                hint: "Send less at once.")
        }
        return Fields(Substring(String(buffer: bytes)))
    }

    private static func within<Result: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw PageFailure(
                    .tooSlow, code: "form_too_slow", message: "The form took longer than \(limit) to arrive.",
                    hint: "Try again.")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    /// A browser says where a form stood.
    private func isOwnForm(_ request: Request) -> Bool {
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headers[$0] }) {
            return site == "same-origin" || site == "none"
        }
        guard let origin = request.headers[.origin], let authority = request.head.authority else { return true }
        return origin.hasSuffix("//" + authority)
    }

    /// Compared in a time that does not tell how far they agree.
    static func isSame(_ given: String, _ expected: String) -> Bool {
        let (left, right) = (Array(given.utf8), Array(expected.utf8))
        guard left.count == right.count, !left.isEmpty else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func clientAddress(_ request: Request, _ context: WebContext) -> String {
        guard settings.isBehindProxy, let name = HTTPField.Name("X-Forwarded-For"),
            let last = request.headers[name]?.split(separator: ",").last
        else { return context.remoteAddress }
        return last.trimmingCharacters(in: .whitespaces)
    }
}
