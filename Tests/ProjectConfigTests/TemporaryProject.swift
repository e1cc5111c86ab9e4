import Foundation
import ProjectConfig

/// A directory with files in it, removed when the test is over.
final class TemporaryProject {
    let directory: String

    init(_ files: [String: String] = [:]) throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        directory = base.appendingPathComponent("sluice-config-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, text) in files { try write(Data(text.utf8), to: name) }
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            print("could not remove \(directory): \(error)")
        }
    }

    func write(_ data: Data, to name: String) throws {
        let path = directory + "/" + name
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: path))
    }

    func load(
        _ name: String = "sluice.yaml", environment: [String: String] = [:], environmentName: String? = nil
    ) throws -> LoadedProject {
        try ProjectLoader(environment: environment, workingDirectory: directory)
            .load(name, environmentName: environmentName)
    }

    /// Every problem of a project that does not load, and of validating one that does, as a person sees them.
    func problems(
        _ name: String = "sluice.yaml", environment: [String: String] = [:], environmentName: String? = nil
    ) -> [String] {
        do {
            let loaded = try load(name, environment: environment, environmentName: environmentName)
            return (loaded.warnings + Validation.validate(loaded.project, catalog: FakeCatalog.catalog)).map(\.rendered)
        } catch let errors as ProjectErrors {
            return errors.diagnostics.map(\.rendered)
        } catch {
            return ["\(error)"]
        }
    }
}

/// Pieces of projects that tests put together.
enum Sample {
    static let connections = """
        version: 1
        sources:
          local: {type: filedb, path: data/acme.db}
        destinations:
          crm: {type: crm, api_key: "${CRM_KEY}"}

        """

    static let company = """
        syncs:
          companies:
            from: {source: local, table: accounts}
            to: crm.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings:
              name: account_name

        """

    static let project = connections + company

    /// A sync of companies with these mappings.
    static func mapping(_ lines: String...) -> String {
        connections
            + company.replacingOccurrences(
                of: "      name: account_name\n", with: lines.map { "      \($0)\n" }.joined())
    }
}
