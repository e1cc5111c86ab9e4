import ConnectorKit
import ProjectConfig
import Runner
import TestKit
import Testing

/// What tells the account that a sync writes to from another.
struct AccountTests {
    private typealias Account = @Sendable (ConnectorSettings, DestinationObject) throws(ConnectorError) -> String

    private func identity(_ address: String, label: String = "", _ account: Account? = nil) throws -> String {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        let type = DestinationType(
            ConnectorDeclaration(
                type: "account", displayName: "Account",
                settings: [
                    SettingDeclaration("address", .text, identifies: true, help: "Where it is."),
                    SettingDeclaration("label", .text, help: "What people call it."),
                ]),
            objects: SimulatedDestination.objects, account: account
        ) { (_, context) throws(ConnectorError) in SimulatedDestination(SimulatedAccount(), context: context) }
        let project = Project(
            directory: "/", file: "sluice.yaml", sources: [:],
            destinations: [
                "account": ConnectionDefinition(
                    name: "account", type: "account", settings: [:], location: here, typeLocation: here, directory: "/")
            ], syncs: [])
        let catalog = ConnectorCatalog(sources: [], destinations: [type])
        return try ProjectConnections(project: project, catalog: catalog, state: nil) { connection, _ in
            ConnectorSettings(name: connection.name, texts: ["address": address, "label": label])
        }.identity(things())
    }

    private static let byHost: Account = { (settings, object) throws(ConnectorError) in
        let address = settings.text("address") ?? ""
        guard !address.isEmpty else {
            throw ConnectorError(
                code: "address_missing", message: "No address.", hint: "Write one.", disposition: .fixConfiguration)
        }
        return object.name + "@" + address.lowercased().filter { $0 != " " && $0 != "/" }
    }

    @Test(arguments: ["host", "HOST", " host ", "host/", "Host//"])
    func connectorThatTellsTheAccountIsAskedForTheObject(_ address: String) throws {
        #expect(try identity(address, label: address, Self.byHost) == "account|thing|thing@host")
    }

    @Test func anotherAddressIsAnotherAccount() throws {
        #expect(try identity("host", Self.byHost) != identity("other", Self.byHost))
        #expect(try identity("host") != identity("other"))
    }

    @Test func withoutItTheSettingsThatIdentifyAreTakenAsTheyAreWritten() throws {
        #expect(try identity("Host", label: "a") == identity("Host", label: "b"))
        #expect(try identity("Host") == "account|thing|address=Host")
    }

    @Test func whatTheConnectorDoesNotUnderstandIsItsError() {
        let error = #expect(throws: ConnectorError.self) { try identity("", Self.byHost) }
        #expect(error?.code == "address_missing")
    }
}
