internal import Records

/// Hashes of keys and names: byte for byte, unlike `String`, for which two spellings of one letter are equal.
enum KeyHash {
    static func of(_ bytes: ArraySlice<UInt8>, seed: UInt64 = 0) -> Hash128 {
        unsafe bytes.withUnsafeBytes { unsafe Hash128.of($0, seed: seed) }
    }

    /// As `of`, with A to Z taken as a to z.
    static func ofLowercased(_ bytes: ArraySlice<UInt8>) -> Hash128 {
        of(ArraySlice(bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }))
    }
}
