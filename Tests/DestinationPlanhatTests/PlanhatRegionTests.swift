import ConnectorKit
import DestinationPlanhat
import Testing

struct PlanhatRegionTests {
    @Test(arguments: [
        nil, "", "  ", "default", "Default", "app.planhat.com", "https://app.planhat.com/home", "ws.planhat.com",
        "https://ws.planhat.com", "https://api.planhat.com/", "HTTPS://API.PLANHAT.COM", "http://app.planhat.com",
        "app.planhat.com/companies?x=1#y", " https://app.planhat.com:443/ \n",
    ])
    func defaultRegionIsUnderstood(_ text: String?) throws {
        #expect(try PlanhatRegion.address(text) == "https://api.planhat.com")
    }

    @Test(arguments: [
        "us3", "US3", " us3 ", "app-us3.planhat.com", "https://api-us3.planhat.com/",
        "https://app-us3.planhat.com/home",
        "ws-us3.planhat.com", "api-us3", "app-us3", "HTTPS://APP-US3.PLANHAT.COM/Home",
    ])
    func regionIsUnderstoodHoweverItIsPasted(_ text: String) throws {
        #expect(try PlanhatRegion.address(text) == "https://api-us3.planhat.com")
    }

    @Test func regionWithoutNumberIsUnderstood() throws {
        #expect(try PlanhatRegion.address("eu") == "https://api-eu.planhat.com")
    }

    @Test(arguments: [
        "europe", "us-3", "https://evil.com", "app-us3.planhat.com.evil.com", "planhat.com", "www.planhat.com",
        "analytics.planhat.com", "us3333", "https://", "app-.planhat.com", "app-us_3.planhat.com", "é1", "us 3",
        "https://user@api.planhat.com", "127.0.0.1:8471", "/", "api.planhat.com:8080",
    ])
    func anythingElseSaysWhatIsExpected(_ text: String) throws {
        let error = #expect(throws: ConnectorError.self) { try PlanhatRegion.address(text) }
        #expect(error?.code == "region_not_understood")
        #expect(error?.disposition == .fixConfiguration)
        #expect(error?.hint.contains("us3") == true)
    }
}
