/// Text as it is, with its own line ends. What is wide or long scrolls in itself, by keyboard too.
struct CodeBlock {
    let label: String
    /// So that the copy button finds it; none where there is nothing to copy.
    var id: String?
    var style = ""

    init(_ label: String, id: String? = nil, style: String = "") {
        (self.label, self.id, self.style) = (label, id, style)
    }

    func html(_ text: HTML) -> HTML {
        let name: HTML? = id.map { " id=\"\($0)\"" }
        let look: HTML = style.isEmpty ? .empty : " class=\"\(style)\""
        return "<pre\(look)\(name) tabindex=\"0\" role=\"group\" aria-label=\"\(label)\">\(text)</pre>"
    }

    /// With a button that a script shows.
    func copied(_ text: HTML) -> HTML {
        """
        \(html(text))<button class="copy small" type="button" data-copy="\(id ?? "")" hidden>Copy</button>
        """
    }
}
