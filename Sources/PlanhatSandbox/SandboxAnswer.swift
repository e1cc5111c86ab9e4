/// An answer of the API, for whoever asks in the same process.
package struct SandboxAnswer: Sendable, Equatable {
    package let status: Int
    package let body: String
}

extension Sandbox {
    /// Carries out one API request without a connection: no token, no rate limit, no latency; of the fail rules only
    /// those that refuse rows.
    /// - Parameter target: path and query, as `/companies?limit=5`.
    package func perform(_ method: String, _ target: String, _ body: String = "") -> SandboxAnswer {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let request = RequestTarget(
            method: method,
            path: parts.first ?? "/",
            query: parts.count > 1 ? parts[1] : ""
        )
        let rules = FailRules(configuration.failRules)
        if let (call, tenant) = AnalyticsRoutes.call(request) {
            let routes = AnalyticsRoutes(store: store, tenant: configuration.tenantUUID)
            let answer = routes.answer(
                call, tenant: tenant, user: configuration.tenantUUID, Array(body.utf8),
                rules.eventRefusal(method: method, path: request.path))
            return SandboxAnswer(status: answer.status, body: String(decoding: answer.bytes, as: UTF8.self))
        }
        let refusal = rules.refusal(method: method, path: request.path)
        let answer = ApiRoutes(store: store).answer(request, Array(body.utf8), refusal)
        return SandboxAnswer(status: answer.status, body: String(decoding: answer.bytes, as: UTF8.self))
    }

    /// What came to the analytics API, a line of JSON for each row: `activities` or `metrics`.
    package func eventLines(_ kind: String) -> String {
        guard let kind = EventStream.Kind(rawValue: kind) else { return "" }
        let answer = ApiAnswer(status: 200, body: .events(EventStream(store.snapshot(), kind)))
        return String(decoding: answer.bytes, as: UTF8.self)
    }
}
