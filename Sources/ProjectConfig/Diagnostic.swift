/// One thing that is wrong, or deserves a look, in the project's files. No text of it contains a secret.
package struct Diagnostic: Error, Sendable, Hashable, Codable {
    package enum Severity: String, Sendable, Hashable, Codable {
        case error, warning
    }

    package var severity: Severity
    /// Stable, documented in docs/errors.md.
    package var code: String
    package var message: String
    /// What to do now; may be empty.
    package var hint: String
    /// The last three are nil where no file is at fault.
    package var file: String?
    package var line: Int?
    package var column: Int?
    /// The key that is missing there, for a form to show it at; nil where what is wrong is there.
    package var missing: String?

    package init(
        _ severity: Severity, code: String, message: String, hint: String = "", at location: Location? = nil,
        missing: String? = nil
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.hint = hint
        file = location?.file
        line = location?.line
        column = location?.column
        self.missing = missing
    }

    /// `file:line:column`; nil where no file is at fault.
    package var placeName: String? {
        // The name of a definition made in the pages stands in no line.
        file.map { file in
            guard let line, line > 0 else { return file }
            return file + ":\(line)" + (column.map { ":\($0)" } ?? "")
        }
    }

    /// The same before what is said of it; empty where no file is at fault.
    package var placeText: String { placeName.map { $0 + ": " } ?? "" }

    /// Nil where no line of a file is at fault.
    package var place: Location? {
        guard let file, let line, let column, line > 0 else { return nil }
        return Location(file: file, line: line, column: column)
    }

    /// `file:line:column: error[code]: message`, and the hint on a line of its own.
    package var rendered: String {
        let first = "\(placeText)\(severity.rawValue)[\(code)]: \(message)"
        return hint.isEmpty ? first : first + "\n  hint: " + hint
    }
}

/// Everything that is wrong with a project: at least one error, and the warnings found on the way.
package struct ProjectErrors: Error, Sendable, Hashable, CustomStringConvertible {
    package var diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    package var description: String { diagnostics.map(\.rendered).joined(separator: "\n") }
}

/// Collects what is found, so that a person sees every error at once. Owned by one task.
final class DiagnosticLog {
    /// More than this helps nobody; the last one then says that there is more.
    static let diagnosticsMax = 200

    private var found: [Diagnostic] = []
    private var left = 0

    func error(
        code: String, _ message: String, hint: String = "", at location: Location?, missing: String? = nil
    ) {
        add(Diagnostic(.error, code: code, message: message, hint: hint, at: location, missing: missing))
    }

    func warning(code: String, _ message: String, hint: String = "", at location: Location?) {
        add(Diagnostic(.warning, code: code, message: message, hint: hint, at: location))
    }

    func add(_ diagnostic: Diagnostic) {
        if found.contains(diagnostic) { return }
        if found.count >= Self.diagnosticsMax, diagnostic.severity == .error || !hasErrors {
            left += 1
        } else if found.count < Self.diagnosticsMax {
            found.append(diagnostic)
        }
        if diagnostic.severity == .error { hasErrors = true }
    }

    private(set) var hasErrors = false

    /// Ordered by file, line and column.
    var diagnostics: [Diagnostic] {
        var sorted = found.enumerated().sorted { left, right in
            let first = (left.element.file ?? "", left.element.line ?? 0, left.element.column ?? 0, left.offset)
            let second = (right.element.file ?? "", right.element.line ?? 0, right.element.column ?? 0, right.offset)
            return first < second
        }.map(\.element)
        if left > 0 {
            sorted.append(
                Diagnostic(
                    hasErrors ? .error : .warning, code: "too_many_problems",
                    message: "\(left) more problems are not shown", hint: "correct these first and check again"))
        }
        return sorted
    }
}
