internal import Glibc

/// Where an IP address leads, so that a webhook cannot be made to reach what only this machine can.
package enum AddressRange: Sendable, Hashable {
    /// Somewhere on the internet.
    case everybody
    /// This machine, or a network that the internet does not reach.
    case `private`
    /// Where nobody takes notices: link-local addresses, at which clouds keep a machine's credentials, multicast,
    /// documentation, and the address that stands for none.
    case forbidden

    /// An address as `inet_ntop` writes it. What is none is forbidden.
    package init(of text: String) {
        guard let bytes = Self.bytes(of: text) else {
            self = .forbidden
            return
        }
        self = bytes.count == 4 ? Self.range(bytes, Self.fours) ?? .everybody : Self.ofSixteen(bytes)
    }

    private typealias Block = (start: [UInt8], bits: Int, range: AddressRange)

    /// The longer ones first where one lies within another.
    private static let fours: [Block] = [
        ([0], 8, .forbidden), ([10], 8, .private), ([100, 100, 100, 200], 32, .forbidden), ([100, 64], 10, .private),
        ([127], 8, .private), ([168, 63, 129, 16], 32, .forbidden), ([169, 254], 16, .forbidden),
        ([172, 16], 12, .private), ([192, 0, 0], 24, .forbidden), ([192, 0, 2], 24, .forbidden),
        ([192, 168], 16, .private), ([198, 18], 15, .private), ([198, 51, 100], 24, .forbidden),
        ([203, 0, 113], 24, .forbidden), ([224], 4, .forbidden), ([240], 4, .forbidden),
    ]

    private static let sixteens: [Block] = [
        ([UInt8](repeating: 0, count: 16), 128, .forbidden), ([UInt8](repeating: 0, count: 15) + [1], 128, .private),
        ([0x00, 0x64, 0xFF, 0x9B, 0, 1], 48, .private), ([0x01, 0x00], 64, .forbidden),
        ([0x20, 0x01, 0x00, 0x00], 32, .forbidden), ([0x20, 0x01, 0x0D, 0xB8], 32, .forbidden),
        ([0xFD, 0x00, 0x0E, 0xC2], 32, .forbidden), ([0xFC], 7, .private), ([0xFE, 0x80], 10, .forbidden),
        ([0xFE, 0xC0], 10, .private), ([0xFF], 8, .forbidden),
    ]

    /// The forms of an IPv6 address that carry an IPv4 address lead where that one leads.
    private static func ofSixteen(_ bytes: [UInt8]) -> AddressRange {
        if let found = range(bytes, sixteens) { return found }
        let zeros = [UInt8](repeating: 0, count: 10)
        let carried: ArraySlice<UInt8>?
        if bytes.starts(with: zeros + [0, 0]) || bytes.starts(with: zeros + [0xFF, 0xFF]) {
            carried = bytes[12...]
        } else if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B] + zeros.prefix(8)) {
            carried = bytes[12...]
        } else if bytes.starts(with: [0x20, 0x02]) {
            carried = bytes[2..<6]
        } else {
            carried = nil
        }
        return carried.flatMap { range(Array($0), fours) } ?? .everybody
    }

    private static func range(_ bytes: [UInt8], _ blocks: [Block]) -> AddressRange? {
        blocks.first { block in
            (0..<block.bits).allSatisfy { bit in
                let mask = UInt8(0x80) >> UInt8(bit % 8)
                let start = bit / 8 < block.start.count ? block.start[bit / 8] : 0
                return bytes[bit / 8] & mask == start & mask
            }
        }?.range
    }

    /// Four or sixteen, of an address as `inet_ntop` writes it; nil for what is none.
    static func bytes(of text: String) -> [UInt8]? {
        let bare = text.split(separator: "%", maxSplits: 1).first.map(String.init) ?? ""
        return four(bare) ?? sixteen(bare)
    }

    private static func four(_ text: String) -> [UInt8]? {
        var address = in_addr()
        guard unsafe inet_pton(AF_INET, text, &address) == 1 else { return nil }
        return unsafe withUnsafeBytes(of: &address) { unsafe [UInt8]($0) }
    }

    private static func sixteen(_ text: String) -> [UInt8]? {
        var address = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return unsafe withUnsafeBytes(of: &address) { unsafe [UInt8]($0) }
    }
}

extension WebhookPost {
    /// Throws where nothing may be posted to the IP address that the webhook's host turned out to have. Asked for every
    /// post, with the address that is then connected to, since a name may lead elsewhere the next time.
    package func check(_ address: String) throws(RunError) {
        switch AddressRange(of: address) {
        case .everybody: return
        case .private where allowsPrivate: return
        case .private:
            throw RunError(
                code: "webhook_address_private",
                message: "The webhook's host \(self.address.host) is this machine or in a private network.",
                hint: "If that is meant, say `allow_private: true` beside the webhook in the project file.")
        case .forbidden:
            throw RunError(
                code: "webhook_address_forbidden",
                message: "The webhook's host \(self.address.host) has an address that nothing is posted to.",
                hint: "Link-local, multicast and reserved addresses take no notices; use another host.")
        }
    }
}
