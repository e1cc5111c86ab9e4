import Glibc
import Records

/// A file of the next format version, its header intact.
enum Newer {
    static func version(of file: [UInt8]) -> [UInt8] {
        var file = file
        file[8] += 1
        let checksum = file[..<56].withUnsafeBytes { Checksum.of($0) }
        withUnsafeBytes(of: checksum.littleEndian) { file.replaceSubrange(56..<64, with: $0) }
        return file
    }
}

func unlinkFile(_ path: String) { unlink(path) }
