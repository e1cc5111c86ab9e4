/// What the rules ask of a file's declarations, found by matching brackets in its tokens.
struct SwiftDeclarations {
    struct Function {
        var name: String
        var firstLine: Int
        var lineCount: Int
        var parameterCount: Int
        /// An initializer that does nothing but `self.x = x`: it lists the fields of a value, it decides nothing.
        var isMemberwise: Bool
    }

    struct Requirements {
        var name: String
        var line: Int
        var requirementCount: Int
    }

    private(set) var functions: [Function] = []
    private(set) var protocols: [Requirements] = []
    /// Declared, extended and aliased types, without what they are nested in.
    private(set) var types: [String] = []
    private(set) var hasExtension = false
    private(set) var imports: [(module: String, line: Int)] = []

    private let tokens: [SwiftTokens.Token]

    init(_ tokens: [SwiftTokens.Token]) {
        self.tokens = tokens
        for index in tokens.indices where tokens[index].kind == .word {
            switch tokens[index].text {
            case "func": addFunction(index, named: word(index + 1) ?? "operator", parametersAfter: index + 1)
            case "init" where isDeclaration(index): addFunction(index, named: "init", parametersAfter: index)
            case "subscript" where isDeclaration(index): addFunction(index, named: "subscript", parametersAfter: index)
            case "deinit": addFunction(index, named: "deinit", parametersAfter: nil)
            case "var": addComputedProperty(index)
            case "struct", "class", "enum", "protocol", "actor", "typealias", "extension": addType(index)
            case "import" where word(index + 1) != nil: addImport(index)
            default: break
            }
        }
    }

    private func word(_ index: Int) -> String? {
        tokens.indices.contains(index) && tokens[index].kind == .word ? tokens[index].text : nil
    }

    private func symbol(_ index: Int) -> String? {
        tokens.indices.contains(index) && tokens[index].kind == .symbol ? tokens[index].text : nil
    }

    private func isDeclaration(_ index: Int) -> Bool {
        symbol(index - 1) != "." && ["(", "?", "<", "!"].contains(symbol(index + 1) ?? "")
    }

    /// The place of the bracket that closes the one at `index`.
    private func close(_ index: Int) -> Int? {
        let pairs = ["(": ")", "[": "]", "{": "}"]
        guard let open = symbol(index), let end = pairs[open] else { return nil }
        var depth = 0
        for place in index..<tokens.count where tokens[place].kind == .symbol {
            if tokens[place].text == open { depth += 1 }
            if tokens[place].text == end { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }

    private mutating func addFunction(_ index: Int, named name: String, parametersAfter: Int?) {
        var place = index + 1
        var parameters = 0
        if let after = parametersAfter {
            guard let open = tokens.indices.first(where: { $0 > after && symbol($0) == "(" }), let end = close(open)
            else { return }
            parameters = parameterCount(open, end)
            place = end + 1
        }
        guard let open = bodyStart(from: place), let end = close(open) else { return }
        functions.append(
            Function(
                name: name, firstLine: tokens[index].line, lineCount: tokens[end].line - tokens[index].line + 1,
                parameterCount: parameters, isMemberwise: name == "init" && isMemberwise(open, end)))
    }

    /// The `{` of a body; nil for a requirement, which is followed by the next declaration.
    private func bodyStart(from start: Int) -> Int? {
        let goesOn: Set<String> = ["where", "async", "throws", "rethrows", "any", "some"]
        var place = start
        while place < tokens.count {
            switch symbol(place) {
            case "{": return place
            case "}", ";": return nil
            case "(", "[":
                guard let end = close(place) else { return nil }
                place = end
            default:
                if tokens[place].isFirstOnLine, tokens[place].kind == .word, symbol(place - 1) != ",",
                    symbol(place - 1) != ">", !goesOn.contains(tokens[place].text), tokens[place - 1].text != "where",
                    symbol(place - 1) != ":", symbol(place - 1) != "&"
                {
                    return nil
                }
            }
            place += 1
        }
        return nil
    }

    private func parameterCount(_ open: Int, _ end: Int) -> Int {
        guard end > open + 1 else { return 0 }
        var depth = 0
        var count = 1
        for place in (open + 1)..<end where tokens[place].kind == .symbol {
            switch tokens[place].text {
            case "(", "[", "{": depth += 1
            case ")", "]", "}": depth -= 1
            case "<" where !tokens[place].hasSpaceBefore: depth += 1
            case ">" where symbol(place - 1) != "-" && !tokens[place].hasSpaceBefore: depth -= 1
            case "," where depth == 0: count += 1
            default: break
            }
        }
        return count
    }

    /// Whether every statement is `self.x = x`, one to a line.
    private func isMemberwise(_ open: Int, _ end: Int) -> Bool {
        var place = open + 1
        while place < end {
            if word(place) == "unsafe" { place += 1 }
            guard word(place) == "self", symbol(place + 1) == ".", let name = word(place + 2), symbol(place + 3) == "="
            else { return false }
            place += 4
            if word(place) == "unsafe" { place += 1 }
            guard word(place) == name else { return false }
            // A default may follow (`?? other`), but no call and no closure.
            let line = tokens[place].line
            place += 1
            while place < end, tokens[place].line == line {
                if symbol(place) == "(" || symbol(place) == "{" { return false }
                place += 1
            }
        }
        return end > open + 1
    }

    private mutating func addComputedProperty(_ index: Int) {
        guard let name = word(index + 1) else { return }
        var place = index + 2
        while place < tokens.count, tokens[place].line == tokens[index].line {
            if symbol(place) == "=" { return }
            if symbol(place) == "{" {
                guard let end = close(place) else { return }
                functions.append(
                    Function(
                        name: name, firstLine: tokens[index].line,
                        lineCount: tokens[end].line - tokens[index].line + 1, parameterCount: 0, isMemberwise: false))
                return
            }
            place += 1
        }
    }

    private mutating func addType(_ index: Int) {
        guard var name = word(index + 1), symbol(index - 1) != ".", symbol(index - 1) != ":",
            !["func", "var", "let", "subscript"].contains(name)
        else { return }
        if word(index - 1) == "import" { return }
        if tokens[index].text == "extension" { hasExtension = true }
        if tokens[index].text == "protocol" { addProtocol(index, name) }
        types.append(name)
        var place = index + 2
        while tokens[index].text == "extension", symbol(place) == ".", let nested = word(place + 1) {
            name = nested
            types.append(name)
            place += 2
        }
    }

    private mutating func addProtocol(_ index: Int, _ name: String) {
        guard let open = bodyStart(from: index + 2), let end = close(open) else { return }
        var depth = 0
        var count = 0
        for place in (open + 1)..<end {
            switch tokens[place].text {
            case "{", "(": depth += 1
            case "}", ")": depth -= 1
            case "func", "var", "init", "subscript":
                if depth == 0, tokens[place].kind == .word { count += 1 }
            default: break
            }
        }
        protocols.append(Requirements(name: name, line: tokens[index].line, requirementCount: count))
    }

    private mutating func addImport(_ index: Int) {
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        let name = word(index + 1) ?? ""
        imports.append((kinds.contains(name) ? word(index + 2) ?? name : name, tokens[index].line))
    }
}
