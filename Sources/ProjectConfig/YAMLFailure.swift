internal import Yams

/// What the YAML parser stumbled over, in words for a person who does not know its insides.
struct YAMLFailure {
    private var message: String
    private var hint: String
    private var line: Int
    private var column: Int

    init(_ error: any Error, text: String) {
        message = "the file is not valid YAML"
        hint = ""
        line = 1
        column = 1
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            line = mark.line
            column = mark.column
            explain(problem, context: context, text: text)
        case YamlError.reader(let problem, let offset, _, _):
            message = "the file has a character that YAML does not allow (\(problem))"
            hint = "remove the control character at this place"
            place(offset: offset ?? 0, in: text)
        default:
            break
        }
    }

    func report(to log: DiagnosticLog, file: String) {
        log.error(
            code: "yaml_syntax", message, hint: hint,
            at: Location(file: file, line: max(line, 1), column: max(column, 1)))
    }

    /// The parser's offset counts `Character`s.
    private mutating func place(offset: Int, in text: String) {
        for character in text.prefix(offset) {
            if character.isNewline {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }

    private mutating func explain(_ problem: String, context: YamlError.Context?, text: String) {
        let character = Self.character(text, line: line, column: column)
        if problem.contains("tab character") || character == "\t" {
            message = "there is a tab where YAML takes only spaces"
            hint = "indent with spaces; most editors can convert the file"
        } else if problem.contains("cannot start any token") {
            message = "a text cannot begin with `\(character.map(String.init) ?? "this")`"
            hint = "put the text in quotes"
        } else if problem.contains("mapping values are not allowed") {
            message = "there is a colon where none is expected"
            hint = "a text with `: ` in it goes in quotes; or a line before this one is indented wrongly"
        } else if problem.contains("could not find expected ':'") {
            message = "this line is neither a `key: value` nor part of the text before it"
            hint = "add the colon, or indent the line as part of the text"
            use(context)
        } else if problem.contains("did not find expected key") {
            message = "this line does not fit the lines around it"
            hint = "keys of one mapping begin in the same column; text after a closing quote is not allowed"
        } else if problem.contains("expected '-' indicator") {
            message = "this line does not fit the list that it stands in"
            hint = "each entry of a list begins with `- ` in the same column"
        } else {
            explainUnclosed(problem, context: context)
        }
    }

    private mutating func explainUnclosed(_ problem: String, context: YamlError.Context?) {
        if problem.contains("',' or ']'") {
            message = "the list that begins here with [ is not closed, or a comma is missing in it"
            hint = "add the ] or the comma; a text with brackets or commas goes in quotes"
            use(context)
        } else if problem.contains("',' or '}'") {
            message = "the mapping that begins here with { is not closed, or a comma is missing in it"
            hint = "add the } or the comma; a text with braces or commas goes in quotes"
            use(context)
        } else if problem.contains("unexpected end of stream") {
            message = "the quote that begins here is not closed"
            hint = "add the closing quote"
            use(context)
        } else if problem.contains("nesting level") {
            message = "the file is nested too deeply"
            hint = "look for a bracket too many"
        } else if problem.contains("another document") {
            message = "the file has a second document after `---`"
            hint = "one file holds one document; put the other into a file of its own and `include` it"
        } else if problem.contains("escape") {
            message = "this is not an escape that a double-quoted text knows"
            hint = "write \\\\ for a backslash, or use single quotes"
        } else {
            message = "the file is not valid YAML: \(problem)"
            hint = "look at this line and the one before it: indentation, colons, quotes and brackets"
        }
    }

    private mutating func use(_ context: YamlError.Context?) {
        guard let mark = context?.mark, mark.line > 0 else { return }
        line = mark.line
        column = mark.column
    }

    private static func character(_ text: String, line: Int, column: Int) -> Unicode.Scalar? {
        let lines = text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" }
        guard line >= 1, line <= lines.count else { return nil }
        return lines[line - 1].dropFirst(column - 1).first
    }
}
