import Testing

/// Names that say something.
@Suite struct NameTests {
    static let rules = [emptyWords, fileNames]

    static let emptyWords = Rule("empty-words") { tree in
        let words = ["Util", "Helper", "Common", "Manager"]
        return (tree.sources + tree.tests).flatMap { file in
            ([file.target, file.name] + file.declarations.types).filter { name in
                name != "FileManager" && words.contains { name.contains($0) }
            }.map { Rule.Violation(path: file.path, line: nil, detail: "\($0) says nothing") }
        }
    }

    /// The file's name is a type it declares or the word that its types share; a file of extensions is named for its
    /// topic, `Type+Topic` where the type is foreign; a file of one function for the function.
    static let fileNames = Rule("file-names") { tree in
        tree.sources.filter { file in
            if file.name == "main" || file.declarations.hasExtension { return false }
            let words = Set(Self.words(file.name))
            let isShared = file.declarations.types.contains { !words.isDisjoint(with: Self.words($0)) }
            let isFunction = file.declarations.functions.contains { $0.name.lowercased() == file.name.lowercased() }
            return !isShared && !isFunction
        }.map { file in
            let types = file.declarations.types.prefix(5).joined(separator: ", ")
            return Rule.Violation(path: file.path, line: nil, detail: "none of its types is called so: \(types)")
        }
    }

    /// The words of a name in camel case, lower-cased and in the singular.
    static func words(_ name: String) -> [String] {
        var words: [String] = []
        var current = ""
        for character in name {
            if character.isUppercase, current.last?.isUppercase == false {
                words.append(current)
                current = ""
            }
            current.append(character)
        }
        words.append(current)
        return words.map { $0.lowercased() }.map { $0.hasSuffix("s") ? String($0.dropLast()) : $0 }
    }

    @Test func noNameIsAnEmptyWord() { Self.emptyWords.expectKept() }
    @Test func everySourceFileIsNamedForItsMainType() { Self.fileNames.expectKept() }
}
