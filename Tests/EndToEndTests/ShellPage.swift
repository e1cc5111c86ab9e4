import Foundation

/// The shell commands that a page of the documentation prints, run as printed.
///
/// Blocks marked `sh` count. A block after a line `<!-- not run by the tests: … -->` does not, and `sluice sandbox`
/// alone, which the page tells to leave running in another terminal, is what the test has started already.
struct ShellPage {
    struct Step {
        var command: String
        var status: Int
        var output: String
    }

    let commands: [String]

    init(_ text: String) {
        var commands: [String] = []
        var (isInBlock, isSkipped) = (false, false)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("<!-- not run by the tests") { isSkipped = true }
            if line == "```sh" {
                isInBlock = true
            } else if line.hasPrefix("```") {
                if isInBlock { isSkipped = false }
                isInBlock = false
            } else if isInBlock && !isSkipped && !line.isEmpty && line != "sluice sandbox" {
                commands.append(String(line))
            }
        }
        self.commands = commands
    }

    /// Runs the commands in one shell, in order, on past failures.
    func run(in folder: WorkFolder, at place: String, environment: [String: String]) async throws -> [Step] {
        let mark = "@@\(UUID().uuidString)"
        let script = commands.map { "\($0)\necho \"\(mark) $?\"\n" }.joined()
        try folder.write(script, to: "commands.sh")
        let shell = try folder.start(
            "/bin/bash", [folder.path + "/commands.sh"], environment: environment, in: folder.path + "/" + place)
        let ended = try await shell.wait(seconds: 120)
        var (steps, output): ([Step], [Substring]) = ([], [])
        for line in ended.output.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(mark) {
                let status = Int(line.dropFirst(mark.count + 1)) ?? -1
                steps.append(
                    Step(command: commands[steps.count], status: status, output: output.joined(separator: "\n")))
                output = []
            } else {
                output.append(line)
            }
        }
        guard steps.count == commands.count else {
            throw ChildError(
                description: "the shell stopped at \(steps.count) of \(commands.count): \(ended.everything)")
        }
        return steps
    }
}
