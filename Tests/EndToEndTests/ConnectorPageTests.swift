import Foundation
import Testing

/// The examples of docs/connectors/planhat.md are projects that the program accepts as they stand.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ConnectorPageTests {
    private static let page = SluiceProgram.root + "/docs/connectors/planhat.md"

    /// The blocks that define syncs.
    private static func examples() throws -> [String] {
        try String(contentsOfFile: page, encoding: .utf8).components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n```").first }.filter { $0.hasPrefix("syncs:") }
    }

    @Test func everyExampleOfASyncIsAccepted() async throws {
        let examples = try Self.examples()
        #expect(examples.count > 24)
        for example in examples {
            let folder = try WorkFolder()
            try folder.write(
                """
                version: 1
                sources:
                  warehouse: {type: postgres, host: 127.0.0.1, database: analytics, user: sluice, password: "${PASSWORD}"}
                destinations:
                  planhat: {type: planhat, api_key: "${KEY}", tenant_uuid: "${TENANT}"}
                \(example)
                """, to: "sluice.yaml")
            let done = try await folder.sluice(
                ["check", "--offline"],
                environment: [
                    "PASSWORD": "secret", "KEY": String(repeating: "k", count: 400),
                    "TENANT": "5a6b8c0d-0e00-4000-8000-000000000001",
                ])
            #expect(done.status == 0 && !done.errors.contains("warning["), "\(example)\n\(done.everything)")
        }
    }
}
