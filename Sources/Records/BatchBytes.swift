/// The bytes that the keys and payloads of a batch's operations lie in: an array, or the block of memory that a plan
/// was read into.
public struct BatchBytes: Sendable {
    private var own: [UInt8]
    /// Where the bytes are, if not in an array, and how many.
    package private(set) var block: SharedBlock?
    private var blockCount = 0

    public init(_ bytes: [UInt8] = []) { own = bytes }

    /// The first `count` bytes of a block that is written no more.
    package init(_ block: SharedBlock, count: Int) {
        precondition(count <= block.capacity)
        own = []
        self.block = block
        blockCount = count
    }

    public var count: Int { block == nil ? own.count : blockCount }

    /// A copy of some of the bytes.
    public subscript(range: Range<Int>) -> [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0[range]) }
    }

    /// Calls `body` with all bytes, which must not be used after it.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        guard let block else { return try unsafe own.withUnsafeBytes(body) }
        defer { withExtendedLifetime(block) {} }
        return try unsafe body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block.bytes)[..<blockCount]))
    }

    mutating func append(_ bytes: [UInt8]) {
        if block != nil { self = BatchBytes(self[0..<count]) }
        own += bytes
    }
}
