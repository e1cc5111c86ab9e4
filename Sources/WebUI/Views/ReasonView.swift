internal import Runner
internal import StateStore

/// A code with what happened and what to do.
enum ReasonView {
    /// Stands out on a page: why a run failed, what a form could not do.
    static func box(
        _ code: String, _ message: String, _ hint: String, tone: String, more: HTML = .empty,
        shownAs name: String? = nil, about: PageHint.About = PageHint.About()
    ) -> HTML {
        section(tone, message, PageHint.html(code, hint, about), codeLink(code, shownAs: name), more)
    }

    /// Every guard that speaks; what to do holds for all of them and stands with the last.
    static func guards(
        _ record: GuardRecord, opening: String = "", about: PageHint.About = PageHint.About(), more: HTML = .empty
    ) -> HTML {
        record.all.enumerated().html { index, one in
            let code = PageHint.code(ofGuard: one.name)
            let isLast = index == record.all.count - 1
            return section(
                "part", opening + one.message, isLast ? PageHint.html(code, one.hint, about) : .empty,
                codeLink(code, shownAs: "guard " + one.name), isLast ? more : .empty)
        }
    }

    private static func section(
        _ tone: String, _ message: String, _ hint: HTML, _ code: HTML, _ more: HTML
    ) -> HTML {
        """
        <section class="notice \(tone)"><p><strong>\(message)</strong></p>\(hintLine(hint))<p class="detail">\(code)</p>\(more)</section>
        """
    }

    /// What was wrong with a form, on top of it.
    static func alert(_ problem: RunError?) -> HTML {
        problem.map { "<div role=\"alert\">\(box($0.code, $0.message, $0.hint, tone: "bad"))</div>" } ?? .empty
    }

    static func cell(
        _ code: String, _ message: String, _ hint: String, about: PageHint.About = PageHint.About()
    ) -> HTML {
        "<span class=\"reason\">\(cut(message, 400))</span>\(doLine(PageHint.html(code, hint, about, limit: 400)))<span class=\"detail\">\(codeLink(code))</span>"
    }

    static func codeLink(_ code: String, shownAs name: String? = nil) -> HTML {
        "<a class=\"code\" href=\"\(Place.errors.link([("code", code)]))\">\(name ?? code)</a>"
    }

    /// What to do, with an arrow before it.
    static func doLine(_ hint: HTML) -> HTML {
        hint.isEmpty ? .empty : "<span class=\"do\">\(hint)</span>"
    }

    private static func hintLine(_ hint: HTML) -> HTML { hint.isEmpty ? .empty : "<p>\(hint)</p>" }

    /// At most so many characters.
    static func cut(_ text: String, _ count: Int) -> String {
        let head = text.prefix(count)
        return head.endIndex == text.endIndex ? text : head + "…"
    }
}
