import ProjectConfig
import TestKit
import Testing

struct EnvironmentFileTests {
    @Test(arguments: [
        ("A=1", ["A": "1"]), ("A=", ["A": ""]), ("A=\"\"", ["A": ""]), ("  A =  x y  ", ["A": "x y"]),
        ("export A=1\nB=2", ["A": "1", "B": "2"]), ("export=1", ["export": "1"]), ("A=1 # note", ["A": "1"]),
        ("A=a#b", ["A": "a#b"]), ("A=#x", ["A": ""]), ("A='a # b'", ["A": "a # b"]), ("A='a\\n'", ["A": "a\\n"]),
        ("A=\"a\\nb\\t\\\"\\\\\\$\"", ["A": "a\nb\t\"\\$"]), ("A=\"\\x\"", ["A": "\\x"]),
        ("A=\"one\ntwo\"\nB=3", ["A": "one\ntwo", "B": "3"]), ("A='x' # note", ["A": "x"]), ("A=1\nA=2", ["A": "2"]),
        ("A=1\r\nB=\"2\"\r\n", ["A": "1", "B": "2"]), ("# only\n\n   \n", [:]), ("", [:]),
        ("A=it's", ["A": "it's"]), ("A=${B}", ["A": "${B}"]), ("A=a=b==", ["A": "a=b=="]), ("Å=1\nB=å", ["B": "å"]),
    ])
    func linesAreReadAsShellsDo(_ text: String, _ variables: [String: String]) {
        #expect(EnvironmentFile(text, file: ".env").variables == variables)
    }

    @Test(arguments: [
        ("A", ".env:1:2"), ("A 1", ".env:1:3"), ("=1", ".env:1:1"), ("1A=1", ".env:1:1"), ("\n  A-B=1", ".env:2:3"),
        ("A='x", ".env:1:3"), ("B=1\nA=\"x\ny", ".env:2:3"), ("A='x'y", ".env:1:6"), ("export", ".env:1:7"),
        ("export  1=2", ".env:1:1"),
    ])
    func mistakesAreReportedWithTheirPlace(_ text: String, _ place: String) {
        let file = EnvironmentFile(text, file: ".env")
        #expect(file.problems.count == 1)
        #expect(file.problems.first?.rendered.hasPrefix(place + ": error[invalid_env_file]: ") == true)
    }

    @Test func mistakesNeverShowAValue() {
        for text in ["A='hunter2'x", "A=\"hunter2", "hunter2 = \n", "A=hunter2"] {
            let file = EnvironmentFile(text, file: ".env")
            #expect(!file.problems.contains { $0.rendered.contains("hunter2") } || text.hasPrefix("hunter2"))
            #expect(!"\(file)".contains("hunter2"))
            var dumped = ""
            dump(file, to: &dumped)
            #expect(!dumped.contains("hunter2"))
        }
    }

    @Test func anyValueComesBackFromDoubleQuotes() {
        var random = SeededRandom(seed: 7)
        let alphabet: [Character] = ["a", "Z", "0", " ", "\t", "\n", "\r", "\"", "'", "\\", "$", "#", "=", "é", "{"]
        for _ in 0..<500 {
            let value = String(
                (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                })
            var quoted = ""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": quoted += "\\\""
                case "\\": quoted += "\\\\"
                case "$": quoted += "\\$"
                case "\r": quoted += "\\r"
                default: quoted.unicodeScalars.append(scalar)
                }
            }
            let file = EnvironmentFile("X=1\nexport A=\"\(quoted)\" # note\nY=2\n", file: ".env")
            #expect(file.problems.isEmpty)
            #expect(file.variables["A"] == value)
            #expect(file.variables["Y"] == "2")
        }
    }

    @Test func noBytesMakeItFail() {
        var random = SeededRandom(seed: 11)
        let alphabet: [Character] = ["A", "=", "\"", "'", "\\", "\n", "#", " ", "e", "\r", "\u{0}"]
        for _ in 0..<2_000 {
            let text = String(
                (0..<Int.random(in: 0...30, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                })
            let file = EnvironmentFile(text, file: ".env")
            for problem in file.problems {
                #expect((problem.line ?? 0) >= 1 && (problem.column ?? 0) >= 1)
            }
        }
    }
}
