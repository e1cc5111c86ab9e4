import ConnectorKit
import Foundation
import ProjectConfig
import Runner
import Testing

/// Where connections that were made in the pages may lead.
struct OutboundPolicyTests {
    @Test(arguments: [
        "db.internal", "localhost", "127.0.0.1", "10.0.0.1", "192.168.1.1", "/var/run/postgresql", "@socket", "8.8.8.8",
        "::1", "fc00::1", "api.planhat.com",
    ])
    func withoutAListOrdinaryHostsAreAllowed(_ host: String) {
        #expect(OutboundPolicy(nil).allows(host) && OutboundPolicy(" , ").allows(host))
    }

    @Test(arguments: [
        "169.254.169.254", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.43518", "[fe80::1]",
        "::ffff:169.254.169.254", "fd00:ec2::254", "metadata.google.internal", "Metadata.Google.Internal.", "0.0.0.0",
        "100.100.100.200", "224.0.0.1",
    ])
    func withoutAListAddressesOfCredentialsAreRefusedInEverySpelling(_ host: String) {
        #expect(!OutboundPolicy(nil).allows(host))
    }

    @Test func aListAllowsWhatItNamesAndNothingElse() {
        let policy = OutboundPolicy("DB.internal, 10.0.4.7,*.planhat.com localhost ::1")
        for host in ["db.internal", "db.internal.", "10.0.4.7", "10.0.1031", "api-us3.planhat.com", "/run/pg", "[::1]"]
        {
            #expect(policy.allows(host), "\(host)")
        }
        for host in [
            "planhat.com", "evilplanhat.com", ".planhat.com", "10.0.4.8", "db.internal.evil.com", "127.0.0.1", "",
        ] {
            #expect(!policy.allows(host), "\(host)")
        }
    }

    @Test func aSourceOfThePagesIsRefusedBeforeItConnectsAndOneOfAFileIsNot() throws {
        let declaration = ConnectorDeclaration(type: "server", displayName: "Server", settings: [])
        let catalog = ConnectorCatalog(
            sources: [
                SourceType(declaration) { _ throws(ConnectorError) in
                    throw ConnectorError(
                        code: "was_made", message: "", hint: "", disposition: .stop, isKnownUnsent: true)
                }
            ], destinations: [])
        let place = Location(file: "source shop", line: 1, column: 1)
        var project = Project(directory: "/", file: "sluice.yaml")
        project.sources["shop"] = ConnectionDefinition(
            name: "shop", type: "server", settings: [:], location: place, typeLocation: place, directory: "/")
        for (host, service) in [("db.internal,10.9.9.9", ""), ("db.internal", "warehouse")] {
            let connections = ProjectConnections(project: project, catalog: catalog, state: nil) { connection, _ in
                ConnectorSettings(name: connection.name, texts: ["host": host, "service": service])
            }
            let limited = connections.limiting([place], to: OutboundPolicy("db.internal"))
            let error = #expect(throws: RunError.self) { _ = try limited.source(named: "shop") }
            #expect(error?.code == "host_not_allowed")
            let made = #expect(throws: ConnectorError.self) { _ = try connections.source(named: "shop") }
            #expect(made?.code == "was_made")
        }
    }
}
