internal import ProjectConfig
internal import Runner

/// What is wrong with a form, and with which of its inputs.
struct FormProblem: Sendable, Hashable {
    /// The input's name; nil for the form as a whole.
    var input: String?
    var code: String
    var message: String
    var hint: String

    init(_ input: String?, code: String, message: String, hint: String) {
        self.input = input
        self.code = code
        self.message = message
        self.hint = hint
    }

    init(_ input: String?, _ diagnostic: Diagnostic) {
        self.init(input, code: diagnostic.code, message: diagnostic.message, hint: diagnostic.hint)
    }

    init(_ error: any Error, input: String? = nil) {
        let failure = RunError(error)
        self.init(input, code: failure.code, message: failure.message, hint: failure.hint)
    }
}

/// Texts of declarations and diagnostics: what stands between backticks is code, and they begin as sentences do.
enum Prose {
    static func html(_ text: String) -> HTML {
        var html = HTML.empty
        for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            html += index.isMultiple(of: 2) ? HTML(String(part)) : "<code>\(String(part))</code>"
        }
        return html
    }

    static func sentence(_ text: String) -> HTML { html(capitalized(text)) }

    static func capitalized(_ text: String) -> String {
        guard let first = text.first, first != "`" else { return text }
        return first.uppercased() + text.dropFirst()
    }

    /// A message and its hint, each ending with one period.
    static func sentences(_ problem: FormProblem) -> HTML {
        let message = problem.message.hasSuffix(".") ? String(problem.message.dropLast()) : problem.message
        return problem.hint.isEmpty ? "\(sentence(message))." : "\(sentence(message)). \(sentence(problem.hint))"
    }

    private static let known = [
        "api": "API", "url": "URL", "uuid": "UUID", "id": "ID", "ssl": "SSL", "sslmode": "SSL mode",
        "sslcert": "SSL certificate", "sslkey": "SSL key", "sslrootcert": "SSL root certificates",
    ]

    /// `api_key` as people say it: API key.
    static func label(_ name: String) -> String {
        let words = name.split(separator: "_").map { known[String($0)] ?? String($0) }.joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}

/// Everything that is wrong, on top of the form, each linked to its input.
enum ProblemsView {
    static func html(_ problems: [FormProblem], _ title: String) -> HTML {
        guard !problems.isEmpty else { return .empty }
        let items = problems.prefix(20).html { problem in
            let text = Prose.sentence(problem.message)
            let linked: HTML = problem.input.map { "<a href=\"#\($0)\">\(text)</a>" } ?? text
            let hint: HTML =
                problem.hint.isEmpty
                ? .empty : "<span class=\"do\">\(PageHint.html(problem.code, Prose.capitalized(problem.hint)))</span>"
            return "<li>\(linked)\(hint)<span class=\"detail\">\(ReasonView.codeLink(problem.code))</span></li>"
        }
        return """
            <section class="notice bad wrong" role="alert" id="wrong" tabindex="-1"><h2>\(title)</h2><ul>\(items)</ul></section>
            """
    }
}

/// One input with its label, help, and what was wrong with it.
struct EntryView {
    var label: String
    var name: String
    var value = ""
    var help = ""
    var example = ""
    var isRequired = false
    /// Stands where help is not enough.
    var note: HTML = .empty
    var problems: [FormProblem] = []

    init(_ label: String, _ name: String, value: String = "", help: String = "") {
        self.label = label
        self.name = name
        self.value = value
        self.help = help
    }

    private var own: [FormProblem] { problems.filter { $0.input == name } }

    private var described: HTML {
        let ids = [help.isEmpty ? nil : "help-\(name)", own.isEmpty ? nil : "wrong-\(name)"].compactMap { $0 }
        let by: HTML = ids.isEmpty ? .empty : " aria-describedby=\"\(ids.joined(separator: " "))\""
        return own.isEmpty ? by : by + " aria-invalid=\"true\""
    }

    private func frame(_ input: HTML) -> HTML {
        let helpLine: HTML =
            help.isEmpty ? .empty : "<span class=\"hint\" id=\"help-\(name)\">\(Prose.html(help))</span>"
        let need: HTML = isRequired ? " <span class=\"need\">required</span>" : .empty
        let wrong = own.html { "<span>\(Prose.sentences($0))</span>" }
        let wrongLine: HTML =
            own.isEmpty ? .empty : "<span class=\"said\" id=\"wrong-\(name)\">\(IconView.icon(.bad))\(wrong)</span>"
        return """
            <div class="field"><label for="\(name)">\(label)\(need)</label>\(helpLine)\(input)\(wrongLine)\(note)</div>
            """
    }

    private var hint: HTML { example.isEmpty ? .empty : " placeholder=\"\(example)\"" }

    func text(type: String = "text", _ attributes: HTML = .empty) -> HTML {
        frame(
            """
            <input id="\(name)" name="\(name)" type="\(type)" value="\(value)"\(hint)\(described)\(attributes) spellcheck="false">
            """)
    }

    /// Written, never read: what was typed does not come back either.
    func secret() -> HTML {
        frame(
            """
            <input id="\(name)" name="\(name)" type="password" value="" autocomplete="new-password"\(described) spellcheck="false">
            """)
    }

    func area(rows: Int) -> HTML {
        frame(
            """
            <textarea id="\(name)" name="\(name)" rows="\(rows)"\(hint)\(described) spellcheck="false">
            \(value)</textarea>
            """)
    }

    func select(_ options: [(value: String, label: String)]) -> HTML {
        frame("<select id=\"\(name)\" name=\"\(name)\"\(described)>\(Self.options(options, value))</select>")
    }

    static func options(_ options: [(value: String, label: String)], _ chosen: String) -> HTML {
        options.html { value, label in
            let selected: HTML = value == chosen ? " selected" : ""
            return "<option value=\"\(value)\"\(selected)>\(label)</option>"
        }
    }
}

/// Things to choose from, each a link with a title and a sentence.
struct TilesView {
    struct Tile {
        var title: String
        var text: String
        var target: String
    }

    static func html(_ tiles: [Tile]) -> HTML {
        let items = tiles.html { tile in
            """
            <li><a class="tile" href="\(tile.target)"><strong>\(tile.title)</strong><span>\(Prose.html(tile.text))</span></a></li>
            """
        }
        return "<ul class=\"tiles\">\(items)</ul>"
    }
}

/// Where somebody is on the way to something, with links back.
enum StepsView {
    static func html(_ steps: [(name: String, link: String?)], current: Int) -> HTML {
        let items = steps.enumerated().html { index, step in
            let mark: HTML = index == current ? " aria-current=\"step\"" : .empty
            let name: HTML = step.link.map { "<a href=\"\($0)\">\(step.name)</a>" } ?? HTML(step.name)
            let done: HTML = index < current ? " class=\"done\"" : .empty
            return "<li\(done)\(mark)>\(name)</li>"
        }
        return "<nav class=\"way\" aria-label=\"Steps\"><ol>\(items)</ol></nav>"
    }
}
