/// Where something stands in a file that a person can open. Lines and columns count from 1, columns in characters of
/// Unicode scalars.
package struct Location: Sendable, Hashable, Codable, CustomStringConvertible {
    /// As shown: relative to the working directory where the file lies in it, else as given.
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }
}
