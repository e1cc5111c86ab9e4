package import ConnectorKit
internal import Glibc

/// Takes a connection's secrets out of whatever comes back, before anybody sees it: a server, or a proxy before it,
/// may repeat what it was sent.
package struct SecretScrubber: Sendable, CustomStringConvertible, CustomReflectable {
    /// A shorter secret is not searched for: it would stand in ordinary words and numbers, and an answer would no
    /// longer be what it was.
    static let secretBytesMin = 8
    private static let replacement = Array("[secret]".utf8)

    private let needles: [[UInt8]]

    package init(_ secrets: [Secret]) {
        needles = secrets.map { $0.reveal() }.filter { $0.utf8.count >= Self.secretBytesMin }.flatMap { text in
            // JSON may write a slash as `\/`.
            let escaped = text.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")
            return escaped == text ? [Array(text.utf8)] : [Array(text.utf8), Array(escaped.utf8)]
        }
    }

    package var description: String { "[secrets]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    package func clean(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for needle in needles {
            while let start = Self.find(needle, in: bytes) {
                bytes.replaceSubrange(start..<(start + needle.count), with: Self.replacement)
            }
        }
        return bytes
    }

    package func clean(_ text: String) -> String { String(decoding: clean(Array(text.utf8)), as: UTF8.self) }

    /// `memchr` and `memcmp` go through 400 kB in some 50 µs; a loop here would cost more than the request itself.
    private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
        unsafe bytes.withUnsafeBytes { hay in
            unsafe needle.withUnsafeBytes { needle in
                guard let start = hay.baseAddress, let word = needle.baseAddress, let first = unsafe needle.first else {
                    return nil
                }
                var offset = 0
                while offset + needle.count <= hay.count {
                    let span = hay.count - needle.count + 1 - offset
                    guard let hit = unsafe memchr(start + offset, Int32(first), span) else { return nil }
                    if unsafe memcmp(hit, word, needle.count) == 0 { return unsafe UnsafeRawPointer(hit) - start }
                    offset = unsafe UnsafeRawPointer(hit) - start + 1
                }
                return nil
            }
        }
    }
}
