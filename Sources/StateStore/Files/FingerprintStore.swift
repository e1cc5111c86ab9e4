package import Records

/// The fingerprints that a sync's runs compare rows against. Immutable while a run reads them.
package protocol FingerprintStore: Sendable {
    /// How many keys are known; each has an index below it.
    var count: Int { get }

    /// Looks all `keys` up in one go; `results[i]` is what is known of `keys[i]`. Results beyond the keys are left as
    /// they are; too short an array is lengthened (give the same array each time, then nothing is allocated).
    func probe(_ keys: [Hash128], into results: inout [Probe])
}

/// A store that knows nothing: the first run of a sync.
package struct EmptyFingerprints: FingerprintStore {
    package init() {}

    package var count: Int { 0 }

    package func probe(_ keys: [Hash128], into results: inout [Probe]) {
        results.lengthen(to: keys.count)
        for index in keys.indices { results[index] = .unknown }
    }
}

extension [Probe] {
    mutating func lengthen(to count: Int) {
        if self.count < count { append(contentsOf: repeatElement(.unknown, count: count - self.count)) }
    }
}
