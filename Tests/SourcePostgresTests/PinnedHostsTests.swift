import SourcePostgres
import Testing

/// What libpq is told of hosts that were looked up before.
struct PinnedHostsTests {
    private static let found = ["a": ["10.0.0.1", "10.0.0.2"], "b": ["10.0.0.3"]]

    @Test func eachHostComesWithEachOfItsAddresses() {
        let pinned = PinnedHosts("a,b,/run/pg", Self.found, hasPortList: false)
        #expect(pinned.hosts == "a,a,b,/run/pg" && pinned.addresses == "10.0.0.1,10.0.0.2,10.0.0.3,")
    }

    @Test func eachHostComesOnceWhereThereIsAPortForEach() {
        let pinned = PinnedHosts("a,b,/run/pg", Self.found, hasPortList: true)
        #expect(pinned.hosts == "a,b,/run/pg" && pinned.addresses == "10.0.0.1,10.0.0.3,")
        // One port is for all.
        #expect(PinnedHosts("a", Self.found, hasPortList: true).addresses == "10.0.0.1,10.0.0.2")
    }

    @Test func listOfPortsMayStandInTheEnvironmentOrInAServiceFile() {
        func mayFind(_ environment: [String: String], service: Bool = false) -> Bool {
            PinnedHosts.mayFindPortList(hasService: service, environment: environment)
        }
        #expect(mayFind(["PGPORT": "5432,5433"]) && mayFind(["PGSERVICE": "shop"]) && mayFind([:], service: true))
        #expect(!mayFind([:]) && !mayFind(["PGPORT": "5432", "PGSERVICE": ""]))
    }
}
