/// What can go wrong with the files and the database of a state directory.
package struct StateError: Error, Sendable, Hashable {
    /// Stable, documented in docs/errors.md.
    package var code: String
    /// One sentence for the owner of the data. Never a secret and never a row's data beyond its key.
    package var message: String
    /// What to do now.
    package var hint: String

    package init(code: String, message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}
