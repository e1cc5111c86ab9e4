internal import CXXHash

/// A 128-bit XXH3 hash. Ordered as one unsigned 128-bit number.
///
/// The all-zero value is reserved: as a row hash it means *void*, "what the destination holds is not known".
/// `Hash128.of` never returns it.
@frozen
public struct Hash128: Hashable, Comparable, Sendable, BitwiseCopyable {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let void = Hash128(high: 0, low: 0)

    @inlinable
    public var isVoid: Bool { high == 0 && low == 0 }

    @inlinable
    public static func < (left: Self, right: Self) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

extension Hash128 {
    /// Hashes `bytes` with XXH3-128. Not cryptographic: give a secret `seed` where outsiders choose the bytes.
    public static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> Hash128 {
        let hash = unsafe sluice_xxh3_128(bytes.baseAddress, bytes.count, seed)
        if hash.high == 0 && hash.low == 0 { return Hash128(high: 0, low: 1) }
        return Hash128(high: hash.high, low: hash.low)
    }

    /// Hashes the UTF-8 bytes of `text`. For definitions and other small things, not for rows.
    public static func of(_ text: String, seed: UInt64) -> Hash128 {
        var text = text
        return text.withUTF8 { unsafe of(UnsafeRawBufferPointer($0), seed: seed) }
    }

    /// Thirty-two lower-case hexadecimal digits.
    public var hexadecimal: String {
        Self.hexadecimal(high) + Self.hexadecimal(low)
    }

    private static func hexadecimal(_ half: UInt64) -> String {
        let digits = String(half, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Checksums of what we write to disk: XXH3-64 of the bytes.
public enum Checksum {
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        unsafe sluice_xxh3_64(bytes.baseAddress, bytes.count)
    }
}
