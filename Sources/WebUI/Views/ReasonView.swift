internal import Runner

/// A code with what happened and what to do.
enum ReasonView {
    /// Stands out on a page: why a run failed, what a form could not do.
    static func box(_ code: String, _ message: String, _ hint: String, tone: String, more: HTML = .empty) -> HTML {
        """
        <section class="notice \(tone)"><p><strong>\(message)</strong></p>\(hintLine(hint))<p class="detail">\(codeLink(code))</p>\(more)</section>
        """
    }

    /// What was wrong with a form, on top of it.
    static func alert(_ problem: RunError?) -> HTML {
        problem.map { "<div role=\"alert\">\(box($0.code, $0.message, $0.hint, tone: "bad"))</div>" } ?? .empty
    }

    static func cell(_ code: String, _ message: String, _ hint: String) -> HTML {
        "<span class=\"reason\">\(cut(message, 400))</span>\(hintSpan(hint))<span class=\"detail\">\(codeLink(code))</span>"
    }

    static func codeLink(_ code: String) -> HTML {
        "<a class=\"code\" href=\"\(Place.errors.link([("code", code)]))\">\(code)</a>"
    }

    /// What to do, with an arrow before it.
    static func doLine(_ hint: HTML) -> HTML {
        hint.isEmpty ? .empty : "<span class=\"do\">\(hint)</span>"
    }

    private static func hintLine(_ hint: String) -> HTML {
        hint.isEmpty ? .empty : "<p>\(Prose.html(hint))</p>"
    }

    private static func hintSpan(_ hint: String) -> HTML {
        hint.isEmpty ? .empty : "<span class=\"do\">\(Prose.html(cut(hint, 400)))</span>"
    }

    /// At most so many characters.
    static func cut(_ text: String, _ count: Int) -> String {
        let head = text.prefix(count)
        return head.endIndex == text.endIndex ? text : head + "…"
    }
}
