import Records

/// A sealed plan in version 1 of the format, byte for byte: two operations, the first of them `a` with `{}`.
enum FirstPlanFormat {
    static let plan: [UInt8] = {
        let head = Array("head".utf8)
        var file = header("SLUICEPL", [UInt64(head.count), checksum(head), 0, 0, 0]) + head
        var body: [UInt8] = []
        for (key, payload) in [("a", "{}"), ("b", "{1}")] {
            body += numbers([UInt32(0), UInt32(key.utf8.count), UInt32(payload.utf8.count)])
            body += numbers([UInt64(1), 2, 3, 4]) + Array(key.utf8) + Array(payload.utf8)
        }
        let covered = numbers([UInt32(0x4B43_4C42), UInt32(body.count), 2, 0]) + numbers([UInt64(0)]) + body
        let block = numbers([checksum(covered)]) + covered
        let offset = file.count
        file += block
        // No struck operations; one place; a summary of no bytes.
        let footer =
            numbers([UInt32(0), 1]) + numbers([UInt64(offset), UInt64(block.count), 0, 2]) + numbers([UInt32(0)])
        let seal = [UInt64(file.count), UInt64(footer.count), checksum(footer), 2, 0]
        return file + footer + header("SLUICEPS", seal)
    }()

    private static func header(_ magic: String, _ fields: [UInt64]) -> [UInt8] {
        let bytes = Array(magic.utf8) + numbers([UInt32(1), 0]) + numbers(fields)
        return bytes + numbers([checksum(bytes)])
    }

    private static func numbers<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
        numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { Checksum.of($0) } }
}
