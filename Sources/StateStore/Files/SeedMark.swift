internal import Records

/// Tells whether two seeds are one, without giving the seed away: written into fingerprints, whose hashes are of no use
/// under another seed than that of the control database.
package enum SeedMark {
    /// Never 0.
    package static func of(_ seed: UInt64) -> UInt64 { Hash128.of("fingerprints", seed: seed).low | 1 }
}
