/// One complete answer, with secrets taken out.
package struct PlanhatAnswer: Sendable {
    package var status: Int
    package var body: [UInt8]
    /// What the headers ask to wait.
    package var wait: Duration?
    /// What the headers say of the quota; the client passes it on.
    var limits: RateLimitHeaders?

    package init(status: Int, body: [UInt8], wait: Duration? = nil) {
        self.status = status
        self.body = body
        self.wait = wait
    }

    /// The `message` of a JSON answer, or the beginning of a plain one; empty for web pages.
    var saidText: String {
        if let value = JSONReader.valueIfAny(body) {
            if case .object = value { return RefusalText.text(of: value) }
            return RefusalText.cut(value.scalarText ?? "")
        }
        let text = String(decoding: body.prefix(RefusalText.charactersMax * 4), as: UTF8.self).trimmed()
        return text.hasPrefix("<") ? "" : RefusalText.cut(text)
    }
}
