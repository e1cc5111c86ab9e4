import Foundation
import Synchronization

/// A fresh folder for one test, with what is started in it; both are gone when nobody holds it any more.
final class WorkFolder: Sendable {
    let path: String
    private let children = Mutex<[Child]>([])

    init() throws {
        path = NSTemporaryDirectory() + "sluice-e2e-" + UUID().uuidString.prefix(13)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        for child in children.withLock({ $0 }) { child.kill() }
        for folder in [path, limits] where FileManager.default.fileExists(atPath: folder) {
            do {
                try FileManager.default.removeItem(atPath: folder)
            } catch {
                FileHandle.standardError.write(Data("\(folder) could not be removed\n".utf8))
            }
        }
    }

    /// Where processes share the limits of accounts: beside the folder, for no test to meet what another one left.
    var limits: String { path + ".limits" }

    /// Nothing of the environment of the tests but the way to programs.
    var environment: [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": path, "TMPDIR": path,
            "LANG": "C.UTF-8", "TZ": "UTC", "SLUICE_LIMITS": limits,
        ]
    }

    func start(_ arguments: [String], environment: [String: String] = [:], in folder: String? = nil) throws -> Child {
        try start(SluiceProgram.path, arguments, environment: environment, in: folder)
    }

    func start(
        _ program: String, _ arguments: [String], environment: [String: String], in folder: String? = nil
    ) throws -> Child {
        let child = try Child(
            program, arguments, in: folder ?? path,
            environment: self.environment.merging(environment) { _, given in given })
        children.withLock { $0.append(child) }
        return child
    }

    /// Runs sluice to its end.
    @discardableResult
    func sluice(
        _ arguments: String..., environment: [String: String] = [:], in folder: String? = nil, seconds: Double = 60
    ) async throws -> Finished {
        try await sluice(arguments, environment: environment, in: folder, seconds: seconds)
    }

    @discardableResult
    func sluice(
        _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil, seconds: Double = 60
    ) async throws -> Finished {
        try await start(arguments, environment: environment, in: folder).wait(seconds: seconds)
    }

    func write(_ text: String, to name: String) throws {
        let file = URL(filePath: path + "/" + name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func copy(_ from: String, to name: String) throws {
        try FileManager.default.copyItem(atPath: from, toPath: path + "/" + name)
    }

    /// The names of what is directly in the folder, but for the output of what was started there.
    func entries() -> [String] {
        (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? [])
            .filter { !$0.contains(".output-") && !$0.contains("/") }.sorted()
    }

    /// The relative paths of all files under a folder.
    func files(under name: String = "") -> [String] {
        let found = FileManager.default.enumerator(atPath: path + "/" + name)?.allObjects as? [String] ?? []
        return found.filter { file in
            var isFolder: ObjCBool = false
            let isThere = FileManager.default.fileExists(
                atPath: path + "/" + name + "/" + file, isDirectory: &isFolder)
            return isThere && !isFolder.boolValue && !file.contains(".output-")
        }.sorted()
    }
}
