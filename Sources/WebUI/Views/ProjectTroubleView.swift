internal import ProjectConfig

/// That the project's files are not in force as they are now, and why: file, line and column, the reason, what to do.
enum ProjectTroubleView {
    static let shownMax = 10

    static func html(_ site: Site) -> HTML {
        guard let trouble = site.projectTrouble() else { return .empty }
        let items = trouble.problems.prefix(shownMax).html { item($0) }
        let left = trouble.problems.count - shownMax
        let more: HTML =
            left > 0
            ? "<p class=\"detail\">and \(left) more: <a href=\"\(Place.system.path).json\">all of them for programs</a>, or as <code>sluice check --offline</code> lists them</p>"
            : .empty
        let title: HTML =
            trouble.isGone
            ? "The project file is gone. What it said stays in force."
            : "The project file has errors. What it said before stays in force."
        let again = trouble.isGone ? "as soon as it is back" : "as soon as it changes, and about every minute"
        return """
            <section class="notice bad wrong" id="trouble"><h2>\(title)</h2><p class="detail">Found \(TimeView.both(trouble.since, now: site.now)). It is read again \(again).</p><ul>\(items)</ul>\(more)</section>
            """
    }

    private static func item(_ problem: Diagnostic) -> HTML {
        let shown: HTML = problem.placeName.map { "<code>\($0)</code> " } ?? .empty
        return """
            <li>\(shown)\(Prose.sentence(problem.message))\(ReasonView.doLine(PageHint.html(problem.code, Prose.capitalized(problem.hint))))<span class="detail">\(ReasonView.codeLink(problem.code))</span></li>
            """
    }
}
