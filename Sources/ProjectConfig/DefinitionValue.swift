/// What can be defined in a project by name.
package enum DefinitionKind: String, Sendable, Hashable, CaseIterable {
    case source, destination, dataset, sync

    /// The section of the project file.
    package var section: String { rawValue + "s" }
}

/// A definition as data, in the shape of the project file: what forms make and what files are written from.
package indirect enum DefinitionValue: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package var key: String
        package var value: DefinitionValue

        package init(_ key: String, _ value: DefinitionValue) {
            self.key = key
            self.value = value
        }
    }

    case text(String)
    /// A number, true, false or null, as written.
    case plain(String)
    case list([DefinitionValue])
    case mapping([Entry])

    /// What somebody typed into a field: a number and true and false are what they look like, all else is text.
    package static func typed(_ text: String) -> DefinitionValue {
        switch CoreScalar(plain: text) {
        case .boolean, .integer, .float: .plain(text)
        case .null, .text: .text(text)
        }
    }

    init(_ node: ConfigNode) {
        switch node.content {
        case .scalar(let text, let isPlain):
            if isPlain, case .text = CoreScalar(plain: text) {
                self = .text(text)
            } else {
                self = isPlain ? .plain(text) : .text(text)
            }
        case .list(let items): self = .list(items.map(DefinitionValue.init))
        case .mapping(let entries): self = .mapping(entries.map { Entry($0.key, DefinitionValue($0.value)) })
        }
    }

    /// One definition as YAML: the value that stands below its name. nil and the errors where it is none.
    package static func parse(_ text: String, file: String) -> (value: DefinitionValue?, diagnostics: [Diagnostic]) {
        let log = DiagnosticLog()
        let node = YAMLDocument.parse(text, file: file, log: log)
        return (log.hasErrors ? nil : node.map(DefinitionValue.init), log.diagnostics)
    }

    /// The scalar's text.
    package var scalar: String? {
        switch self {
        case .text(let text), .plain(let text): text
        case .list, .mapping: nil
        }
    }

    package var entries: [Entry] {
        if case .mapping(let entries) = self { entries } else { [] }
    }

    /// An entry of a mapping. Setting nil removes it; a new key goes to the end.
    package subscript(key: String) -> DefinitionValue? {
        get { entries.first { $0.key == key }?.value }
        set {
            guard case .mapping(var entries) = self else { return }
            let index = entries.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(key, value))
            case (nil, nil): break
            }
            self = .mapping(entries)
        }
    }

    /// `{secret: NAME}`.
    package static func secret(_ name: String) -> DefinitionValue { .mapping([Entry("secret", .text(name))]) }

    /// NAME where the value is `{secret: NAME}`.
    package var secretName: String? { entries.count == 1 ? self["secret"]?.scalar : nil }
}
