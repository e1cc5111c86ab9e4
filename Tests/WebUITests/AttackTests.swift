import ConnectorKit
import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing
import WebUI

/// What attackers try with data and with addresses.
@Suite struct AttackTests {
    private static let hostile = "\"><script>alert('x')</script>&<img src=x onerror=y>'+`=1+1"

    /// A value of each kind that holds text, with a script in it.
    private static let values: [Value] = [
        .text(hostile), .decimal(hostile), .interval(hostile), .uuid(hostile), .json("{\"a\": \"\(hostile)\"}"),
        .array("[\"\(hostile)\"]"), .bytes(Array(hostile.utf8)),
        .unreadable(Reason(code: "cannot_read", message: hostile, hint: hostile)),
    ]

    /// A source whose columns, keys and cells are all hostile, and a sync that has run.
    private static func prepared() async throws -> EditingFixture {
        var columns = [Column(name: "id", type: .text, declaredType: hostile, isNullable: false)]
        columns += values.indices.map { Column(name: "c\($0)\(hostile)", type: .text, declaredType: hostile) }
        let rows: [SimulatedSource.Row] = (0..<4).map { row in
            var cells: SimulatedSource.Row = ["id": .text(row == 3 ? "" : "\(row)\(hostile)")]
            for (index, value) in values.enumerated() { cells[columns[index + 1].name] = value }
            return cells
        }
        let fixture = try EditingFixture(source: SimulatedSource(columns: columns, rows: rows))
        fixture.account.refuse { key, _ in
            key.hasPrefix("1") ? Reason(code: "refused_by_destination", message: hostile, hint: hostile) : nil
        }
        fixture.account.fields = values.indices.map { DestinationField("custom.F\($0)\(hostile)", .text) }
        for (path, fields) in EditingFixture.forms.dropLast() { _ = try await fixture.post(path, fields) }
        var sync: [(String, String)] = [
            ("name", "companies"), ("from", "accounts"), ("to", "crm.thing"), ("behavior", "update_or_create"),
            ("field", "externalId"), ("column", "id"), ("rows", "\(values.count)"), ("do", "save"),
        ]
        for index in values.indices {
            sync.append(("m\(index)-field", index == 0 ? "name" : "custom.F\(index)\(hostile)"))
            sync.append(("m\(index)-from", columns[index + 1].name))
        }
        let saved = try await fixture.post("/new/sync", sync)
        #expect(saved.status == 303, "\(PageMarkup(saved.text).text)")
        let definition = try #require(fixture.site.project().sync("companies"))
        _ = await RunSyncs(environment: fixture.site.environment).run([definition], options: RunOptions())
        return fixture
    }

    @Test func scriptsInColumnsKeysAndCellsStayTextOnEveryPage() async throws {
        let fixture = try await Self.prepared()
        let history = RunHistory(fixture.site.environment.database)
        let key = try #require(try history.outcomes(run: 1, limit: 100).first { !$0.key.isEmpty }?.key)
        var paths = EveryPlace.examples.filter { ![.runEvents(1), .recordsCSV(run: 1)].contains($0) }.map(\.path)
        paths += [Place.record(sync: "companies", key: key).path, "/new/sync?from=accounts&to=crm%2Ething"]
        paths += ["/new/sync?from=accounts&to=crm%2Ething&behavior=update_or_create&field=externalId&column=id"]
        var shown = 0
        for path in paths {
            let answer = try await fixture.ask(path)
            guard answer.headers[.contentType]?.hasPrefix("text/html") == true else { continue }
            #expect(!answer.text.contains("<script>alert") && !answer.text.contains("<img src=x"), "\(path)")
            #expect(PageMarkup(answer.text).problems == [], "\(path)")
            if answer.text.contains("&lt;script&gt;alert") { shown += 1 }
        }
        // The texts are there, and harmless: otherwise this test would prove nothing.
        #expect(shown >= 5)
    }

    @Test func whatAnAddressSaysStaysText() async throws {
        let fixture = try await Self.prepared()
        let text = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
        let names = "q sync state outcome code done after tab next subject who from to".split(separator: " ")
        let query = names.map { "\($0)=\(text)" }.joined(separator: "&")
        for place in EveryPlace.examples where place != .runEvents(1) {
            let answer = try await fixture.ask(place.path + "?" + query)
            #expect(!answer.text.contains("<script>alert"), "\(place.path)")
        }
        for path in ["/syncs/\(text)", "/sources/\(text)", "/people/\(text)", "/nothing/\(text)", "/welcome/\(text)"] {
            #expect(try await !fixture.ask(path).text.contains("<script>alert"), "\(path)")
        }
    }

    @Test func exportsHoldNoFormula() async throws {
        let fixture = try WebFixture()
        for start in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1", "=\u{301}1"] {
            let run = try fixture.runWithRejections(key: start + "\"cmd", message: start + ",\"x\"")
            let answer = try await fixture.ask("/runs/\(run.id)/records.csv")
            #expect(answer.headers[.contentDisposition] == "attachment; filename=\"sluice-run-\(run.id).csv\"")
            let (row, cells) = ("'" + start + "\"\"cmd\"", "'" + start + ",\"\"x\"\"\"")
            #expect(answer.text.contains("\"" + row) && answer.text.contains("\"" + cells), "\(answer.text)")
        }
    }

    @Test(arguments: [
        "/assets/../../../etc/passwd", "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/assets/..%2fstyle.css",
        "/assets/%2Fetc%2Fpasswd", "/..%2f..%2fetc/passwd", "/assets//etc/passwd", "/assets/style.css%00.html",
        "/assets/..\\..\\etc\\passwd", "//etc/passwd", "/./runs/../../etc/passwd", "/sluice.db", "/.sluice/sluice.db",
        "/state/secret.key", "/assets/", "/assets/.", "/assets/..", "/sluice.yaml", "/.env",
        "/runs/1/records.csv/../..",
        "/%252e%252e%252fetc%252fpasswd", "/syncs/..%2f..%2fsluice.db", "/people/..",
        "/exchanges/1-0/../../sluice.db",
    ])
    func trickInAPathLeadsNowhere(_ path: String) async throws {
        let fixture = try WebFixture()
        let answer = try await fixture.ask(path)
        #expect([404, 400].contains(answer.status), "\(path): \(answer.status)")
        #expect(!answer.text.contains("root:") && !answer.text.contains("SQLite format"))
    }

    @Test func noPageMayBeFramedAndNoneRunsAScriptOfItsOwn() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        for place in EveryPlace.examples where place != .runEvents(1) {
            let headers = try await fixture.ask(place.path).headers
            let policy = headers[.contentSecurityPolicy] ?? ""
            #expect(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "\(place.path)")
            #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("data:"), "\(place.path)")
            #expect(policy.contains("form-action 'self'") && policy.contains("base-uri 'none'"), "\(place.path)")
            let frames = HTTPField.Name("X-Frame-Options").flatMap { headers[$0] }
            #expect(frames == "DENY" && headers[.xContentTypeOptions] == "nosniff", "\(place.path)")
        }
    }

    @Test func secretsAreInNoPageAndInNoJSON() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        for place in EveryPlace.examples where place != .runEvents(1) {
            for path in [place.path, place.path + ".json"] {
                let answer = try await fixture.ask(path)
                #expect(!answer.text.contains(EditingFixture.secret), "\(path)")
            }
        }
        // Neither in a form that comes back with what was typed.
        let bad: [(String, [(String, String)])] = [
            ("/new/sources/table", [("name", ""), ("set-host", ""), ("set-password", EditingFixture.secret)]),
            ("/new/destinations/account", [("name", "crm"), ("set-api_key", EditingFixture.secret)]),
            ("/people", [("name", "Bo"), ("password", EditingFixture.secret), ("role", "nothing")]),
            ("/account", [("old", EditingFixture.secret), ("password", EditingFixture.secret), ("again", "x")]),
        ]
        for (path, fields) in bad {
            let answer = try await fixture.post(path, fields)
            #expect(answer.status >= 400 && !answer.text.contains(EditingFixture.secret), "\(path): \(answer.status)")
        }
    }
}
