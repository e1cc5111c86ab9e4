internal import StateStore
package import SyncCore

/// The marks of a run's known keys: in memory where they are few, else in a mapped file of the state directory.
package final class StoredMarks: MarkWords {
    /// So many words stay in memory: the marks of 1,400,000 keys.
    package static let wordsInMemoryMax = 64 * 1_024

    private let file: MarkFile

    private init(_ file: MarkFile) { self.file = file }

    package var words: UnsafeMutableBufferPointer<UInt64> { unsafe file.words }

    /// All unseen. Throws `disk_full`, `state_unwritable`, `state_io`.
    package static func table(
        of count: Int, directory: String, wordsInMemoryMax: Int = StoredMarks.wordsInMemoryMax
    ) throws -> SeenTable {
        let words = SeenTable.wordCount(of: count)
        guard words > wordsInMemoryMax else { return SeenTable(count: count) }
        return SeenTable(count: count, in: StoredMarks(try MarkFile(words: words, directory: directory)))
    }
}
