/// Addresses that begin alike: `10.0.0.0/8`, or a single one.
struct AddressBlock: Sendable, Hashable {
    private let start: [UInt8]
    private let bits: Int

    /// An address in any spelling that the system takes, with or without the number of its leading bits; nil for a name,
    /// and for more bits than there are.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let start = parts.first.flatMap({ Self.bytes(String($0)) }) else { return nil }
        let bits = parts.count == 1 ? start.count * 8 : Int(parts[1])
        guard let bits, (0...start.count * 8).contains(bits) else { return nil }
        (self.start, self.bits) = (start, bits)
    }

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == start.count else { return false }
        return (0..<bits).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return address[bit / 8] & mask == start[bit / 8] & mask
        }
    }

    /// An IPv4 address that is written as one of IPv6 (`::ffff:10.0.0.1`) is that IPv4 address.
    static func bytes(_ text: String) -> [UInt8]? {
        guard let address = HostLookup.numeric(text, isAddress: true).first else { return nil }
        let bytes = AddressRange.bytes(of: address)
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        return bytes.map { $0.count == 16 && $0.starts(with: mapped) ? Array($0[12...]) : $0 }
    }
}
