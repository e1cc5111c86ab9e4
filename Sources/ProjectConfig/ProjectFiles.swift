/// Reads the project file and what it includes, and merges them section by section.
struct ProjectFiles {
    static let filesMax = 1_000
    static let includesDeepMax = 8
    private static let pathHint = "check the path; it begins at the directory of the file that says it"
    static let sections = ["sources", "destinations", "datasets", "syncs"]
    static let keys = ["version", "include"] + sections + ["environments", "notify"]

    /// What all files say together.
    struct Merged {
        var sections: [String: [ConfigNode.Entry]] = [:]
        /// By environment and section.
        var environments: [(entry: ConfigNode.Entry, sections: [String: [ConfigNode.Entry]])] = []
        var notify: ConfigNode.Entry?
    }

    let workingDirectory: String
    let log: DiagnosticLog
    private(set) var merged = Merged()
    /// Absolute, in the order in which they were read.
    private(set) var files: [String] = []
    /// What was asked for beside, there or not: a change of it would be another project.
    private(set) var named: [String] = []
    private(set) var patterns: [ProjectPlaces.Pattern] = []
    /// The absolute directory of each file, by the file as shown.
    private(set) var directories: [String: String] = [:]
    /// Every named definition, those that do not count included.
    private(set) var parts: [ProjectPart] = []
    private var open: [String] = []

    init(workingDirectory: String, log: DiagnosticLog) {
        self.workingDirectory = workingDirectory
        self.log = log
    }

    /// Reads the project file and everything below it.
    mutating func readProject(_ path: String) {
        let absolute = FilePath.absolute(path, in: workingDirectory)
        let shown = FilePath.shown(absolute, from: workingDirectory)
        do throws(TextFile.Failure) {
            let text = try TextFile.read(absolute, shown: shown)
            read(text, path: absolute, shown: shown, isMain: true)
        } catch {
            var hint = error.hint
            if error.code == "file_not_found" {
                hint = "`sluice init` writes a project to start from; `--project PATH` names another file"
            } else if error.code == "file_is_directory" {
                hint = "name the file in it: `--project \(shown)/sluice.yaml`"
            }
            log.add(Diagnostic(.error, code: error.code, message: error.message, hint: hint))
        }
    }

    private mutating func read(_ text: String, path: String, shown: String, isMain: Bool) {
        files.append(path)
        directories[shown] = FilePath.directory(of: path)
        guard let root = YAMLDocument.parse(text, file: shown, log: log) else { return }
        guard isKnownVersion(root) else { return }
        let start = Location(file: shown, line: 1, column: 1)
        guard
            let reader = MappingReader(
                root, what: isMain ? "the project" : "an included file", at: start, keys: Self.keys,
                expected: "a mapping of sections (version, sources, destinations, datasets, syncs)", log: log)
        else { return }
        if isMain { _ = reader.requiredEntry("version", hint: "write `version: 1` as the first line") }
        for section in Self.sections { merge(section, reader.entry(section)) }
        if let entry = reader.entry("environments") { mergeEnvironments(entry) }
        if let entry = reader.entry("notify") {
            if let first = merged.notify {
                duplicate("`notify`", "notify", at: entry.keyLocation, first: first.keyLocation)
            } else {
                merged.notify = entry
            }
        }
        open.append(path)
        include(reader, from: path)
        open.removeLast()
    }

    /// Adds what was made in the pages; where a file has the name already, the file's counts.
    mutating func merge(_ stored: StoredDefinitions, directory: String) {
        for one in stored.all {
            let file = Self.shown(one)
            // Line 0 is no line of the text: the name stands above it.
            let place = Location(file: file, line: 0, column: 1)
            guard let node = YAMLDocument.parse(one.text, file: file, log: log) else { continue }
            guard ProjectName.check(one.name, what: "a \(one.kind.rawValue)", at: place, log: log) else { continue }
            directories[file] = directory
            let section = one.kind.section
            let first = merged.sections[section]?.first { $0.key == one.name }
            let entry = ConfigNode.Entry(key: one.name, keyLocation: place, value: node)
            parts.append(
                ProjectPart(
                    kind: one.kind, name: one.name, location: entry.keyLocation, isStored: true,
                    hiddenBy: first?.keyLocation, node: node))
            if first == nil {
                merged.sections[section, default: []].append(entry)
            } else if let first {
                log.warning(
                    code: "defined_in_file",
                    "the \(one.kind.rawValue) `\(one.name)` is also defined at \(first.keyLocation)",
                    hint: "the file's counts; remove one of them", at: entry.keyLocation)
            }
        }
    }

    /// What messages call the place of a definition that is in no file.
    static func shown(_ one: StoredDefinitions.One) -> String { "\(one.kind.rawValue) \(one.name)" }

    /// The parts that the files define, as they are after the overrides, then those of the pages.
    func allParts(_ merged: Merged) -> [ProjectPart] {
        let stored = Set(parts.map { $0.location.file })
        let ofFiles = DefinitionKind.allCases.flatMap { kind in
            merged.sections[kind.section, default: []].filter { !stored.contains($0.keyLocation.file) }.map {
                ProjectPart(
                    kind: kind, name: $0.key, location: $0.keyLocation, isStored: false, hiddenBy: nil, node: $0.value)
            }
        }
        return ofFiles + parts
    }

    /// Looked at first: nothing else of a newer format would be understood.
    private func isKnownVersion(_ root: ConfigNode) -> Bool {
        guard let entry = root.entries?.first(where: { $0.key == "version" }) else { return true }
        if entry.value.text == "1" { return true }
        log.error(
            code: "unsupported_version", "`version` must be 1, found \(entry.value.kindWord)",
            hint: "this program reads version 1; a newer project needs a newer program", at: entry.value.location)
        return false
    }

    private mutating func merge(_ section: String, _ entry: ConfigNode.Entry?) {
        guard let entry, !entry.value.isNull else { return }
        guard let entries = entry.value.entries else {
            return log.wrongKind(
                entry.value, expected: "a mapping of names", for: "`\(section)`", at: entry.keyLocation)
        }
        let what = Self.word(section)
        for part in entries {
            guard ProjectName.check(part.key, what: "a \(what)", at: part.keyLocation, log: log) else { continue }
            if let first = merged.sections[section]?.first(where: { $0.key == part.key }) {
                duplicate("the \(what) `\(part.key)`", part.key, at: part.keyLocation, first: first.keyLocation)
            } else {
                merged.sections[section, default: []].append(part)
            }
        }
    }

    private func duplicate(_ what: String, _ name: String, at location: Location, first: Location) {
        log.error(
            code: "duplicate_definition", "\(what) is defined twice; the first is at \(first)",
            hint: "rename or remove one of them", at: location)
    }

    static func word(_ section: String) -> String { String(section.dropLast()) }

    private mutating func mergeEnvironments(_ entry: ConfigNode.Entry) {
        if entry.value.isNull { return }
        guard let environments = entry.value.entries else {
            return log.wrongKind(
                entry.value, expected: "a mapping of names", for: "`environments`", at: entry.keyLocation)
        }
        for environment in environments {
            guard
                ProjectName.check(environment.key, what: "an environment", at: environment.keyLocation, log: log)
            else { continue }
            if let first = merged.environments.first(where: { $0.entry.key == environment.key }) {
                duplicate(
                    "the environment `\(environment.key)`", environment.key, at: environment.keyLocation,
                    first: first.entry.keyLocation)
            } else {
                merged.environments.append((environment, overrides(of: environment)))
            }
        }
    }

    private func overrides(of environment: ConfigNode.Entry) -> [String: [ConfigNode.Entry]] {
        guard !environment.value.isNull else { return [:] }
        guard
            let reader = MappingReader(
                environment.value, what: "environment `\(environment.key)`", at: environment.keyLocation,
                keys: Self.sections + ["notify"], log: log)
        else { return [:] }
        var overrides: [String: [ConfigNode.Entry]] = [:]
        for section in Self.sections {
            guard let entry = reader.entry(section), !entry.value.isNull else { continue }
            if let entries = entry.value.entries {
                overrides[section] = entries
            } else {
                log.wrongKind(
                    entry.value, expected: "a mapping of names", for: "`\(section)`", at: entry.keyLocation)
            }
        }
        if let notify = reader.entry("notify") { overrides["notify"] = [notify] }
        return overrides
    }

    private mutating func include(_ reader: MappingReader, from path: String) {
        if reader.value("include")?.isNull ?? true { return }
        for (pattern, location) in reader.texts("include", expected: "a list of paths") ?? [] {
            if open.count > Self.includesDeepMax {
                log.error(
                    code: "include_too_deep", "files include one another more than \(Self.includesDeepMax) deep",
                    hint: "include them from the project file", at: location)
                return
            }
            let directory = FilePath.directory(of: path)
            if FilePattern.isPattern(pattern) {
                patterns.append(ProjectPlaces.Pattern(text: pattern, directory: directory))
                includeAll(pattern, in: directory, at: location)
            } else {
                includeOne(FilePath.absolute(pattern, in: directory), at: location, isPattern: false)
            }
        }
    }

    private mutating func includeAll(_ pattern: String, in directory: String, at location: Location) {
        let found = FilePattern.files(matching: pattern, in: directory)
        if found.isEmpty {
            log.warning(
                code: "include_matches_nothing", "no file matches `\(pattern)`",
                hint:
                    "patterns begin at the directory of the file that says them; hidden files are left out",
                at: location)
        }
        for file in found { includeOne(file, at: location, isPattern: true) }
    }

    /// A file that several patterns match is read once; a pattern may match the file that says it.
    private mutating func includeOne(_ path: String, at location: Location, isPattern: Bool) {
        if open.contains(path) {
            if isPattern { return }
            let chain = (open.drop { $0 != path } + [path]).map { FilePath.shown($0, from: workingDirectory) }
            return log.error(
                code: "include_cycle", "files include one another in a circle: \(chain.joined(separator: " -> "))",
                hint: "remove this include", at: location)
        }
        if files.contains(path) { return }
        named.append(path)
        guard files.count < Self.filesMax else {
            return log.error(
                code: "include_too_deep", "the project has more than \(Self.filesMax) files",
                hint: "put several definitions into one file", at: location)
        }
        let shown = FilePath.shown(path, from: workingDirectory)
        do throws(TextFile.Failure) {
            let text = try TextFile.read(path, shown: shown)
            if text.allSatisfy(\.isWhitespace), isPattern { return }
            read(text, path: path, shown: shown, isMain: false)
        } catch {
            log.error(
                code: error.code, error.message, hint: error.hint.isEmpty ? Self.pathHint : error.hint, at: location)
        }
    }
}
