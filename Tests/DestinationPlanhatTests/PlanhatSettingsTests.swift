import ConnectorKit
import DestinationPlanhat
import Records
import Testing

struct PlanhatSettingsTests {
    private func read(_ texts: [String: String] = [:], key: String = testKey) throws -> PlanhatSettings {
        try PlanhatSettings(
            ConnectorSettings(name: "planhat", texts: texts, secrets: ["api_key": Secret(key)]))
    }

    private func codes(_ key: String) throws -> [String] { try read(key: key).warnings.map(\.code) }

    @Test func longKeyEarnsNoWarning() throws {
        #expect(try codes(String(repeating: "a", count: 341)).isEmpty)
    }

    @Test func keyOfThreeHundredAndFortyCharactersMayHaveBeenCutOff() throws {
        #expect(try codes(String(repeating: "a", count: 340)) == ["api_key_short"])
        #expect(try codes("short") == ["api_key_short"])
    }

    @Test(arguments: [
        " abc ", "abc\n", "\t\r\nabc\r\n", "\"abc\"", "'abc'", "Bearer abc", "bearer  abc", "\"Bearer abc\"",
        "Authorization: Bearer abc", "\u{FEFF}abc", "`abc`",
    ])
    func whatWasPastedAroundTheKeyIsLeftOut(_ key: String) throws {
        let settings = try read(key: key)
        #expect(settings.apiKey.reveal() == "abc")
        #expect(settings.warnings.map(\.code) == ["api_key_trimmed", "api_key_short"])
    }

    @Test(arguments: ["", "  ", "\n", "\"\"", "Bearer ", "''"])
    func emptyKeyIsRefused(_ key: String) {
        let error = #expect(throws: ConnectorError.self) { try read(key: key) }
        #expect(error?.code == "api_key_missing")
    }

    @Test func missingKeyIsRefused() {
        let error = #expect(throws: ConnectorError.self) { try PlanhatSettings(ConnectorSettings(name: "p")) }
        #expect(error?.code == "api_key_missing")
    }

    @Test(arguments: ["abc def", "abc\ndef", "abc\u{0}def", "clé"])
    func keyWithACharacterThatNoKeyHasIsRefusedWithoutShowingIt(_ key: String) {
        let error = #expect(throws: ConnectorError.self) { try read(key: key) }
        #expect(error?.code == "api_key_malformed")
        #expect("\(String(describing: error))".contains("abc") == false)
    }

    @Test func ownAddressReplacesTheRegion() throws {
        #expect(
            try read(["base_url": " http://127.0.0.1:8471/ ", "region": "nonsense"]).address == "http://127.0.0.1:8471")
        #expect(try read(["base_url": "HTTPS://proxy.example/planhat//"]).address == "https://proxy.example/planhat")
        #expect(try read(["region": "us3"]).address == "https://api-us3.planhat.com")
        #expect(try read().address == "https://api.planhat.com")
    }

    @Test(arguments: [
        "ftp://x", "proxy.example", "https://", "http://:80", "https://u:p@x", "https://x?y", "https://x#y",
        "http://a b",
        "http://a\nb",
    ])
    func addressThatCannotBeUsedIsRefused(_ address: String) {
        for setting in ["base_url", "analytics_url"] {
            let error = #expect(throws: ConnectorError.self) { try read([setting: address]) }
            #expect(error?.code == "address_not_understood")
            #expect(error?.message.contains(setting) == true)
        }
    }

    @Test func timeoutAndAnalyticsAddressHaveDefaults() throws {
        #expect(try read().timeout == .seconds(180))
        #expect(try read(["timeout_seconds": "30"]).timeout == .seconds(30))
        #expect(try read().analyticsAddress == "https://analytics.planhat.com")
        #expect(try read(["analytics_url": "http://127.0.0.1:1/"]).analyticsAddress == "http://127.0.0.1:1")
    }

    @Test func settingsShowNoSecret() throws {
        let settings = try PlanhatSettings(
            ConnectorSettings(
                name: "planhat", secrets: ["api_key": Secret(testKey), "tenant_uuid": Secret("1234-uuid")]))
        var dumped = ""
        dump(PlanhatDestination(settings, context: DestinationContext()), to: &dumped)
        #expect(!dumped.contains(testKey) && !dumped.contains("1234-uuid"))
        #expect(!"\(settings)".contains(testKey))
    }
}
