package import ConnectorKit
internal import Foundation

/// A project, what deserves a look in it, and the variables that its references are looked up in.
package struct LoadedProject: Sendable {
    package var project: Project
    package var warnings: [Diagnostic]
    /// Looks up what the settings refer to.
    package var references: SecretReferences
    /// The environment that was picked, if any.
    package var environmentName: String?
    /// Every named definition and where it stands.
    package var parts: [ProjectPart] = []
    /// `notify` of the whole project, as data.
    package var notify: DefinitionValue?
}

/// Reads a project: its file, what that includes, the environment's overrides and the `.env` files beside it.
///
/// It opens no connection and looks no reference up. Every error is collected before it throws.
package struct ProjectLoader: Sendable {
    private let environment: [String: String]
    private let workingDirectory: String

    /// - Parameters:
    ///   - environment: the variables of the process; they win over those of the `.env` files.
    ///   - workingDirectory: absolute; where relative paths begin and what shown paths are relative to. The
    ///     process's own if nil.
    package init(environment: [String: String], workingDirectory: String? = nil) {
        self.environment = environment
        self.workingDirectory = FilePath.absolute(
            workingDirectory ?? FileManager.default.currentDirectoryPath, in: "/")
    }

    /// Reads the project file at `path`, with the overrides of `environmentName`.
    package func load(_ path: String, environmentName: String? = nil) throws(ProjectErrors) -> LoadedProject {
        let log = DiagnosticLog()
        let loaded = read(path, environmentName: environmentName, log: log)
        guard let loaded, !log.hasErrors else { throw ProjectErrors(log.diagnostics) }
        return loaded
    }

    /// Loads and validates in one, so that a person sees the errors of both at once; `loaded` is nil if the project
    /// cannot be used.
    ///
    /// - Parameter stored: what was made in the pages, merged with the files'. Where it is given, even empty, there
    ///   need be no project file.
    package func check(
        _ path: String, environmentName: String? = nil, catalog: ConnectorCatalog, stored: StoredDefinitions? = nil
    ) -> (loaded: LoadedProject?, diagnostics: [Diagnostic]) {
        let log = DiagnosticLog()
        guard let loaded = read(path, environmentName: environmentName, stored: stored, log: log) else {
            return (nil, log.diagnostics)
        }
        let rules = StoredCheck(
            catalog: catalog, project: loaded.project, protectedPaths: stored?.protectedPaths ?? [], log: log)
        for part in loaded.parts { rules.check(part) }
        // What could not be read is left out of the project: that it is missing is no error of its own.
        let consequences: Set<String> = ["unknown_source", "unknown_destination", "unknown_sync", "schedule_cycle"]
        let isPartial = log.hasErrors
        for problem in Validation.validate(loaded.project, catalog: catalog)
        where !isPartial || (problem.severity == .error && !consequences.contains(problem.code)) {
            log.add(problem)
        }
        return (log.hasErrors ? nil : loaded, log.diagnostics)
    }

    /// The files that a project is read from, found out by reading them, whatever is wrong with them.
    package func places(_ path: String, environmentName: String? = nil) -> ProjectPlaces {
        var files = ProjectFiles(workingDirectory: workingDirectory, log: DiagnosticLog())
        let absolute = FilePath.absolute(path, in: workingDirectory)
        if TextFile.exists(absolute) { files.readProject(path) }
        let variables = variableFiles(in: FilePath.directory(of: absolute), environmentName)
        return ProjectPlaces(main: absolute, files: files.named + variables, patterns: files.patterns)
    }

    /// What could be read; nil if the project file itself could not.
    private func read(
        _ path: String, environmentName: String?, stored: StoredDefinitions? = nil, log: DiagnosticLog
    ) -> LoadedProject? {
        var files = ProjectFiles(workingDirectory: workingDirectory, log: log)
        let absolute = FilePath.absolute(path, in: workingDirectory)
        let directory = FilePath.directory(of: absolute)
        if stored == nil || TextFile.exists(absolute) {
            files.readProject(path)
            guard !files.files.isEmpty else { return nil }
        }
        if let stored { files.merge(stored, directory: directory) }

        var merged = files.merged
        let overrides = EnvironmentOverrides(log: log)
        overrides.check(merged)
        if let environmentName {
            if let chosen = merged.environments.first(where: { $0.entry.key == environmentName }) {
                overrides.apply(chosen.sections, to: &merged)
            } else {
                checkEnvironment(environmentName, merged: merged, directory: directory, log: log)
            }
        }
        let variables = variables(in: directory, environmentName: environmentName, log: log)
        let project = ProjectDecoder(log: log, directories: files.directories).project(
            merged, directory: directory, file: FilePath.shown(absolute, from: workingDirectory), files: files.files)
        return LoadedProject(
            project: project, warnings: log.diagnostics, references: SecretReferences(variables: variables),
            environmentName: environmentName, parts: files.allParts(merged),
            notify: merged.notify.map { DefinitionValue($0.value) })
    }

    /// An environment needs overrides or a `.env` file of its own; else its name is a mistake.
    private func checkEnvironment(
        _ name: String, merged: ProjectFiles.Merged, directory: String, log: DiagnosticLog
    ) {
        let isSafe = !name.isEmpty && !name.contains("/") && !name.contains("\u{0}")
        if isSafe, TextFile.exists(FilePath.absolute(".env.\(name)", in: directory)) { return }
        let known = merged.environments.map(\.entry.key)
        log.add(
            Diagnostic(
                .error, code: "unknown_environment",
                message: "there is no environment `\(name)`: neither below `environments` nor a file `.env.\(name)`",
                hint: NearestName.hint(for: name, among: known)))
    }

    private func variableFiles(in directory: String, _ environmentName: String?) -> [String] {
        var names = [".env"]
        if let environmentName, !environmentName.contains("/") { names.append(".env.\(environmentName)") }
        return names.map { FilePath.absolute($0, in: directory) }
    }

    /// `.env`, over it `.env.NAME`, over both the process's environment.
    private func variables(in directory: String, environmentName: String?, log: DiagnosticLog) -> [String: String] {
        var variables: [String: String] = [:]
        for path in variableFiles(in: directory, environmentName) {
            guard TextFile.exists(path) else { continue }
            let shown = FilePath.shown(path, from: workingDirectory)
            do throws(TextFile.Failure) {
                let file = EnvironmentFile(try TextFile.read(path, shown: shown), file: shown)
                for problem in file.problems { log.add(problem) }
                variables.merge(file.variables) { _, later in later }
            } catch {
                log.add(Diagnostic(.error, code: error.code, message: error.message, hint: error.hint))
            }
        }
        variables.merge(environment) { _, real in real }
        return variables
    }
}
