/// Forms: every action of the pages is one. They work without script.
enum FormView {
    static func token(_ visitor: Visitor) -> HTML {
        "<input type=\"hidden\" name=\"_token\" value=\"\(visitor.formToken)\">"
    }

    /// A button that posts to a place by itself.
    static func button(
        _ label: String, _ place: Place, _ visitor: Visitor, style: String = "", fields: [(String, String)] = []
    ) -> HTML {
        let hidden = fields.html { name, value in
            "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
        }
        return """
            <form method="post" action="\(place.path)">\(token(visitor))\(hidden)<button class="\(style)">\(label)</button></form>
            """
    }

    /// A labelled input, with what was wrong with it.
    static func input(
        _ label: String, name: String, value: String = "", type: String = "text", hint: String = "",
        attributes: HTML = .empty
    ) -> HTML {
        let help: HTML = hint.isEmpty ? .empty : "<span class=\"hint\" id=\"hint-\(name)\">\(hint)</span>"
        let described: HTML = hint.isEmpty ? .empty : " aria-describedby=\"hint-\(name)\""
        return """
            <div class="field"><label for="\(name)">\(label)</label>\(help)
            <input id="\(name)" name="\(name)" type="\(type)" value="\(value)"\(described)\(attributes)></div>
            """
    }

    /// More names than this are not listed, but typed: a page stays small however many syncs there are.
    static let namesMax = 100

    static func select(_ label: String, name: String, chosen: String, _ options: [(value: String, label: String)])
        -> HTML
    {
        let list = options.html { value, label in
            let selected: HTML = value == chosen ? " selected" : ""
            return "<option value=\"\(value)\"\(selected)>\(label)</option>"
        }
        return """
            <div class="field"><label for="\(name)">\(label)</label><select id="\(name)" name="\(name)">\(list)</select></div>
            """
    }
}
