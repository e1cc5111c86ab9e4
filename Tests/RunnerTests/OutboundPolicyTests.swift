import ConnectorKit
import Dispatch
import Foundation
import ProjectConfig
import Records
import Runner
import Synchronization
import TestKit
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
            "planhat.com", "evilplanhat.com", "10.0.4.7/32", ".planhat.com", "10.0.4.8", "db.internal.evil.com",
            "127.0.0.1", "",
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

    @Test func aListMayHoldRangesOfAddresses() {
        let policy = OutboundPolicy("10.0.4.0/22, fd12::/16,192.0.2.0/33,a/8")
        for host in ["10.0.4.0", "10.0.7.255", "::ffff:10.0.5.1", "[fd12::1]", "167773185"] {
            #expect(policy.allows(host), "\(host)")
        }
        for host in ["10.0.8.0", "10.0.3.255", "fd13::1", "192.0.2.1", "a"] {
            #expect(!policy.allows(host), "\(host)")
        }
        #expect(policy.rules == ["10.0.4.0/22", "fd12::/16", "192.0.2.0/33", "a/8"])
    }

    // MARK: What a name leads to

    private static let lookup = HostLookup { name in
        switch name {
        case "inside.example": ["10.0.4.7"]
        case "metadata.example": ["169.254.169.254"]
        case "both.example": ["10.0.4.7", "::ffff:169.254.169.254"]
        case "outside.example": ["10.0.9.9"]
        case "half.example": ["10.0.4.7", "10.0.9.9"]
        case "scoped.example": ["fe80::1%eth0"]
        case "slow.example": nil
        default: []
        }
    }

    private static func settings(_ host: String) -> ConnectorSettings {
        ConnectorSettings(name: "shop", texts: ["host": host])
    }

    private static func end(_ list: String?, _ host: String) async -> String {
        do throws(ConnectorError) {
            let found = try await OutboundPolicy(list, lookup: lookup).addresses(source: "shop", settings(host))
            return found.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.joined(separator: "+"))" }
                .joined(separator: " ")
        } catch {
            #expect(error.isKnownUnsent && !error.message.contains("169.254"))
            return error.code
        }
    }

    @Test func aNameThatLeadsToWhereCredentialsAreKeptIsRefused() async {
        for host in ["metadata.example", "both.example", "inside.example,metadata.example", "scoped.example"] {
            #expect(await Self.end(nil, host) == "host_not_allowed", "\(host)")
        }
        #expect(
            await Self.end(nil, "inside.example,Outside.example.")
                == "Outside.example.=10.0.9.9 inside.example=10.0.4.7")
        // Addresses and sockets are judged as they are written.
        #expect(await Self.end(nil, "10.0.0.1,/run/pg,") == "")
    }

    @Test func aNameInTheListMayLeadAnywhereButThere() async {
        #expect(await Self.end("outside.example", "outside.example") == "outside.example=10.0.9.9")
        #expect(await Self.end("*.example", "metadata.example") == "host_not_allowed")
        #expect(await Self.end("both.example, 10.0.0.0/8", "both.example") == "host_not_allowed")
        #expect(
            await Self.end("metadata.example, 169.254.169.254", "metadata.example")
                == "metadata.example=169.254.169.254")
    }

    @Test func aNameThatTheListDoesNotHaveLeadsOnlyToAddressesThatItHas() async {
        #expect(await Self.end("10.0.4.0/24", "inside.example") == "inside.example=10.0.4.7")
        for host in ["outside.example", "half.example", "both.example"] {
            #expect(await Self.end("10.0.4.0/24", host) == "host_not_allowed", "\(host)")
        }
        #expect(await Self.end("db.internal", "inside.example") == "host_not_allowed")
    }

    @Test func aSourceIsConnectedToNothingThatWasNotLookedUp() async {
        #expect(await Self.end(nil, "nowhere.example") == "host_not_found")
        #expect(await Self.end(nil, "slow.example") == "host_not_found")
    }

    @Test func aNameIsLookedUpBeforeEachUseAndHandedOnWithItsAddresses() async throws {
        let answers = Mutex<[[String]]>([["10.0.4.7"], ["10.0.4.8"], ["169.254.169.254"]])
        let lookup = HostLookup { _ in answers.withLock { $0.isEmpty ? [] : $0.removeFirst() } }
        let connected = Mutex<[[String: [String]]]>([])
        let place = Location(file: "source shop", line: 1, column: 1)
        var project = Project(directory: "/", file: "sluice.yaml")
        project.sources["shop"] = ConnectionDefinition(
            name: "shop", type: "server", settings: [:], location: place, typeLocation: place, directory: "/")
        let catalog = ConnectorCatalog(
            sources: [
                SourceType(ConnectorDeclaration(type: "server", displayName: "Server", settings: [])) {
                    settings throws(ConnectorError) in
                    connected.withLock { $0.append(settings.addresses) }
                    return SimulatedSource(columns: [], rows: [])
                }
            ], destinations: [])
        let connections = ProjectConnections(project: project, catalog: catalog, state: nil) { connection, _ in
            Self.settings("db.example")
        }.limiting([place], to: OutboundPolicy(nil, lookup: lookup))

        let source = try connections.source(named: "shop")
        #expect(connected.withLock { $0 } == [[:]])
        #expect(await source.check().isOK)
        _ = try await source.tables()
        #expect(
            connected.withLock { $0 } == [[:], ["db.example": ["10.0.4.7"]], ["db.example": ["10.0.4.8"]]])
        // It was fine when it was saved and tested; now it leads elsewhere.
        let error = await #expect(throws: ConnectorError.self) {
            try await source.withScan(ScanRequest(.table(schema: nil, name: "rows"))) { _ in }
        }
        #expect(error?.code == "host_not_allowed")
        let report = await source.check()
        #expect(report.steps.map(\.step) == ["address resolves"] && !report.isOK)
        #expect(connected.withLock { $0.count } == 3)
    }

    /// Planhat's host for events need not be known to a machine that sends none.
    @Test(arguments: [(nil, true), ("t1", false)])
    func aTestOfADestinationAsksForNoHostOfWhatCannotBeSent(tenant: String?, isOK: Bool) async throws {
        let policy = OutboundPolicy(nil, lookup: HostLookup { $0 == "crm.example" ? ["10.0.4.7"] : [] })
        let place = Location(file: "destination crm", line: 1, column: 1)
        var project = Project(directory: "/", file: "sluice.yaml")
        project.destinations["crm"] = ConnectionDefinition(
            name: "crm", type: "account", settings: [:], location: place, typeLocation: place, directory: "/")
        var event = try #require(SimulatedDestination.objects.first)
        event.name = "event"
        event.requiredSettings = ["tenant"]
        let account = SimulatedAccount()
        let catalog = ConnectorCatalog(
            sources: [],
            destinations: [
                DestinationType(
                    ConnectorDeclaration(type: "account", displayName: "Account", settings: []),
                    objects: SimulatedDestination.objects + [event],
                    account: { _, object throws(ConnectorError) in
                        object.name == "event" ? "https://events.example" : "https://crm.example"
                    }
                ) { _, context throws(ConnectorError) in SimulatedDestination(account, context: context) }
            ])
        let connections = ProjectConnections(project: project, catalog: catalog, state: nil) { connection, _ in
            ConnectorSettings(name: connection.name, secrets: tenant.map { ["tenant": Secret($0)] } ?? [:])
        }.limiting([place], to: policy)
        let destination = try connections.destination(named: "crm", context: DestinationContext())
        #expect(await destination.check().isOK == isOK)
        let error = await #expect(throws: ConnectorError.self) { _ = try await destination.discoveredFields(of: event) }
        #expect(error?.code == "host_not_found")
    }

    @Test func aDestinationIsWrittenToOnlyWhereItsNameLeadsIsAllowed() async throws {
        let address = Mutex("10.0.4.7")
        let policy = OutboundPolicy(nil, lookup: HostLookup { _ in [address.withLock { $0 }] })
        let account = SimulatedAccount()
        let place = Location(file: "destination crm", line: 1, column: 1)
        var project = Project(directory: "/", file: "sluice.yaml")
        project.destinations["crm"] = ConnectionDefinition(
            name: "crm", type: "account", settings: [:], location: place, typeLocation: place, directory: "/")
        let catalog = ConnectorCatalog(
            sources: [],
            destinations: [
                DestinationType(
                    ConnectorDeclaration(type: "account", displayName: "Account", settings: []),
                    objects: SimulatedDestination.objects,
                    account: { _, _ throws(ConnectorError) in "https://crm.example:8443/v1" }
                ) { _, context throws(ConnectorError) in SimulatedDestination(account, context: context) }
            ])
        let connections = ProjectConnections(project: project, catalog: catalog, state: nil) { connection, _ in
            ConnectorSettings(name: connection.name)
        }.limiting([place], to: policy)
        let destination = try connections.destination(named: "crm", context: DestinationContext())
        let object = try #require(SimulatedDestination.objects.first)
        #expect(await destination.check().isOK)
        _ = try await destination.discoveredFields(of: object)

        address.withLock { $0 = "169.254.169.254" }
        let report = await destination.check()
        #expect(report.steps.map(\.step) == ["address allowed"] && !report.isOK)
        let asks: [() async throws -> Void] = [
            { _ = try await destination.write(OperationBatch(kind: .upsert, keyField: "externalId"), to: object) },
            { _ = try await destination.discoveredFields(of: object) },
            { _ = try await destination.read(key: "1", keyField: "externalId", of: object) },
            { try await destination.readRecords(of: object, fields: []) { _ in } },
        ]
        for ask in asks {
            let error = await #expect(throws: ConnectorError.self) { try await ask() }
            #expect(error?.code == "host_not_allowed" && error?.isKnownUnsent == true)
        }
        // What could not be learned now may be answered to the destination a moment later.
        for answer in [nil, []] as [[String]?] {
            let silent = OutboundPolicy(nil, lookup: HostLookup { _ in answer })
            let unknown = try connections.limiting([place], to: silent)
                .destination(named: "crm", context: DestinationContext())
            let error = await #expect(throws: ConnectorError.self) {
                _ = try await unknown.write(OperationBatch(kind: .upsert, keyField: "externalId"), to: object)
            }
            #expect(error?.code == "host_not_found" && error?.isKnownUnsent == true)
            #expect(await unknown.check().steps.map(\.step) == ["address resolves"])
        }
        // An unlisted name is not taken at its word where the destination looks it up once more.
        address.withLock { $0 = "10.0.4.7" }
        let listed = OutboundPolicy("10.0.0.0/8", lookup: HostLookup { _ in ["10.0.4.7"] })
        #expect(throws: RunError.self) {
            _ = try connections.limiting([place], to: listed)
                .destination(named: "crm", context: DestinationContext())
        }
    }

    @Test func whoeverStopsWhileANameIsLookedUpIsToldOfNoFault() async throws {
        let (begun, told) = AsyncStream<Void>.makeStream()
        let lookup = HostLookup { _ in
            told.finish()
            try? await Task.sleep(for: .seconds(600))
            return nil
        }
        let place = Location(file: "source shop", line: 1, column: 1)
        var project = Project(directory: "/", file: "sluice.yaml")
        project.sources["shop"] = ConnectionDefinition(
            name: "shop", type: "server", settings: [:], location: place, typeLocation: place, directory: "/")
        let catalog = ConnectorCatalog(
            sources: [
                SourceType(ConnectorDeclaration(type: "server", displayName: "Server", settings: [])) {
                    _ throws(ConnectorError) in SimulatedSource(columns: [], rows: [])
                }
            ], destinations: [])
        let source = try ProjectConnections(project: project, catalog: catalog, state: nil) { _, _ in
            Self.settings("db.example")
        }.limiting([place], to: OutboundPolicy(nil, lookup: lookup)).source(named: "shop")
        let scan = Task { try await source.withScan(ScanRequest(.table(schema: nil, name: "rows"))) { _ in } }
        for await _ in begun {}
        scan.cancel()
        await #expect(throws: CancellationError.self) { try await scan.value }
    }

    @Test func whatANameLeadsToIsKeptForAShortWhile() async {
        let time = Mutex(ContinuousClock.now)
        let answers = Mutex<[[String]]>([[], ["10.0.4.7"], ["10.0.4.8"]])
        let clock: @Sendable () -> ContinuousClock.Instant = { time.withLock { $0 } }
        let lookup = HostLookup(patience: .seconds(60), keeps: .seconds(10), clock: clock) { _ in
            answers.withLock { $0.isEmpty ? [] : $0.removeFirst() }
        }
        // A name that is not there may be the next moment.
        #expect(await lookup.addresses("db.example") == [])
        #expect(await lookup.addresses("db.example") == ["10.0.4.7"])
        time.withLock { $0 += .seconds(9) }
        #expect(await lookup.addresses("db.example") == ["10.0.4.7"])
        #expect(await lookup.addresses("other.example") == ["10.0.4.8"])
        time.withLock { $0 += .seconds(1) }
        #expect(await lookup.addresses("db.example") == [])
    }

    @Test func nameServiceThatDoesNotAnswerIsNotWaitedForLongerThanItMay() async {
        let gate = DispatchSemaphore(value: 0)
        let lookup = HostLookup(patience: .milliseconds(20)) { _ in
            gate.wait()
            return ["10.0.0.1"]
        }
        #expect(await lookup.addresses("db.example") == nil)
        gate.signal()
        #expect(await HostLookup(patience: .seconds(60)) { _ in ["10.0.0.1"] }.addresses("db") == ["10.0.0.1"])
        // Through the system, without a name server.
        #expect(await HostLookup.system.addresses("127.0.0.1") == ["127.0.0.1"])
    }
}
