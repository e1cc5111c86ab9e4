internal import ConnectorKit
internal import Foundation

/// Looks at the file itself, where SQLite's own errors would not say what is wrong.
///
/// It never opens a file that may be a database: closing any descriptor of a file drops the locks that this process
/// holds on it (POSIX advisory locks), and with them the snapshot of another scan that is running.
enum DatabaseFile {
    /// Throws `source_file_missing`, `source_is_directory`, `source_not_a_file` or `source_permission`.
    static func judge(_ path: String) throws(SourceError) {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { throw missing(path, errno) }
        switch info.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR:
            throw SourceError(
                code: "source_is_directory", message: "\(path) is a directory, not a database file.",
                hint: "Name the file in it: path: \(path)/FILE.db.", disposition: .fixConfiguration)
        default:
            throw SourceError(
                code: "source_not_a_file", message: "\(path) is not a regular file.",
                hint: "Name the database file itself.", disposition: .fixConfiguration)
        }
        guard unsafe access(path, R_OK) == 0 else { throw permission(path) }
    }

    static func permission(_ path: String) -> SourceError {
        SourceError(
            code: "source_permission", message: "This user may not read \(path).",
            hint: "Give the user that runs sluice the right to read the file and to enter its directories.",
            disposition: .fixConfiguration)
    }

    private static func missing(_ path: String, _ number: Int32) -> SourceError {
        switch number {
        case EACCES: return permission(path)
        case ENOENT, ENOTDIR: break
        default:
            return SourceError(
                code: "source_read_failed",
                message: "\(path) cannot be looked at: \(unsafe String(cString: strerror(number))).",
                hint: "See whether the disk or the network share is there and in order.",
                disposition: .retry(after: nil))
        }
        return SourceError(
            code: "source_file_missing", message: "There is no file \(path).", hint: neighbourHint(path),
            disposition: .fixConfiguration)
    }

    private static func neighbourHint(_ path: String) -> String {
        let file = URL(fileURLWithPath: path)
        let directory = file.deletingLastPathComponent().path
        let general = "Correct the path; a relative one counts from the project file that says it."
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            guard let near = NearestName.among(names, to: file.lastPathComponent) else { return general }
            return "Did you mean \"\(near)\"? \(general)"
        } catch {
            return "The directory \(directory) is not there either, or may not be read. \(general)"
        }
    }

    // MARK: Files that are no database

    private static let sampleBytes = 4_096
    /// Bits of information in a byte: compressed and encrypted data has nearly 8, a text 4 to 5.
    private static let randomBits = 7.5

    /// The error for a file that SQLite refused with SQLITE_NOTADB. Only then is it opened here.
    static func notADatabase(_ path: String) -> SourceError {
        let sample = start(of: path)
        if sample.starts(with: Array("SQLite format 3\u{0}".utf8)) {
            return SourceError(
                code: "source_corrupt", message: "\(path) begins like an SQLite database, but its header is damaged.",
                hint: "Restore the file from a copy, or recover it with sqlite3 FILE .recover.", disposition: .stop)
        }
        if let known = signatures.first(where: { sample.dropFirst($0.offset).starts(with: $0.bytes) }) {
            return SourceError(
                code: "not_a_database", message: "\(path) is not an SQLite database: it is \(known.name).",
                hint: known.hint, disposition: .fixConfiguration)
        }
        if sample.count >= 512, informationBits(sample) >= randomBits {
            return SourceError(
                code: "source_encrypted", message: "\(path) is not a plain SQLite database; it looks encrypted.",
                hint: "Encrypted databases (SQLCipher, SEE) cannot be read: export to a plain one, or read a copy.",
                disposition: .fixConfiguration)
        }
        return SourceError(
            code: "not_a_database", message: "\(path) is not an SQLite database.",
            hint: "Name a file that sqlite3 can open.", disposition: .fixConfiguration)
    }

    private struct Signature {
        var bytes: [UInt8]
        var offset = 0
        var name: String
        var hint: String
    }

    private static let signatures: [Signature] = [
        Signature(bytes: [0x1F, 0x8B], name: "gzip-compressed", hint: "Decompress it first: gunzip FILE."),
        Signature(bytes: [0x28, 0xB5, 0x2F, 0xFD], name: "zstd-compressed", hint: "Decompress it first: unzstd FILE."),
        Signature(bytes: Array("PK\u{3}\u{4}".utf8), name: "a ZIP archive", hint: "Unpack it first: unzip FILE."),
        Signature(bytes: Array("PAR1".utf8), name: "a Parquet file", hint: "Name a file that sqlite3 can open."),
        Signature(
            bytes: Array("DUCK".utf8), offset: 8, name: "a DuckDB database",
            hint: "Export its tables to an SQLite database."),
        Signature(
            bytes: Array("** This file contains an SQLite 2".utf8), name: "an SQLite 2 database",
            hint: "Convert it: sqlite2 FILE .dump | sqlite3 NEW."),
        Signature(
            bytes: Array("PRAGMA foreign_keys=OFF;".utf8), name: "a dump of one, as SQL text",
            hint: "Load it first: sqlite3 NEW.db < FILE."),
    ]

    private static func start(of path: String) -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        return unsafe [UInt8](unsafeUninitializedCapacity: sampleBytes) { buffer, count in
            count = unsafe fread(buffer.baseAddress, 1, sampleBytes, file)
        }
    }

    /// Shannon's entropy of the bytes. So few bytes cannot show all 256 values evenly; what is missing for that is
    /// well inside the distance between `randomBits` and 8.
    private static func informationBits(_ bytes: [UInt8]) -> Double {
        var counts = [Double](repeating: 0, count: 256)
        for byte in bytes { counts[Int(byte)] += 1 }
        return counts.filter { $0 > 0 }.reduce(0) { sum, count in
            let share = count / Double(bytes.count)
            return sum - share * log2(share)
        }
    }
}
