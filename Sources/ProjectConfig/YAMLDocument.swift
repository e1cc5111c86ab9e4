internal import Yams

/// One YAML file as nodes with places. Stricter than YAML where a configuration is better for it: one document, no
/// anchors, no aliases, no tags, no key twice, keys are texts, limits on depth and size.
struct YAMLDocument {
    static let depthMax = 32
    static let nodesMax = 200_000
    /// Repeated keys that are each named; further ones are found once these are corrected.
    static let duplicatesMax = 20
    /// Put before a key that is there twice, so that the parser reads on; a character of the private use area.
    private static let marker: Unicode.Scalar = "\u{E000}"

    private let file: String
    private let log: DiagnosticLog
    private var markers: [(line: Int, column: Int)] = []
    private var nodeCount = 0

    /// The root, or nil after errors have been logged.
    static func parse(_ text: String, file: String, log: DiagnosticLog) -> ConfigNode? {
        var document = YAMLDocument(file: file, log: log)
        return document.parse(text)
    }

    private init(file: String, log: DiagnosticLog) {
        self.file = file
        self.log = log
    }

    private mutating func parse(_ text: String) -> ConfigNode? {
        if let alias = AliasScan.first(in: text) {
            log.error(
                code: "yaml_unsupported", "anchors and aliases are not supported: `\(alias.token)`",
                hint: "write the part out where it is needed; a text that begins with & or * goes in quotes",
                at: Location(file: file, line: alias.line, column: alias.column))
            return nil
        }
        guard let root = compose(text) else { return nil }
        let errorsBefore = log.hasErrors
        let node = convert(root, depth: 0)
        return log.hasErrors && !errorsBefore ? nil : node
    }

    /// The parser stops at the first repeated key and names one place; both are wanted, and the rest of the file.
    private mutating func compose(_ original: String) -> Node? {
        var text = original
        while true {
            do {
                guard let root = try Yams.Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() else {
                    log.error(
                        code: "file_empty", "the file is empty",
                        hint: "a project begins with `version: 1`; `sluice init` writes one to start from",
                        at: Location(file: file, line: 1, column: 1))
                    return nil
                }
                return root
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let place = (line: context.mark.line, column: context.mark.column)
                guard markers.count < Self.duplicatesMax, let marked = mark(text, at: place) else {
                    let location = Location(file: file, line: max(place.line, 1), column: max(place.column, 1))
                    reportDuplicate(keys.first ?? "", at: location, first: nil)
                    return nil
                }
                text = marked
            } catch {
                YAMLFailure(error, text: text).report(to: log, file: file)
                return nil
            }
        }
    }

    private mutating func mark(_ text: String, at place: (line: Int, column: Int)) -> String? {
        var lines = text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" }.map(Array.init)
        guard place.line >= 1, place.line <= lines.count else { return nil }
        var column = place.column - 1
        guard column >= 0, column < lines[place.line - 1].count else { return nil }
        let first = lines[place.line - 1][column]
        if first == "\"" || first == "'" { column += 1 }
        if "[{|>?:!".unicodeScalars.contains(first) { return nil }
        lines[place.line - 1].insert(Self.marker, at: column)
        markers = markers.map { known in
            known.line == place.line && known.column > column ? (known.line, known.column + 1) : known
        }
        markers.append((place.line, column + 1))
        var marked = String.UnicodeScalarView()
        marked.append(contentsOf: lines.joined(separator: ["\n"]))
        return String(marked)
    }

    private func location(_ mark: Mark?) -> Location {
        guard let mark else { return Location(file: file, line: 1, column: 1) }
        let before = markers.filter { $0.line == mark.line && $0.column < mark.column }.count
        return Location(file: file, line: mark.line, column: mark.column - before)
    }

    private func reportDuplicate(_ key: String, at location: Location, first: Location?) {
        let firstPlace = first.map { "; the first is at \($0)" } ?? ""
        log.error(
            code: "duplicate_key", "the key `\(key)` is here twice\(firstPlace)", hint: "keep one of them", at: location
        )
    }

    private mutating func convert(_ node: Node, depth: Int) -> ConfigNode? {
        let place = location(node.mark)
        nodeCount += 1
        guard depth <= Self.depthMax, nodeCount <= Self.nodesMax else {
            log.error(
                code: "yaml_too_large",
                depth > Self.depthMax
                    ? "the file is nested more than \(Self.depthMax) levels deep"
                    : "the file has more than \(Self.nodesMax) values",
                hint: "split it with `include`, or look for a bracket too many", at: place)
            return nil
        }
        switch node {
        case .scalar(let scalar):
            guard hasNoTag(scalar.tag, at: place) else { return nil }
            // A plain scalar has the text tag only where the file says `!!str`.
            let isPlain = scalar.style == .plain && scalar.tag.description.isEmpty
            return ConfigNode(content: .scalar(unmarked(scalar.string), isPlain: isPlain), location: place)
        case .sequence(let sequence):
            guard hasNoTag(sequence.tag, at: place) else { return nil }
            var items: [ConfigNode] = []
            for item in sequence {
                guard let converted = convert(item, depth: depth + 1) else { return nil }
                items.append(converted)
            }
            return ConfigNode(content: .list(items), location: place)
        case .mapping(let mapping):
            guard hasNoTag(mapping.tag, at: place), let entries = entries(of: mapping, depth: depth) else {
                return nil
            }
            return ConfigNode(content: .mapping(entries), location: place)
        case .alias:
            log.error(
                code: "yaml_unsupported", "anchors and aliases are not supported",
                hint: "write the part out where it is needed", at: place)
            return nil
        }
    }

    private mutating func entries(of mapping: Node.Mapping, depth: Int) -> [ConfigNode.Entry]? {
        var entries: [ConfigNode.Entry] = []
        var seen: [String: Location] = [:]
        for (key, value) in mapping {
            let place = location(key.mark)
            guard case .scalar(let scalar) = key else {
                log.error(
                    code: "wrong_kind", "a key must be a text, found \(key.mapping == nil ? "a list" : "a mapping")",
                    hint: "a text that begins with [ or { goes in quotes", at: place)
                return nil
            }
            let name = unmarked(scalar.string)
            if let first = seen[name] {
                reportDuplicate(name, at: place, first: first)
                continue
            }
            seen[name] = place
            guard let converted = convert(value, depth: depth + 1) else { return nil }
            entries.append(ConfigNode.Entry(key: name, keyLocation: place, value: converted))
        }
        return entries
    }

    /// Without a resolver an untagged plain node has an empty tag and a quoted one the tag for text.
    private func hasNoTag(_ tag: Tag, at place: Location) -> Bool {
        let name = tag.description
        if name.isEmpty || name == "tag:yaml.org,2002:str" { return true }
        log.error(
            code: "yaml_unsupported", "tags are not supported: `\(name)`",
            hint: "leave the tag out; a text that begins with ! goes in quotes", at: place)
        return false
    }

    private func unmarked(_ text: String) -> String {
        guard !markers.isEmpty, text.unicodeScalars.contains(Self.marker) else { return text }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text.unicodeScalars.drop { $0 == Self.marker })
        return String(view)
    }
}
