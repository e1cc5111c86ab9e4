import ConnectorKit
import DestinationPlanhat
import Testing

/// What tells one account of Planhat from another, without its key.
struct PlanhatAccountTests {
    private func account(
        _ texts: [String: String], _ object: DestinationObject = PlanhatObjects.company
    ) throws -> String {
        let account = try #require(PlanhatDestination.type.account)
        return try account(ConnectorSettings(name: "planhat", texts: texts), object)
    }

    @Test(arguments: [
        ["region": "US3"], ["region": " us3 "], ["region": "app-us3.planhat.com"],
        ["region": "https://app-us3.planhat.com/companies?x=1"], ["region": "us3", "base_url": " "],
        ["base_url": "https://api-us3.planhat.com"], ["base_url": " https://api-us3.planhat.com// "],
        ["base_url": "HTTPS://API-us3.Planhat.com:443/", "region": "eu"],
        ["base_url": "https://api-us3.planhat.com", "region": "not a region"],
        ["region": "us3", "analytics_url": "http://127.0.0.1:8471"],
    ])
    func oneAddressIsOneAccountHoweverItIsWritten(_ texts: [String: String]) throws {
        #expect(try account(texts) == account(["region": "us3"]))
    }

    @Test(arguments: [
        [:], ["region": "us4"], ["region": "us3", "base_url": "http://127.0.0.1:8471"],
        ["base_url": "http://api-us3.planhat.com"], ["base_url": "https://api-us3.planhat.com:8443"],
        ["base_url": "https://api-us3.planhat.com/proxy"],
    ])
    func anotherAddressIsAnotherAccount(_ texts: [String: String]) throws {
        #expect(try account(texts) != account(["region": "us3"]))
    }

    @Test func pathsKeepTheirLetters() throws {
        #expect(try account(["base_url": "https://Proxy.example/One"]) == "https://proxy.example/One")
        #expect(try account(["base_url": "http://proxy.example:80/one"]) == "http://proxy.example/one")
    }

    @Test(arguments: [PlanhatObjects.activity, PlanhatObjects.metric])
    func whatIsSentGoesByTheAddressThatTakesIt(_ object: DestinationObject) throws {
        let sandbox = ["base_url": "http://127.0.0.1:8471", "analytics_url": "http://127.0.0.1:8471/"]
        let own = try account(sandbox, object)
        #expect(own == "http://127.0.0.1:8471")
        #expect(try account(["region": "us3", "analytics_url": "http://127.0.0.1:8471"], object) == own)
        let usual = try account(["base_url": "http://127.0.0.1:8471"], object)
        #expect(usual != own)
        #expect(try account(["region": "us3", "analytics_url": "HTTPS://Analytics.planhat.com/"], object) == usual)
    }

    @Test func whatIsNoAddressIsRefused() {
        #expect(throws: ConnectorError.self) { try account(["region": "europe"]) }
        #expect(throws: ConnectorError.self) { try account(["base_url": "proxy.example"]) }
        #expect(throws: ConnectorError.self) { try account(["analytics_url": "x"], PlanhatObjects.metric) }
    }
}
