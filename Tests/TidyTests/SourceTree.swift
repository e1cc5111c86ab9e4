import Foundation

/// The files of this project, read once.
struct SourceTree {
    struct SwiftFile {
        /// From the root, with `/`.
        var path: String
        var lineCount: Int
        var tokens: [SwiftTokens.Token]
        var declarations: SwiftDeclarations

        /// The folder under `Sources` or `Tests`.
        var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
        var name: String { path.split(separator: "/").last.map { String($0.dropLast(6)) } ?? "" }
        var folderDepth: Int { path.split(separator: "/").count - 3 }
        var texts: [String] { tokens.filter { $0.kind == .text }.map(\.text) }
    }

    static let shared = SourceTree()

    let root: URL
    /// Every file that may be committed, from the root, with `/`.
    let paths: [String]
    let sources: [SwiftFile]
    let tests: [SwiftFile]

    private init() {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        self.root = root
        paths = Self.paths(below: root)
        sources = Self.swiftFiles(paths, in: "Sources/", root)
        tests = Self.swiftFiles(paths, in: "Tests/", root)
    }

    func text(_ path: String) -> String? { try? String(contentsOf: root.appending(path: path), encoding: .utf8) }

    func size(_ path: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: root.appending(path: path).path)
        return (attributes?[.size] as? Int) ?? 0
    }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appending(path: path).path) }

    /// Walks by hand, into folders that are links too, and leaves out what .gitignore does.
    private static func paths(below root: URL) -> [String] {
        let ignored: Set<String> = [".git", ".build", ".swiftpm", ".sluice", ".env", "Package.resolved"]
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let place = folder.isEmpty ? root : root.appending(path: folder)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
            for name in names.sorted() where !ignored.contains(name) && !name.hasSuffix(".swp") {
                let path = folder.isEmpty ? name : folder + "/" + name
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: root.appending(path: path).path, isDirectory: &isFolder)
                else { continue }
                if isFolder.boolValue { folders.append(path) } else { found.append(path) }
            }
        }
        return found.sorted()
    }

    private static func swiftFiles(_ paths: [String], in folder: String, _ root: URL) -> [SwiftFile] {
        paths.filter { $0.hasPrefix(folder) && $0.hasSuffix(".swift") }.compactMap { path in
            guard let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) else { return nil }
            let tokens = SwiftTokens(text).tokens
            return SwiftFile(
                path: path, lineCount: text.utf8.count(where: { $0 == UInt8(ascii: "\n") }), tokens: tokens,
                declarations: SwiftDeclarations(tokens))
        }
    }
}
