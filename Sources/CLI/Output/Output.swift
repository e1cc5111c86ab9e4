internal import ConnectorKit
internal import Foundation
internal import Glibc
internal import ProjectConfig
internal import Runner
internal import StateStore
internal import Synchronization

/// Where the commands print: text for people and JSON on standard output, everything else on standard error.
enum Output {
    private static let json = Mutex(false)

    /// Whether errors are printed as JSON. Set once, from the command line.
    static var isJSON: Bool {
        get { json.withLock { $0 } }
        set { json.withLock { $0 = newValue } }
    }

    /// An error in the command line itself comes before any option is known.
    static func prepare() { isJSON = CommandLine.arguments.contains("--json") }

    static func text(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    static func errorText(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// A remark on the way; standard error.
    static func note(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        text(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Standard output is where a person looks at it, and colour is wanted.
    static var isColoured: Bool {
        isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// How many characters a line has room for: COLUMNS, or the terminal's; nil where neither says.
    static var width: Int? {
        if let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 {
            return max(columns, 40)
        }
        var size = winsize()
        guard isatty(STDOUT_FILENO) == 1, unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
        else { return nil }
        return max(Int(size.ws_col), 40)
    }

    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let rest = unsafe bytes.baseAddress.map { unsafe $0 + done }
                let count = unsafe Glibc.write(descriptor, rest, bytes.count - done)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return }
                done += count
            }
        }
    }

    /// Prints an error in the form that was asked for.
    static func fail(_ error: any Error) {
        let diagnostics = diagnostics(error)
        if isJSON {
            guard let first = diagnostics.first(where: { $0.severity == .error }) else { return }
            do {
                try print(json: ErrorBody(error: ErrorBody.Content(first)))
            } catch {
                errorText("error[\(first.code)]: \(first.message)")
            }
        } else {
            for diagnostic in diagnostics { errorText(diagnostic.rendered) }
        }
    }

    /// Any error in the words that every error has.
    static func diagnostics(_ error: any Error) -> [Diagnostic] {
        switch error {
        case let errors as ProjectErrors: return errors.diagnostics
        case let error as Diagnostic: return [error]
        default:
            let failure = RunError(error)
            return [
                Diagnostic(
                    .error, code: failure.code, message: failure.message, hint: failure.hint, at: failure.place)
            ]
        }
    }
}

/// `{"error": {…}}`: every key is always there.
struct ErrorBody: Encodable {
    struct Content: Encodable {
        var code: String
        var message: String
        var hint: String
        var file: String?
        var line: Int?
        var column: Int?

        init(_ diagnostic: Diagnostic) {
            code = diagnostic.code
            message = diagnostic.message
            hint = diagnostic.hint
            file = diagnostic.file
            line = diagnostic.line
            column = diagnostic.column
        }

        enum CodingKeys: CodingKey { case code, message, hint, file, line, column }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(code, forKey: .code)
            try container.encode(message, forKey: .message)
            try container.encode(hint, forKey: .hint)
            try container.encode(file, forKey: .file)
            try container.encode(line, forKey: .line)
            try container.encode(column, forKey: .column)
        }
    }

    var error: Content
}
