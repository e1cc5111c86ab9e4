import Foundation
import Testing

/// A client that others made for Planhat itself works with the sandbox, unchanged but for the address: so the sandbox
/// is not only what we think Planhat is.
@Suite struct PublicClientTests {
    /// Made by scripts/bootstrap.
    private static let python = SluiceProgram.root + "/.build/clients/bin/python"
    private static let missing =
        "the public client cruds is not installed: scripts/bootstrap test installs it with Python 3.11 and pip"

    private static let isThere = FileManager.default.isExecutableFile(atPath: python)

    @Test(
        .enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)"), .enabled(if: isThere, "\(missing)"))
    func crudsWorksWithTheSandboxAsItIs() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        let script = SluiceProgram.root + "/Tests/EndToEndTests/Clients/cruds_client.py"
        let child = try Child(
            Self.python, [script, planhat.address, planhat.token, planhat.tenant], in: folder.path,
            environment: ["PYTHONDONTWRITEBYTECODE": "1"])
        let done = try await child.wait(seconds: 120)
        #expect(done.status == 0, "\(done.everything)")
        let figures = try done.json()
        #expect(figures["objects"].int == 19 && figures["metrics"].int == 5)
        let state = try planhat.state()
        #expect(state["counts"]["activities"].int == figures["activities"].int)
        #expect(state["rows"]["metrics"]["failed"].int == 1 && state["rows"]["assets"]["deleted"].int == 1)
        #expect(state["sent_again"].members.isEmpty)
    }
}
