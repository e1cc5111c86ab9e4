internal import Runner

/// Why there is no page: shown as one, with its code and what to do.
package struct PageFailure: Error, Sendable, Hashable {
    package enum Kind: Int, Sendable, Hashable {
        case badRequest = 400
        case notSignedIn = 401
        case forbidden = 403
        case missing = 404
        case wrongMethod = 405
        case tooSlow = 408
        case conflict = 409
        case tooLarge = 413
        case broken = 500
        case unavailable = 503
    }

    package var kind: Kind
    package var code: String
    package var message: String
    package var hint: String

    init(_ kind: Kind, code: String, message: String, hint: String) {
        self.kind = kind
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// Any error of the rooms below. One that an action gave is a conflict with how things are; what nobody foresaw is
    /// our own fault.
    init(_ error: any Error) {
        if let failure = error as? PageFailure {
            self = failure
            return
        }
        let failure = RunError(error)
        self.init(
            failure.code == "internal_error" ? .broken : .conflict, code: failure.code, message: failure.message,
            hint: failure.hint)
    }

    static let noTwin = PageFailure(
        .missing, code: "page_not_found", message: "A form has no JSON.",
        hint: "The page that it belongs to has: that of the sync, dataset or connection, or /overview.json.")
    static let noSuchPage = PageFailure(
        .missing, code: "page_not_found", message: "There is no such page.", hint: "Go to the overview.")
    static let formTooOld = PageFailure(
        .forbidden, code: "form_expired", message: "Nothing was done: the form is not from this session.",
        hint: "Go back, load the page again, and repeat what you did.")
    static let notSignedIn = PageFailure(
        .notSignedIn, code: "not_signed_in", message: "This needs somebody who is signed in.",
        hint: "Sign in on the pages and send the cookie along.")
    static let forbidden = PageFailure(
        .forbidden, code: "not_allowed", message: "Your role may not do or see this.",
        hint: "Ask an admin for another role.")
}
