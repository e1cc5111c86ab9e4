/// What is believed to be at the destination for one key.
@frozen
public struct Probe: Sendable, Hashable, BitwiseCopyable {
    /// The key's place in the snapshot; -1 if it is not there.
    public var index: Int32
    /// The fingerprint that was accepted; `Hash128.void` where the destination's state is not known.
    public var rowHash: Hash128

    @inlinable
    public init(index: Int32, rowHash: Hash128) {
        self.index = index
        self.rowHash = rowHash
    }

    public static let unknown = Probe(index: -1, rowHash: .void)
}
