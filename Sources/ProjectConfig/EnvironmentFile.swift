/// A `.env` file: `NAME=value` on each line, `#` comments, an optional `export`, values plain, in single quotes (taken
/// as they are) or in double quotes (`\n`, `\t`, `\r`, `\"`, `\\`, `\$`). Quoted values may go over several lines.
/// Nothing is expanded in it. A name given twice has its last value.
package struct EnvironmentFile: Sendable, CustomStringConvertible, CustomReflectable {
    package private(set) var variables: [String: String] = [:]
    /// A message never shows a value.
    package private(set) var problems: [Diagnostic] = []

    package var description: String { "\(variables.count) variables" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    private let characters: [Unicode.Scalar]
    private let file: String
    private var position = 0
    private var line = 1
    private var lineStart = 0

    /// Parses the text of a file; `file` is what the problems name.
    package init(_ text: String, file: String) {
        characters = Array(text.unicodeScalars)
        self.file = file
        while position < characters.count { readLine() }
    }

    private var current: Unicode.Scalar? { position < characters.count ? characters[position] : nil }

    private mutating func advance() {
        if current == "\n" {
            line += 1
            lineStart = position + 1
        }
        position += 1
    }

    private mutating func problem(_ message: String, hint: String, at start: Int? = nil, line startLine: Int? = nil) {
        let column = (start ?? position) - lineStart + 1
        problems.append(
            Diagnostic(
                .error, code: "invalid_env_file", message: message, hint: hint,
                at: Location(file: file, line: startLine ?? line, column: max(column, 1))))
    }

    private mutating func skipBlanks() {
        while let character = current, character == " " || character == "\t" || character == "\r" { advance() }
    }

    private mutating func skipLine() {
        while let character = current, character != "\n" { advance() }
        advance()
    }

    private mutating func readLine() {
        skipBlanks()
        guard let first = current, first != "\n", first != "#" else { return skipLine() }
        let start = position
        var name = readName()
        if name == "export", current == " " || current == "\t" {
            skipBlanks()
            name = readName()
        }
        skipBlanks()
        guard ReferenceText.isName(name) else {
            problem(
                "this line does not begin with the name of a variable",
                hint: "a line is NAME=value; a name has letters, digits and _, and does not begin with a digit",
                at: start)
            return skipLine()
        }
        guard current == "=" else {
            problem("there is no = after `\(name)`", hint: "write \(name)=value")
            return skipLine()
        }
        advance()
        skipBlanks()
        if let value = readValue(of: name) { variables[name] = value }
        skipLine()
    }

    private mutating func readName() -> String {
        var name = String.UnicodeScalarView()
        while let character = current, !" \t\r\n=#\"'".unicodeScalars.contains(character) {
            name.append(character)
            advance()
        }
        return String(name)
    }

    private mutating func readValue(of name: String) -> String? {
        guard let quote = current, quote == "\"" || quote == "'" else { return readPlain() }
        let (start, startLine, startOfLine) = (position, line, lineStart)
        advance()
        guard let value = readQuoted(quote) else {
            lineStart = startOfLine
            problem("the quote of `\(name)` is not closed", hint: "add the closing quote", at: start, line: startLine)
            position = characters.count
            return nil
        }
        skipBlanks()
        if let rest = current, rest != "\n", rest != "#" {
            problem("there is text after the closing quote of `\(name)`", hint: "put the whole value in quotes")
            return nil
        }
        return value
    }

    /// Up to the end of the line or a comment, which begins with a blank and `#`.
    private mutating func readPlain() -> String {
        var value = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        while let character = current, character != "\n" {
            if character == "#", previous == " " || previous == "\t" { break }
            value.append(character)
            previous = character
            advance()
        }
        while let last = value.last, last == " " || last == "\t" || last == "\r" { value.removeLast() }
        return String(value)
    }

    private mutating func readQuoted(_ quote: Unicode.Scalar) -> String? {
        let escapes: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "\"": "\"", "\\": "\\", "$": "$",
        ]
        var value = String.UnicodeScalarView()
        while let character = current {
            advance()
            if character == quote { return String(value) }
            if quote == "\"", character == "\\", let next = current, let meant = escapes[next] {
                value.append(meant)
                advance()
            } else {
                value.append(character)
            }
        }
        return nil
    }
}
