import Testing

/// The rules are only as good as what reads the code for them.
@Suite struct LexerTests {
    private func words(_ source: String) -> [String] {
        SwiftTokens(source).tokens.filter { $0.kind == .word }.map(\.text)
    }

    @Test func commentsAreNotCode() {
        #expect(words("a // b\n/* c /* d */ e */ f") == ["a", "f"])
    }

    @Test func textsAreNotCodeButTheirInterpolationsAre() {
        let tokens = SwiftTokens(#"say("x! \(name(of: "y")) z", other)"#).tokens
        #expect(tokens.filter { $0.kind == .word }.map(\.text) == ["say", "name", "of", "other"])
        #expect(tokens.filter { $0.kind == .text }.map(\.text) == ["x!  z", "y"])
    }

    @Test func rawAndLongTextsEndWhereTheyEnd() {
        let source = "a = #\"b \"c\" \\(d)\"#\nlet e = \"\"\"\n  f \"g\"\n  \"\"\"\nh"
        #expect(words(source) == ["a", "let", "e", "h"])
        #expect(SwiftTokens(source).tokens.last?.line == 5)
    }

    @Test func functionsAreMeasuredFromSignatureToBrace() throws {
        let source = """
            protocol P { func a(); var b: Int { get } }
            func long(
                _ x: [String: Int], y: (Int, Int), z: Result<A, B>
            ) -> Int {
                { 1 }()
            }
            """
        let declarations = SwiftDeclarations(SwiftTokens(source).tokens)
        let long = try #require(declarations.functions.first { $0.name == "long" })
        #expect(long.lineCount == 5)
        #expect(long.parameterCount == 3)
        #expect(declarations.protocols.first?.requirementCount == 2)
        #expect(!declarations.functions.contains { $0.name == "a" })
    }

    @Test func anInitializerThatOnlyStoresItsFieldsIsMemberwise() {
        let source = "init(a: Int, b: Int) { self.a = a; self.b = b }\ninit(c: Int) { self.a = c }"
        let plain = source.replacing(";", with: "\n")
        let declarations = SwiftDeclarations(SwiftTokens(plain).tokens)
        #expect(declarations.functions.map(\.isMemberwise) == [true, false])
    }

    @Test func importsAreFoundWithTheirModule() {
        let source = "package import Records\nimport struct Foundation.URL\ninternal import CSQLite"
        let found = SwiftDeclarations(SwiftTokens(source).tokens).imports.map(\.module)
        #expect(found == ["Records", "Foundation", "CSQLite"])
    }

    @Test func whatIsForcedIsFoundAndWhatIsNegatedIsNot() {
        let forced = #"let a = b!.c; let d = try! e(); let f = g as! H; var i: J!; k()!; l["m"]!"#
        #expect(SafetyTests.forcedPlaces(SwiftTokens(forced).tokens).count == 6)
        let negated = #"if !a, b != c, !(d), e ?? !f, "g!" == h { return !i }"#
        #expect(SafetyTests.forcedPlaces(SwiftTokens(negated).tokens).isEmpty)
    }

    @Test func tasksWithoutAnOwnerAreFound() {
        let loose =
            "Task { a() }\nTask.detached { b }\nTask(priority: .high) { c }\nlet d = Task.immediate(name: e(f)) { }"
        #expect(SafetyTests.unstructuredTasks(SwiftTokens(loose).tokens).count == 4)
        let owned = "try await Task.sleep(for: a)\nwithTaskGroup { }\nif Task.isCancelled { }\nTask<Int, Never>.self"
        #expect(SafetyTests.unstructuredTasks(SwiftTokens(owned).tokens).isEmpty)
    }

    @Test func linksInCodeAreNotFollowed() {
        let page = "[a](b.md#c) [d](https://e) [f](#g)\n```\n[h](i)\n```\n    [j](k)\n[l](m/n.md)"
        #expect(DocumentTests.links(page).map(\.link) == ["b.md", "m/n.md"])
    }
}
