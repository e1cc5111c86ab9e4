/// Finds anchors and aliases in YAML text before it is parsed. They are refused: a few lines of them can stand for
/// more nodes than fit into memory, and the parser expands them before anybody could count.
///
/// It reads the text as far as needed to tell an alias from the same character in quotes, comments, block texts and
/// in the middle of plain text.
struct AliasScan {
    /// The place and the text of the first anchor or alias, lines and columns counted from 1.
    static func first(in text: String) -> (line: Int, column: Int, token: String)? {
        var scan = AliasScan()
        var lineNumber = 0
        for line in text.unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" }) {
            lineNumber += 1
            if let found = scan.read(Array(line)) { return (lineNumber, found.column + 1, found.token) }
        }
        return nil
    }

    private var quote: Unicode.Scalar?
    /// The indentation that the lines of an open block text exceed.
    private var blockParent: Int?
    private var flowDepth = 0

    private mutating func read(_ line: [Unicode.Scalar]) -> (column: Int, token: String)? {
        let indent = line.firstIndex { $0 != " " } ?? line.count
        if let parent = blockParent {
            if indent > parent || indent == line.count || line[indent] == "\r" { return nil }
            blockParent = nil
        }
        var position = quote == nil ? indent : 0
        var isTokenStart = quote == nil
        var parent = -1
        var keyColumn = indent
        while position < line.count {
            let character = line[position]
            if quote != nil {
                position = afterQuote(line, from: position)
                continue
            }
            let next = position + 1 < line.count ? line[position + 1] : " "
            if character == "#", position == 0 || isBlank(line[position - 1]) { return nil }
            if isBlank(character) {
                position += 1
            } else if isTokenStart {
                switch character {
                case "&", "*":
                    if !isBlank(next), !",[]{}".unicodeScalars.contains(next) {
                        return (position, token(line, from: position))
                    }
                    isTokenStart = false
                case "\"", "'":
                    quote = character
                    isTokenStart = false
                case "|", ">":
                    if flowDepth == 0 {
                        blockParent = parent
                        return nil
                    }
                    isTokenStart = false
                case "-", "?":
                    if isBlank(next) {
                        parent = position
                        keyColumn = nextToken(line, after: position)
                    } else {
                        isTokenStart = false
                    }
                case "[", "{":
                    flowDepth += 1
                case "!":
                    position = endOfToken(line, from: position) - 1
                default:
                    isTokenStart = false
                    position -= 1
                }
                position += 1
            } else {
                isTokenStart = endsToken(character, next: next)
                if character == ":", isTokenStart { parent = keyColumn }
                position += 1
            }
        }
        return nil
    }

    private mutating func endsToken(_ character: Unicode.Scalar, next: Unicode.Scalar) -> Bool {
        if flowDepth > 0 {
            switch character {
            case "]", "}":
                flowDepth -= 1
                return false
            case "[", "{":
                flowDepth += 1
                return true
            case ",": return true
            default: break
            }
        }
        return character == ":" && (flowDepth > 0 || isBlank(next))
    }

    /// The position after the closing quote, or the end of the line while the text goes on.
    private mutating func afterQuote(_ line: [Unicode.Scalar], from start: Int) -> Int {
        var position = start
        while position < line.count {
            if quote == "\"", line[position] == "\\" {
                position += 2
            } else if line[position] == quote {
                if quote == "'", position + 1 < line.count, line[position + 1] == "'" {
                    position += 2
                } else {
                    quote = nil
                    return position + 1
                }
            } else {
                position += 1
            }
        }
        return line.count
    }

    private func isBlank(_ character: Unicode.Scalar) -> Bool {
        character == " " || character == "\t" || character == "\r"
    }

    private func nextToken(_ line: [Unicode.Scalar], after position: Int) -> Int {
        line[(position + 1)...].firstIndex { !isBlank($0) } ?? line.count
    }

    private func endOfToken(_ line: [Unicode.Scalar], from position: Int) -> Int {
        line[position...].firstIndex { isBlank($0) || ",[]{}".unicodeScalars.contains($0) } ?? line.count
    }

    private func token(_ line: [Unicode.Scalar], from position: Int) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: line[position..<endOfToken(line, from: position)].prefix(40))
        return String(text)
    }
}
