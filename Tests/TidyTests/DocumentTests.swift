import Foundation
import Testing

/// What is committed beside the code.
@Suite struct DocumentTests {
    static let rules = [longPages, brokenLinks, machineNames, largeFiles]

    static let longPages = Rule("page-lines") { tree in
        let limits = ["README.md": 200, "ARCHITECTURE.md": 250]
        return limits.compactMap { path, limit in
            let count = (tree.text(path) ?? "").utf8.count(where: { $0 == UInt8(ascii: "\n") })
            return count > limit ? Rule.Violation(path: path, line: nil, detail: "\(count) lines of \(limit)") : nil
        }
    }

    static let brokenLinks = Rule("links") { tree in
        tree.paths.filter { $0.hasSuffix(".md") }.flatMap { path in
            Self.links(tree.text(path) ?? "").filter { link, _ in
                let folder = path.split(separator: "/").dropLast().joined(separator: "/")
                let target = URL(filePath: "/" + folder).appending(path: link).standardizedFileURL.path
                return !tree.exists(String(target.dropFirst()))
            }.map { Rule.Violation(path: path, line: $0.line, detail: "leads nowhere: \($0.link)") }
        }
    }

    /// The relative targets of `[text](target)`, without anchors, outside code.
    static func links(_ text: String) -> [(link: String, line: Int)] {
        var found: [(String, Int)] = []
        var isInCode = false
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") { isInCode.toggle() }
            if isInCode || line.hasPrefix("    ") { continue }
            var rest = line[...]
            while let open = rest.range(of: "]("), let close = rest[open.upperBound...].firstIndex(of: ")") {
                let target = rest[open.upperBound..<close].prefix { $0 != "#" }
                rest = rest[rest.index(after: close)...]
                if target.isEmpty || target.contains("://") || target.hasPrefix("mailto:") { continue }
                found.append((String(target), number + 1))
            }
        }
        return found
    }

    /// Paths of the machine something was made on, and hosts of package registries. Put together here from parts, so
    /// that this file does not name them itself.
    static let machineNames = Rule("machine-names") { tree in
        let names = [
            ["/wo", "rk/"], ["/ro", "ot/"], ["/home/ru", "nner"], ["pypi", ".org"], ["npm", "js.org"],
            ["proxy.gol", "ang.org"], ["arti", "factory"],
        ].map { $0.joined() }
        return tree.paths.filter { tree.size($0) <= 1 << 20 }.flatMap { path -> [Rule.Violation] in
            guard let text = tree.text(path) else { return [] }
            return names.filter { text.contains($0) }.map {
                Rule.Violation(path: path, line: nil, detail: "names \($0)")
            }
        }
    }

    static let largeFiles = Rule("large-files") { tree in
        tree.paths.filter { tree.size($0) > 1 << 20 }.map {
            Rule.Violation(path: $0, line: nil, detail: "larger than 1 MB")
        }
    }

    @Test func theFirstPagesStayShort() { Self.longPages.expectKept() }
    @Test func everyLinkBetweenPagesLeadsSomewhere() { Self.brokenLinks.expectKept() }
    @Test func noFileNamesTheMachineItWasMadeOn() { Self.machineNames.expectKept() }
    @Test func noFileIsLargerThanAMegabyte() { Self.largeFiles.expectKept() }
}
