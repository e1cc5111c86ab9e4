/// Why there is no page, as a page and as JSON.
enum FailureView {
    /// - Parameter place: where it happened.
    static func page(_ failure: PageFailure, at place: Place?, visitor: Visitor?) -> WebAnswer {
        let layout = Layout(title(failure.kind), visitor: visitor)
        let (name, way): (String, Place) = failure.code == "unknown_sync" ? ("Syncs", .syncs) : ("Overview", .overview)
        let body: HTML = """
            \(ReasonView.box(failure.code, failure.message, failure.hint, tone: failure.kind == .missing ? "part" : "bad", about: PageHint.About(place, visitor)))
            <p><a href="\(way.path)">\(name)</a></p>
            """
        return WebAnswer(.page(layout.page(body)), status: failure.kind.rawValue)
    }

    private static func title(_ kind: PageFailure.Kind) -> String {
        switch kind {
        case .badRequest: "This could not be done"
        case .notSignedIn: "Sign in first"
        case .forbidden: "Not allowed"
        case .missing: "Not found"
        case .wrongMethod: "Not that way"
        case .tooSlow: "Too slow"
        case .conflict: "This could not be done"
        case .tooLarge: "Too large"
        case .broken: "Something went wrong"
        case .unavailable: "Not available"
        }
    }

    private struct Body: Encodable {
        struct Content: Encodable {
            var code: String
            var message: String
            var hint: String
        }

        var error: Content
    }

    static func json(_ failure: PageFailure) -> WebAnswer {
        let body = Body(
            error: Body.Content(code: failure.code, message: failure.message, hint: failure.hint))
        do {
            return WebAnswer(.json(try JSONBody.bytes(body)), status: failure.kind.rawValue)
        } catch {
            return WebAnswer(.text("\(failure.code)\n", type: "text/plain; charset=utf-8"), status: 500)
        }
    }
}
