import Testing

/// The limits of size.
@Suite struct SizeTests {
    static let rules = [
        longFunctions, longSourceFiles, longTestFiles, manyParameters, wideProtocols, deepFolders,
    ]

    static let longFunctions = Rule("function-lines") { tree in
        (tree.sources + tree.tests).flatMap { file in
            file.declarations.functions.filter { $0.lineCount > 70 }.map {
                Rule.Violation(path: file.path, line: $0.firstLine, detail: "\($0.name) has \($0.lineCount) lines")
            }
        }
    }

    static let longSourceFiles = Rule("source-file-lines") { tree in
        tree.sources.filter { $0.lineCount > 500 }.map {
            Rule.Violation(path: $0.path, line: nil, detail: "\($0.lineCount) lines of 500")
        }
    }

    static let longTestFiles = Rule("test-file-lines") { tree in
        tree.tests.filter { $0.lineCount > 800 }.map {
            Rule.Violation(path: $0.path, line: nil, detail: "\($0.lineCount) lines of 800")
        }
    }

    static let manyParameters = Rule("parameters") { tree in
        (tree.sources + tree.tests).flatMap { file in
            file.declarations.functions.filter { $0.parameterCount > 7 && !$0.isMemberwise }.map {
                Rule.Violation(
                    path: file.path, line: $0.firstLine, detail: "\($0.name) has \($0.parameterCount) parameters of 7")
            }
        }
    }

    static let wideProtocols = Rule("protocol-requirements") { tree in
        tree.sources.flatMap { file in
            file.declarations.protocols.filter { $0.requirementCount > 7 }.map {
                Rule.Violation(
                    path: file.path, line: $0.line, detail: "\($0.name) has \($0.requirementCount) requirements of 7")
            }
        }
    }

    static let deepFolders = Rule("folder-depth") { tree in
        (tree.sources + tree.tests).filter { $0.folderDepth > 2 }.map {
            Rule.Violation(path: $0.path, line: nil, detail: "\($0.folderDepth) folders deep in its target, of 2")
        }
    }

    @Test func noFunctionIsLongerThanSeventyLines() { Self.longFunctions.expectKept() }
    @Test func noSourceFileIsLongerThanFiveHundredLines() { Self.longSourceFiles.expectKept() }
    @Test func noTestFileIsLongerThanEightHundredLines() { Self.longTestFiles.expectKept() }
    @Test func noFunctionHasMoreThanSevenParameters() { Self.manyParameters.expectKept() }
    @Test func noProtocolHasMoreThanSevenRequirements() { Self.wideProtocols.expectKept() }
    @Test func noFolderIsDeeperThanTwoLevelsInsideATarget() { Self.deepFolders.expectKept() }
}
