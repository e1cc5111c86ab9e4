internal import CExamples
internal import CSQLite
internal import Foundation
internal import Runner

/// The example project in a folder of its own, with its database.
struct DemoProject {
    let folder: String

    var projectPath: String { folder + "/sluice.yaml" }
    private var databasePath: String { folder + "/data/acme.db" }

    /// Writes the project and makes the database as it is before anything changed.
    init(folder: String) throws {
        self.folder = folder
        try FileManager.default.createDirectory(
            atPath: folder + "/data", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let project = unsafe Self.text(sluice_example_project())
        try Data(project.utf8).write(to: URL(fileURLWithPath: projectPath))
        try Self.writeDatabase(to: databasePath)
    }

    /// The database as it is before anything changed.
    static func writeDatabase(to path: String) throws {
        try execute(unsafe text(sluice_example_data()), path)
    }

    /// What happens to the database between the two runs.
    func change() throws { try Self.execute(unsafe Self.text(sluice_example_changes()), databasePath) }

    private static func text(_ example: sluice_example) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: example.bytes, count: example.count), as: UTF8.self)
    }

    private static func execute(_ sql: String, _ path: String) throws {
        var handle: OpaquePointer?
        defer { unsafe sqlite3_close(handle) }
        let opened = unsafe sqlite3_open(path, &handle)
        guard opened == SQLITE_OK, unsafe sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            let message = unsafe handle.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            throw RunError(
                code: "cannot_write", message: "The sample database cannot be made: \(message).",
                hint: "Check the rights and the free space of \(path).")
        }
    }
}
