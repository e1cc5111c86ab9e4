internal import Runner

/// What the forms about people do. A mistake is told on the page that has the form.
struct PeopleForms: Sendable {
    let site: Site

    private func actor(_ request: WebRequest) -> Actor {
        Actor(request.visitor.name, address: request.visitor.address)
    }

    func add(_ request: WebRequest) async throws -> WebAnswer {
        let name = request.form["name"] ?? ""
        do {
            try await site.people.add(
                name, password: request.form["password"] ?? "", role: try role(request), by: actor(request))
            return .redirect(.people, [("done", Message.saved.rawValue)])
        } catch let error as RunError {
            return WebAnswer(.page(try PeoplePage(site: site).html(request, problem: error, name: name)), status: 400)
        }
    }

    func change(_ name: String, _ request: WebRequest) async throws -> WebAnswer {
        let page = try PersonPage(site: site, name)
        do {
            switch request.form["change"] {
            case "role": try site.people.setRole(name, try role(request), by: actor(request))
            case "password":
                let own = page.person.name == request.visitor.name ? request.session : nil
                try await site.people.setPassword(
                    name, request.form["password"] ?? "", sparing: own, by: actor(request))
            case "remove":
                guard request.form["name"] == page.person.name else {
                    throw RunError(
                        code: "name_differs", message: "Nobody was removed: that is not the name.",
                        hint: "Type \(page.person.name), exactly so.")
                }
                try site.people.remove(name, by: actor(request))
                return .redirect(.people, [("done", Message.saved.rawValue)])
            default: throw PageFailure.noSuchPage
            }
            return .redirect(.person(page.person.name), [("done", Message.saved.rawValue)])
        } catch let error as RunError {
            return WebAnswer(.page(page.html(request, problem: error)), status: 400)
        }
    }

    /// One's own password: the present one is asked for again.
    func account(_ request: WebRequest) async throws -> WebAnswer {
        let visitor = request.visitor
        do {
            guard request.form["password"] == request.form["again"] else { throw Self.differs }
            guard
                try await site.people.isPassword(
                    request.form["old"] ?? "", of: visitor.name, address: visitor.address)
            else {
                throw RunError(
                    code: "login_failed", message: "The present password is not right.", hint: "Try again.")
            }
            try await site.people.setPassword(
                visitor.name, request.form["password"] ?? "", sparing: request.session, by: actor(request))
            return .redirect(.account, [("done", Message.saved.rawValue)])
        } catch let error as RunError {
            return WebAnswer(.page(AccountPage().html(request, problem: error)), status: 400)
        }
    }

    static let differs = RunError(
        code: "password_differs", message: "The two passwords are not the same.", hint: "Type them again.")

    private func role(_ request: WebRequest) throws -> Role {
        guard let role = request.form["role"].flatMap({ Role(rawValue: $0) }) else {
            throw RunError(code: "unknown_role", message: "There is no such role.", hint: "Choose one of the list.")
        }
        return role
    }
}
