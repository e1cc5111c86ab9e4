internal import Runner
internal import StateStore

/// Who may sign in, and what they may do.
struct PeoplePage: Sendable {
    let people: [Person]
    let now: Moment

    init(site: Site) throws {
        people = try site.people.list()
        now = site.now
    }

    func html(_ request: WebRequest, problem: RunError? = nil, name: String = "") -> HTML {
        var layout = Layout("People", section: .people, visitor: request.visitor)
        layout.message = Message(request.query)
        layout.lead =
            "<p class=\"lead\">A viewer sees syncs, runs and figures. An operator also sees rows, and runs, cancels and sends again. An editor also resets and changes what is made in the pages. An admin also manages people and reads the audit log.</p>"
        var table = TableView(
            "People",
            [
                TableView.Column("Name"), TableView.Column("Role"), TableView.Column("Added"),
                TableView.Column("Password changed"), TableView.Column("Last seen"),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        let rows = people.prefix(500).map { person -> [HTML] in
            [
                "<a class=\"name\" href=\"\(Place.person(person.name).path)\">\(person.name)</a>",
                HTML(person.role.rawValue), TimeView.time(person.addedAt, now: now),
                TimeView.time(person.passwordChangedAt, now: now),
                person.lastSeenAt.map { TimeView.both($0, now: now) } ?? "<span class=\"nought\">never</span>",
            ]
        }
        return layout.page("\(ReasonView.alert(problem))\(table.html(rows))\(addForm(request.visitor, name))")
    }

    private func addForm(_ visitor: Visitor, _ name: String) -> HTML {
        """
        <section><h2>Add a person</h2><form class="card narrow" method="post" action="\(Place.people.path)">\(FormView.token(visitor))
        \(FormView.input("Name", name: "name", value: name, attributes: " autocomplete=\"off\" required"))
        \(FormView.input("First password", name: "password", type: "password", hint: "Give it to them by a safe way; they change it on their own page.", attributes: " autocomplete=\"new-password\" required"))
        \(Self.roles(chosen: .viewer))
        <p class="bar"><button class="primary">Add</button></p></form></section>
        """
    }

    static func roles(chosen: Role) -> HTML {
        FormView.select(
            "Role", name: "role", chosen: chosen.rawValue, Role.allCases.map { ($0.rawValue, $0.rawValue) })
    }

    var body: [String: [PersonBody]] { ["people": people.map { PersonBody($0) }] }
}

/// A person for programs.
struct PersonBody: Encodable {
    var name: String
    var role: String

    init(_ person: Person) {
        name = person.name
        role = person.role.rawValue
    }
}

/// One person: their role, a new password, the end of their access.
struct PersonPage: Sendable {
    let person: Person
    let now: Moment

    init(site: Site, _ name: String) throws {
        guard let found = try site.people.person(name) else {
            throw PageFailure(
                .missing, code: "unknown_person", message: "There is nobody called \(name).",
                hint: "The page of people lists them.")
        }
        person = found
        now = site.now
    }

    func html(_ request: WebRequest, problem: RunError? = nil) -> HTML {
        var layout = Layout(person.name, section: .people, visitor: request.visitor)
        layout.trail = [("People", .people)]
        layout.message = Message(request.query)
        layout.lead = "<p class=\"lead\">\(person.role.rawValue), added \(TimeView.both(person.addedAt, now: now))</p>"
        let place = Place.person(person.name)
        let token = FormView.token(request.visitor)
        return layout.page(
            """
            \(ReasonView.alert(problem))
            <section><h2>Role</h2><form class="card narrow" method="post" action="\(place.path)">\(token)<input type="hidden" name="change" value="role">
            \(PeoplePage.roles(chosen: person.role))<p class="bar"><button>Give this role</button></p></form></section>
            <section><h2>New password</h2><form class="card narrow" method="post" action="\(place.path)">\(token)<input type="hidden" name="change" value="password">
            \(FormView.input("Password", name: "password", type: "password", hint: "It ends all their sessions.", attributes: " autocomplete=\"new-password\" required"))<p class="bar"><button>Set the password</button></p></form></section>
            <section><h2>Remove</h2><form class="card narrow" method="post" action="\(place.path)">\(token)<input type="hidden" name="change" value="remove">
            \(FormView.input("Type the name to confirm", name: "name", hint: "They are signed out at once. What they did stays in the audit log.", attributes: " autocomplete=\"off\" required"))<p class="bar"><button class="danger">Remove \(person.name)</button></p></form></section>
            """)
    }

    var body: PersonBody { PersonBody(person) }
}

/// One's own page: change the password.
struct AccountPage: Sendable {
    func html(_ request: WebRequest, problem: RunError? = nil) -> HTML {
        var layout = Layout("Your account", visitor: request.visitor)
        layout.message = Message(request.query)
        layout.lead = "<p class=\"lead\">You are \(request.visitor.name), \(request.visitor.role).</p>"
        return layout.page(
            """
            \(ReasonView.alert(problem))<section><h2>Change your password</h2><form class="card narrow" method="post" action="\(Place.account.path)">\(FormView.token(request.visitor))
            \(FormView.input("Present password", name: "old", type: "password", attributes: " autocomplete=\"current-password\" required"))
            \(FormView.input("New password", name: "password", type: "password", hint: "Your other sessions end.", attributes: " autocomplete=\"new-password\" required"))
            \(FormView.input("New password again", name: "again", type: "password", attributes: " autocomplete=\"new-password\" required"))
            <p class="bar"><button class="primary">Change it</button></p></form></section>
            <section id="shortcuts" hidden><h2>Keys</h2><p><kbd>/</kbd> goes to the search of a page, <kbd>n</kbd> and <kbd>p</kbd> to the next and the previous row or request.</p><p class="bar"><button type="button">Switch the keys off</button></p></section>
            """)
    }
}
