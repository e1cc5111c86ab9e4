/// Planhat's own ids: 24 hexadecimal digits. The sandbox counts them up, so that the same requests give the same ids:
/// ten fixed digits, two for the model, twelve for the number.
enum RecordID {
    private static let lead = Array("5a6b8c0d0e".utf8)
    private static let digits = Array("0123456789abcdef".utf8)

    /// The id of a model's record number `number`, counted from 0.
    static func text(_ model: SandboxModel, _ number: Int) -> [UInt8] {
        var id = lead
        id.reserveCapacity(24)
        var value = UInt64(model.storage.rawValue + 1) << 48 | UInt64(number)
        value <<= 8
        for _ in 0..<14 {
            id.append(digits[Int(value >> 60)])
            value <<= 4
        }
        return id
    }

    /// The id of a metric: of no model.
    static func metric(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "5a6b8c0d0eff" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// The id as a JSON string.
    static func quoted(_ model: SandboxModel, _ number: Int) -> [UInt8] {
        [UInt8(ascii: "\"")] + text(model, number) + [UInt8(ascii: "\"")]
    }

    /// The record number that an id of ours stands for; nil for an id of another model or another form.
    static func number(_ id: ArraySlice<UInt8>, of model: SandboxModel) -> Int? {
        guard isForm(id), id.starts(with: lead),
            let value = UInt64(String(decoding: id.dropFirst(lead.count), as: UTF8.self), radix: 16),
            value >> 48 == UInt64(model.storage.rawValue + 1)
        else { return nil }
        return Int(value & 0xFFFF_FFFF_FFFF)
    }

    /// Whether the bytes are 24 hexadecimal digits.
    static func isForm(_ id: ArraySlice<UInt8>) -> Bool {
        id.count == 24 && id.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }
}
