import Foundation

/// What tests do to files behind the program's back.
enum Files {
    static func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Every file below `folder` with its size and time, as text.
    static func listing(_ folder: String) throws -> [String] {
        guard let all = FileManager.default.enumerator(atPath: folder) else { return [] }
        var lines: [String] = []
        for case let name as String in all {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            lines.append("\(name) \(isFolder ? "" : "\(attributes[.size] ?? 0)")")
        }
        return lines.sorted()
    }

    static func size(_ path: String) throws -> UInt64 {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64 ?? 0
    }

    static func cut(_ path: String, to size: UInt64) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.truncate(atOffset: size)
        try file.close()
    }

    /// Turns a byte over, in the middle where no other place is said.
    static func damage(_ path: String, at offset: Int? = nil) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        data[offset ?? data.count / 2] ^= 0xFF
        try data.write(to: URL(fileURLWithPath: path))
    }
}
