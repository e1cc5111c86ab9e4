import Testing

/// What may crash, leak out of structure or race.
@Suite struct SafetyTests {
    static let tasksMax = 2
    static let uncheckedSendableMax = 3

    static let rules = [forced, testable]

    /// `try!`, `as!`, `x!` and implicitly unwrapped types: an exclamation mark right behind something.
    static let forced = Rule("forced") { tree in
        tree.sources.flatMap { file in
            Self.forcedPlaces(file.tokens).map {
                Rule.Violation(path: file.path, line: file.tokens[$0].line, detail: "\(file.tokens[$0 - 1].text)!")
            }
        }
    }

    static func forcedPlaces(_ tokens: [SwiftTokens.Token]) -> [Int] {
        tokens.indices.dropFirst().filter { index in
            guard tokens[index].kind == .symbol, tokens[index].text == "!", !tokens[index].hasSpaceBefore
            else { return false }
            let next = index + 1 < tokens.count ? tokens[index + 1] : nil
            if let next, next.text == "=", !next.hasSpaceBefore { return false }
            let before = tokens[index - 1]
            return before.kind != .symbol || [")", "]", "}", "?", ">"].contains(before.text)
        }
    }

    static let testable = Rule("testable") { tree in
        (tree.sources + tree.tests).flatMap { file in
            file.tokens.filter { $0.kind == .word && $0.text == "@testable" }.map {
                Rule.Violation(path: file.path, line: $0.line, detail: "make what the test needs package instead")
            }
        }
    }

    static func unstructuredTasks(_ tokens: [SwiftTokens.Token]) -> [Int] {
        func text(_ index: Int) -> String {
            index < tokens.count && tokens[index].kind != .text ? tokens[index].text : ""
        }
        return tokens.indices.filter { index in
            guard tokens[index].kind == .word, tokens[index].text == "Task" else { return false }
            var place = index + 1
            if text(place) == ".", ["detached", "immediate", "init"].contains(text(place + 1)) { place += 2 }
            if text(place) == "(" {
                var depth = 0
                repeat {
                    if text(place) == "(" { depth += 1 }
                    if text(place) == ")" { depth -= 1 }
                    place += 1
                } while depth > 0 && place < tokens.count
            }
            return text(place) == "{"
        }
    }

    @Test func nothingIsForcedInTheSources() { Self.forced.expectKept() }
    @Test func noTestNeedsTestability() { Self.testable.expectKept() }

    @Test func almostNoTaskIsWithoutAnOwner() {
        let found = SourceTree.shared.sources.flatMap { file in
            Self.unstructuredTasks(file.tokens).map { "\(file.path):\(file.tokens[$0].line)" }
        }
        #expect(found.count <= Self.tasksMax, "\(found.joined(separator: "\n"))")
    }

    @Test func almostNothingPromisesToBeSendableUnchecked() {
        let found = SourceTree.shared.sources.flatMap { file in
            file.tokens.filter { $0.kind == .word && $0.text == "@unchecked" }.map { "\(file.path):\($0.line)" }
        }
        #expect(found.count <= Self.uncheckedSendableMax, "\(found.joined(separator: "\n"))")
    }
}
