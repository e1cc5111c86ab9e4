/// What a page is made of, read as strictly as a page of ours has to be: every element closed in order, attributes in
/// double quotes.
struct PageMarkup {
    struct Element {
        var name: String
        var attributes: [String: String]
    }

    private(set) var elements: [Element] = []
    private(set) var problems: [String] = []
    private(set) var text = ""

    private static let void: Set<String> = ["meta", "link", "input", "br", "hr", "img"]

    init(_ page: String) {
        var open: [String] = []
        var rest = page[...]
        while let start = rest.firstIndex(of: "<") {
            text += rest[..<start]
            rest = rest[rest.index(after: start)...]
            guard let end = rest.firstIndex(of: ">") else {
                problems.append("a tag has no end")
                return
            }
            let tag = rest[..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("!") { continue }
            if tag.hasPrefix("/") {
                let name = String(tag.dropFirst())
                if open.last != name { problems.append("</\(name)> closes \(open.last ?? "nothing")") }
                open = open.dropLast()
                continue
            }
            let element = Self.element(tag.hasSuffix("/") ? tag.dropLast() : tag, &problems)
            elements.append(element)
            if !Self.void.contains(element.name) && !tag.hasSuffix("/") { open.append(element.name) }
        }
        text += rest
        if !open.isEmpty { problems.append("never closed: \(open.joined(separator: ", "))") }
        check()
    }

    private static func element(_ tag: Substring, _ problems: inout [String]) -> Element {
        var rest = tag
        let name = rest.prefix { !$0.isWhitespace }
        rest = rest.dropFirst(name.count)
        var attributes: [String: String] = [:]
        while true {
            rest = rest.drop { $0.isWhitespace }
            let key = rest.prefix { !$0.isWhitespace && $0 != "=" }
            if key.isEmpty { break }
            rest = rest.dropFirst(key.count)
            guard rest.first == "=" else {
                attributes[String(key)] = ""
                continue
            }
            rest = rest.dropFirst()
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else {
                problems.append("\(name) \(key) has no quotes")
                break
            }
            if attributes[String(key)] != nil { problems.append("\(name) has \(key) twice") }
            attributes[String(key)] = String(rest.dropFirst()[..<end])
            rest = rest[rest.index(after: end)...]
        }
        return Element(name: String(name), attributes: attributes)
    }

    private mutating func check() {
        let headings = elements.filter { $0.name == "h1" }.count
        if headings != 1 { problems.append("\(headings) h1") }
        var seen: Set<String> = []
        for id in elements.compactMap({ $0.attributes["id"] }) where !seen.insert(id).inserted {
            problems.append("id \(id) twice")
        }
        let labelled = Set(elements.filter { $0.name == "label" }.compactMap { $0.attributes["for"] })
        for input in elements where ["input", "select", "textarea"].contains(input.name) {
            let isNamed = input.attributes["id"].map { labelled.contains($0) } ?? false
            if input.attributes["type"] != "hidden" && !isNamed && input.attributes["aria-label"] == nil {
                problems.append("an input without a label: \(input.attributes)")
            }
        }
        let forbidden = elements.filter { element in
            element.attributes.keys.contains { $0 == "style" || $0.hasPrefix("on") }
                || (element.name == "script" && element.attributes["src"] == nil) || element.name == "style"
        }
        if !forbidden.isEmpty { problems.append("script or style inside the page: \(forbidden.map(\.name))") }
        for name in ["main", "header", "title"] where !elements.contains(where: { $0.name == name }) {
            problems.append("no \(name)")
        }
        for form in elements where form.name == "form" && form.attributes["method"] == nil {
            problems.append("a form without a method")
        }
    }

    /// The addresses of the page's links, without fragments.
    var links: Set<String> {
        Set(
            elements.filter { $0.name == "a" || $0.name == "link" }.compactMap { $0.attributes["href"] }.map {
                String($0.split(separator: "#", omittingEmptySubsequences: false)[0]).replacing("&amp;", with: "&")
            }.filter { !$0.isEmpty })
    }
}
