internal import Runner
internal import StateStore

/// The frame of every page: skip link, navigation, trail, one heading, the message of what was just done.
struct Layout: Sendable {
    enum Section: String, CaseIterable {
        case overview = "Overview"
        case syncs = "Syncs"
        case datasets = "Datasets"
        case runs = "Runs"
        case connections = "Connections"
        case system = "System"
        case people = "People"
        case audit = "Audit"

        var place: Place {
            switch self {
            case .overview: .overview
            case .syncs: .syncs
            case .datasets: .making(.datasets)
            case .runs: .runs
            case .connections: .connections
            case .system: .system
            case .people: .people
            case .audit: .audit
            }
        }

        func isFor(_ visitor: Visitor) -> Bool {
            switch self {
            case .people: visitor.may(.managePeople)
            case .audit: visitor.may(.seeAudit)
            default: true
            }
        }
    }

    var title: String
    /// What the heading says, where that is more than the title.
    var heading: HTML?
    var section: Section?
    /// The pages above this one, with their names.
    var trail: [(String, Place)] = []
    var visitor: Visitor?
    /// What was just done, by its word in the query (`Message`).
    var message: Message?
    /// Loads the page again after so many seconds, where there is no script.
    var refreshSeconds: Int?
    /// Where the page's live updates come from.
    var events: Place?
    /// Stands beside the heading: the state, the actions.
    var beside: HTML = .empty
    /// Stands below the heading, in one or two lines.
    var lead: HTML = .empty

    init(_ title: String, section: Section? = nil, visitor: Visitor?) {
        self.title = title
        self.section = section
        self.visitor = visitor
    }

    func page(_ body: HTML) -> HTML {
        let refresh = refreshSeconds.map { seconds -> HTML in
            "<noscript><meta http-equiv=\"refresh\" content=\"\(seconds)\"></noscript>\n"
        }
        let live = events.map { place -> HTML in " data-events=\"\(place.path)\"" }
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            \(refresh)<title>\(title) · Sluice</title>
            <link rel="icon" href="\(Assets.icon.path)" type="image/svg+xml">
            <link rel="stylesheet" href="\(Assets.style.path)">
            <script src="\(Assets.script.path)" defer></script>
            </head>
            <body\(live)>
            <a class="skip" href="#main">Skip to content</a>
            \(header)
            <main id="main" tabindex="-1">
            \(crumbs)\(messageView)<div class="head"><div><h1>\(heading ?? HTML(title))</h1>\(lead)</div>\(beside)</div>
            \(body)
            </main>
            <footer><p>Times are in UTC. <a href="\(Place.errors.path)">Error codes</a></p></footer>
            </body>
            </html>

            """
    }

    private var header: HTML {
        guard let visitor else {
            return "<header class=\"top\"><a class=\"brand\" href=\"/\">\(Self.mark)Sluice</a></header>"
        }
        let links = Section.allCases.filter { $0.isFor(visitor) }.html { item in
            let current: HTML = item == section ? " aria-current=\"page\"" : ""
            return "<li><a href=\"\(item.place.path)\"\(current)>\(item.rawValue)</a></li>"
        }
        return """
            <header class="top"><a class="brand" href="/">\(Self.mark)Sluice</a>
            <nav aria-label="Main"><ul>\(links)</ul></nav>
            <div class="who"><a href="\(Place.account.path)">\(visitor.name)</a> \(signOut(visitor))</div></header>
            """
    }

    private func signOut(_ visitor: Visitor) -> HTML {
        """
        <form method="post" action="\(Place.signOut.path)">\(FormView.token(visitor))<button class="quiet">Sign out</button></form>
        """
    }

    private var crumbs: HTML {
        guard !trail.isEmpty else { return .empty }
        let links = trail.html { name, place in "<li><a href=\"\(place.path)\">\(name)</a></li>" }
        return "<nav class=\"trail\" aria-label=\"Trail\"><ol>\(links)</ol></nav>\n"
    }

    private var messageView: HTML {
        guard let message else { return .empty }
        return "<p class=\"message\" role=\"status\">\(IconView.icon(.ok))\(message.text)</p>\n"
    }

    private static let mark: HTML = """
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 5h18v3H3zM5 10h3v9H5zM10.5 10h3v9h-3zM16 10h3v9h-3z"/></svg>
        """
}

/// What a form did, said on the page it leads to. The query holds the word only, so nobody can put text on a page.
enum Message: String, Sendable {
    case started, cancelling, paused, resumed, reset, planning, checking, resending, confirmed, saved, removed, renamed
    case pausedByFile = "paused_by_file"
    case signedOut = "signed_out"

    var text: HTML {
        switch self {
        case .started: "The run has started."
        case .cancelling: "The run stops after the batch that is on its way."
        case .paused: "The sync is paused: it is off its schedule until you resume it."
        case .pausedByFile: "The project file still says paused: true, so the sync stays off its schedule."
        case .resumed: "The sync is back on its schedule."
        case .reset: "Everything believed to be at the destination is forgotten. The next run sends every row."
        case .planning: "The dry run has started. Nothing is sent."
        case .checking: "The check has started."
        case .resending: "The records are being sent again, in a run of their own."
        case .confirmed: "The records count as arrived from now on. Nothing was sent."
        case .saved: "Saved."
        case .removed: "Removed."
        case .renamed: "It has its new name, everywhere."
        case .signedOut: "You are signed out."
        }
    }

    init?(_ query: Fields) {
        guard let word = query["done"], let message = Message(rawValue: word) else { return nil }
        self = message
    }
}
