import Foundation
import PlanhatSandbox
import Testing

@Suite struct SettingsTests {
    @Test func everySwitchIsReadFromItsForm() throws {
        for form in SandboxSwitches.forms {
            let parts = form.split(separator: "=")
            for value in parts[1].split(separator: "|") { _ = try SandboxSwitches(["\(parts[0])=\(value)"]) }
        }
        var expected = SandboxSwitches()
        expected.errors = .string
        expected.retryAfter = .omit
        expected.window = .sliding
        #expect(try SandboxSwitches(["errors=string", "retry-after=omit", "window=sliding"]) == expected)
        #expect(try SandboxSwitches([]) == SandboxSwitches())
    }

    @Test(arguments: ["errors", "errors=loud", "colour=red", "=", "", "errors="])
    func badSwitchSaysWhatIsExpected(_ text: String) {
        let error = #expect(throws: SandboxError.self) { _ = try SandboxSwitches([text]) }
        #expect(error?.code == "sandbox_switch_invalid")
        #expect(error?.hint.isEmpty == false)
    }

    @Test func rulesAreRead() throws {
        let rules = try SandboxConfiguration.failRules([
            "status=503 every=7", "status=429 times=3 retry-after=2 method=put path=/companies",
            "hang every=20 seconds=0.5", "drop-before every=11", "drop-after after=2",
            "refuse field=phone value=bad", #"refuse where externalId=acct-13 message="no = \#"such\#" account""#,
            "cut-answer", "html status=502", "status=500 processed", #"refuse where "custom.Plan Name=A B""#,
        ])
        #expect(rules[0] == rule(.status(503, isProcessed: false, message: nil)) { $0.every = 7 })
        #expect(
            rules[1]
                == rule(.status(429, isProcessed: false, message: nil)) {
                    $0.times = 3
                    $0.retryAfter = 2
                    $0.method = "PUT"
                    $0.path = "/companies"
                })
        #expect(rules[2] == rule(.hang(seconds: 0.5, isProcessed: true)) { $0.every = 20 })
        #expect(rules[3].action == .drop(isProcessed: false))
        #expect(rules[4] == rule(.drop(isProcessed: true)) { $0.after = 2 })
        #expect(rules[5].action == .refuse(field: "phone", value: "bad", message: nil, isPermission: false))
        #expect(
            rules[6].action
                == .refuse(
                    field: "externalId", value: "acct-13", message: "no = such account", isPermission: false))
        #expect(rules[7].action == .cutAnswer)
        #expect(rules[8].action == .html(status: 502))
        #expect(rules[9].action == .status(500, isProcessed: true, message: nil))
        #expect(
            rules[10].action
                == .refuse(field: "custom.Plan Name", value: "A B", message: nil, isPermission: false))
    }

    private func rule(_ action: FailRule.Action, _ change: (inout FailRule) -> Void) -> FailRule {
        var rule = FailRule(action: action)
        change(&rule)
        return rule
    }

    @Test(arguments: [
        ("", "no action"), ("every=3", "no action"), ("status=abc", "status must be a whole number"),
        ("status=700", "status must be from 100 to 599"), ("status=50", "status must be a whole number from 100"),
        ("hang seconds=soon", "seconds must be a number"),
        ("drop-before every=0", "every must be a whole number from 1"),
        ("drop-before often", "\"often\" (column 13) says nothing here"), ("html cut-answer", "second action"),
        ("refuse", "refuse needs"), ("refuse where", "after \"where\""), ("refuse field=phone", "refuse needs"),
        ("status=503 path=companies", "path must start with /"), ("html \"", "a quote is not closed"),
        ("status=503 times", "times (column 12) needs a value"),
    ])
    func badRuleSaysWhatAndWhere(_ text: String, _ part: String) {
        let error = #expect(throws: SandboxError.self) { _ = try SandboxConfiguration.failRules([text]) }
        #expect(error?.code == "sandbox_fail_rule_invalid")
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("127.0.0.1:8471", "127.0.0.1", 8_471), ("localhost:0", "localhost", 0), ("[::1]:1", "::1", 1),
        (":8471", "127.0.0.1", 8_471),
    ])
    func loopbackAddressesAreTaken(_ text: String, _ host: String, _ port: Int) throws {
        var configuration = SandboxConfiguration()
        try configuration.listen(on: text)
        #expect(configuration.host == host && configuration.port == port)
    }

    @Test(arguments: [
        "0.0.0.0:8471", "example.com:80", "8471", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "[::]:1",
    ])
    func otherAddressesAreRefused(_ text: String) {
        var configuration = SandboxConfiguration()
        let error = #expect(throws: SandboxError.self) { try configuration.listen(on: text) }
        #expect(error?.code == "sandbox_address_invalid")
    }
}

@Suite struct DataFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sandbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    private func filled(_ path: String) throws -> SandboxFixture {
        let fixture = try SandboxFixture(dataFile: path)
        fixture.upsert(#"{"externalId":"a","name":"Å \"x\"","custom":{"Plan":"Team"}},{"externalId":"b","name":"B"}"#)
        fixture.send("DELETE", "/companies/extid-a")
        fixture.upsert(#"{"externalId":"c","name":"C","domains":["c.example"]}"#)
        fixture.upsert(#"{"sourceId":"p","companyId":"extid-c","email":"P@c.example"}"#, to: "/endusers")
        try fixture.sandbox.save()
        return fixture
    }

    @Test func stateIsTheSameAfterARestart() throws {
        try withFolder { folder in
            let path = folder + "/data.jsonl"
            let before = try filled(path)
            let after = try SandboxFixture(dataFile: path)
            for target in ["/companies", "/endusers", "/users", "/customfields", "/leancompanies"] {
                #expect(after.send("GET", target).body == before.send("GET", target).body)
            }
            #expect(after.upsert(#"{"externalId":"c","name":"C"}"#).number("nonupdates") == 1)
            #expect(after.upsert(#"{"email":"p@c.example","position":"x"}"#, to: "/endusers").number("updated") == 1)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(!FileManager.default.fileExists(atPath: path + ".new"))
        }
    }

    @Test(arguments: ["cut", "noise", "empty", "foreign", "twice", "missing"])
    func damagedFileIsRefusedWithTheLine(_ damage: String) throws {
        try withFolder { folder in
            let path = folder + "/data.jsonl"
            _ = try filled(path)
            var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
            switch damage {
            case "cut": lines.removeLast()
            case "noise": lines[2] = "{\"model\":\"users\""
            case "empty": lines = []
            case "foreign": lines[0] = "{\"a\":1}"
            case "twice": lines.insert(lines[1], at: 1)
            default: lines.remove(at: 1)
            }
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: SandboxError.self) { _ = try SandboxFixture(dataFile: path) }
            #expect(error?.code == "sandbox_data_corrupt")
            #expect(error?.message.contains("line") == true)
        }
    }

    @Test func unwritableAndUnreadableFilesAreTold() throws {
        try withFolder { folder in
            let fixture = try SandboxFixture(dataFile: folder + "/none/data.jsonl")
            fixture.upsert(#"{"name":"A"}"#)
            let error = #expect(throws: SandboxError.self) { try fixture.sandbox.save() }
            #expect(error?.code == "sandbox_data_unwritable")
            let second = #expect(throws: SandboxError.self) { _ = try SandboxFixture(dataFile: folder) }
            #expect(second?.code == "sandbox_data_unreadable")
        }
    }
}
