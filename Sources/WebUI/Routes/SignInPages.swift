internal import Runner

/// The way in: signing in, and the one-time link that makes the first admin.
struct SignInPages: Sendable {
    let site: Site
    let session: String?
    let address: String

    /// The answer to somebody without a session.
    func answer(
        _ place: Place, _ query: Fields, isPost: Bool, _ form: () async throws -> Fields
    ) async throws -> WebAnswer {
        switch place {
        case .signIn where isPost: return try await signIn(try await form())
        case .signIn: return page(next: query["next"], message: Message(query))
        case .welcome(let link) where isPost: return try await welcome(link, try await form())
        case .welcome(let link): return try welcomePage(link, problem: nil)
        default:
            if isPost { throw PageFailure.formTooOld }
            return .redirect(.signIn, [("next", place == .overview ? nil : place.path)])
        }
    }

    /// Somebody who is signed in has no need of these pages.
    func signedIn(_ place: Place) -> WebAnswer? {
        switch place {
        case .signIn, .welcome: .redirect(.overview)
        default: nil
        }
    }

    private func signIn(_ form: Fields) async throws -> WebAnswer {
        do {
            var answer = WebAnswer(.redirect(Self.target(form["next"])), status: 303)
            answer.session = try await site.gate.signIn(attempt(form))
            return answer
        } catch let error as RunError {
            return page(next: form["next"], message: nil, problem: error, name: form["name"] ?? "")
        }
    }

    private func welcome(_ link: String, _ form: Fields) async throws -> WebAnswer {
        guard form["password"] == form["again"] else {
            return try welcomePage(link, problem: PeopleForms.differs, name: form["name"] ?? "")
        }
        do {
            var answer = WebAnswer.redirect(.overview)
            answer.session = try await site.gate.welcome(link: link, attempt(form))
            return answer
        } catch let error as RunError {
            return try welcomePage(link, problem: error, name: form["name"] ?? "")
        }
    }

    private func attempt(_ form: Fields) -> SignInAttempt {
        SignInAttempt(
            name: form["name"] ?? "", password: form["password"] ?? "", address: address, replacing: session)
    }

    /// Only a place of these pages: a link to sign in must not lead to another site.
    static func target(_ next: String?) -> String {
        guard let next, let (place, isJSON) = Place.parse(next), !isJSON else { return Place.overview.path }
        return place.path
    }

    private func page(next: String?, message: Message?, problem: RunError? = nil, name: String = "") -> WebAnswer {
        var layout = Layout("Sign in", visitor: nil)
        layout.message = message
        let to: HTML? = next.map { "<input type=\"hidden\" name=\"next\" value=\"\($0)\">" }
        let body: HTML = """
            \(ReasonView.alert(problem))<form class="card narrow" method="post" action="\(Place.signIn.path)">\(to)
            \(FormView.input("Name", name: "name", value: name, attributes: " autocomplete=\"username\" required autofocus"))
            \(FormView.input("Password", name: "password", type: "password", attributes: " autocomplete=\"current-password\" required"))
            <p class="bar"><button class="primary">Sign in</button></p></form>
            <p class="detail">The first admin is made by the link that <code>sluice serve</code> prints when it starts.</p>
            """
        return WebAnswer(.page(layout.page(body)), status: problem == nil ? 200 : 403)
    }

    private func welcomePage(_ link: String, problem: RunError?, name: String = "") throws -> WebAnswer {
        var layout = Layout("Welcome to Sluice", visitor: nil)
        guard try site.gate.isGood(link: link) else {
            let error = RunError(
                code: "first_link_invalid", message: "This link does not work, or not any more.",
                hint: "Until there is an admin, every start of sluice serve prints a new one.")
            return WebAnswer(.page(layout.page(ReasonView.alert(error))), status: 403)
        }
        layout.lead =
            "<p class=\"lead\">Choose the name and the password of the first admin. Admins add other people.</p>"
        let body: HTML = """
            \(ReasonView.alert(problem))<form class="card narrow" method="post" action="\(Place.welcome(link).path)">
            \(FormView.input("Name", name: "name", value: name, attributes: " autocomplete=\"username\" required autofocus"))
            \(FormView.input("Password", name: "password", type: "password", hint: "At least twelve characters; a sentence is easy to remember.", attributes: " autocomplete=\"new-password\" required"))
            \(FormView.input("Password again", name: "again", type: "password", attributes: " autocomplete=\"new-password\" required"))
            <p class="bar"><button class="primary">Make the first admin</button></p></form>
            """
        return WebAnswer(.page(layout.page(body)), status: problem == nil ? 200 : 400)
    }
}
