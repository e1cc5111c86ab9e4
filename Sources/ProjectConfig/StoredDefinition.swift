/// Definitions that were made in the pages and lie in the control database, for the loader to merge with the files'.
package struct StoredDefinitions: Sendable {
    package struct One: Sendable, Hashable {
        package var kind: DefinitionKind
        package var name: String
        /// The value below its name, as YAML.
        package var text: String

        package init(_ kind: DefinitionKind, _ name: String, _ text: String) {
            self.kind = kind
            self.name = name
            self.text = text
        }
    }

    package var all: [One]
    /// Absolute paths that no stored definition may read from: the state directory.
    package var protectedPaths: [String]

    package init(_ all: [One], protectedPaths: [String] = []) {
        self.all = all
        self.protectedPaths = protectedPaths
    }
}

/// One definition of a project with where it stands, whether it is in force or not.
package struct ProjectPart: Sendable {
    package var kind: DefinitionKind
    package var name: String
    /// Where its name stands; for one of the pages, a place in the text of it.
    package var location: Location
    /// Made in the pages.
    package var isStored: Bool
    /// The definition of the same name in a file, which counts in its place.
    package var hiddenBy: Location?
    let node: ConfigNode

    init(
        kind: DefinitionKind, name: String, location: Location, isStored: Bool, hiddenBy: Location?, node: ConfigNode
    ) {
        self.kind = kind
        self.name = name
        self.location = location
        self.isStored = isStored
        self.hiddenBy = hiddenBy
        self.node = node
    }

    /// A stored definition that could not be loaded: its text is shown as far as it is YAML.
    package init(unreadable kind: DefinitionKind, _ name: String, text: String) {
        let one = StoredDefinitions.One(kind, name, text)
        let place = Location(file: ProjectFiles.shown(one), line: 0, column: 1)
        let node = YAMLDocument.parse(text, file: place.file, log: DiagnosticLog())
        self.init(
            kind: kind, name: name, location: place, isStored: true, hiddenBy: nil,
            node: node ?? ConfigNode(content: .scalar(text, isPlain: false), location: place))
    }

    /// Which field of it a diagnostic is about, as the keys that lead there; empty for all of it, nil if it is about
    /// something else.
    package func field(of diagnostic: Diagnostic) -> [String]? {
        guard diagnostic.file == location.file, let line = diagnostic.line, let column = diagnostic.column else {
            return nil
        }
        var best: (place: (Int, Int), path: [String])?
        func visit(_ node: ConfigNode, _ path: [String]) {
            for entry in node.entries ?? [] {
                for place in [entry.keyLocation, entry.value.location]
                where (place.line, place.column) <= (line, column) {
                    let found = (place.line, place.column)
                    if best.map({ $0.place <= found }) ?? true { best = (found, path + [entry.key]) }
                }
                visit(entry.value, path + [entry.key])
            }
        }
        visit(node, [])
        var path = best?.path ?? []
        if diagnostic.line == location.line, diagnostic.column == location.column { path = [] }
        return path + (diagnostic.missing.map { [$0] } ?? [])
    }

    package var value: DefinitionValue { DefinitionValue(node) }
}
