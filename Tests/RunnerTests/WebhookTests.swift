import ConnectorKit
import Foundation
import ProjectConfig
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// Where webhooks may lead.
struct AddressRangeTests {
    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.167.0.1",
        "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1",
        "::ffff:1.1.1.1",
    ])
    func everybodysAddressesMayBePostedTo(_ text: String) {
        #expect(AddressRange(of: text) == .everybody)
    }

    @Test(arguments: [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "::1", "fc00::1", "fdff::1", "fec0::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "64:ff9b:1::1", "::127.0.0.1",
    ])
    func thisMachineAndPrivateNetworksAreToldApart(_ text: String) {
        #expect(AddressRange(of: text) == .private)
    }

    @Test(arguments: [
        "169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "192.0.0.192", "192.0.2.1", "198.51.100.7", "203.0.113.9", "100.100.100.200",
        "168.63.129.16", "::", "fe80::1", "fe80::1%eth0", "febf::1", "ff02::1", "fd00:ec2::254", "2001:db8::1",
        "2001::1", "100::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "", "nonsense",
        "127.1", "0x7f.0.0.1", "1.2.3.4.5",
    ])
    func noNoticesGoWhereNobodyTakesThem(_ text: String) {
        #expect(AddressRange(of: text) == .forbidden)
    }

    @Test func onlyTheProjectAllowsPrivateAddressesAndNothingAllowsForbiddenOnes() throws {
        let address = try #require(WebhookAddress(Secret("https://hooks.example.com:8443/T0PSECRET"), form: nil))
        var post = WebhookPost(address: address, body: [])
        func code(_ text: String) -> String? {
            do throws(RunError) { try post.check(text) } catch { return error.code }
            return nil
        }
        #expect(code("1.1.1.1") == nil)
        #expect(code("10.0.0.7") == "webhook_address_private")
        #expect(code("169.254.169.254") == "webhook_address_forbidden")
        post.allowsPrivate = true
        #expect(code("10.0.0.7") == nil && code("::1") == nil)
        #expect(code("169.254.169.254") == "webhook_address_forbidden")
    }

    @Test func hostIsWhatIsConnectedTo() {
        func address(_ url: String) -> WebhookAddress? { WebhookAddress(Secret(url), form: nil) }
        let plain = address("https://example.com/x")
        #expect(plain?.name == "example.com" && plain?.port == 443)
        #expect(address("http://[::1]:9/x")?.name == "::1" && address("http://[::1]:9/x")?.port == 9)
        for odd in ["http://exa%6Dple.com%2F@10.0.0.1/", "http://a%00b/", "http://a%2eb.c d/"] {
            #expect(address(odd) == nil, "\(odd)")
        }
    }
}

/// The proof that a notice is from here.
struct WebhookSigningTests {
    private let now = Moment(milliseconds: 1_614_265_330_999)

    private func signing(_ text: String) -> WebhookSigning? {
        do { return try WebhookSigning(Secret(text)) } catch { return nil }
    }

    private func values(_ text: String) -> [String: String] {
        let headers = signing(text)?.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Array(#"{"test": 2432232314}"#.utf8), at: now)
        return Dictionary((headers ?? []).map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// The example of the specification.
    @Test func signatureIsThatOfStandardWebhooks() {
        let found = values("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(found["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek" && found["webhook-timestamp"] == "1614265330")
        #expect(found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func twoSecretsSignTwice() {
        let other = "whsec_" + Data(repeating: 7, count: 24).base64EncodedString()
        let signature = values("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw \(other)\n")["webhook-signature"]
        #expect(signature?.hasPrefix("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,") == true)
    }

    @Test(arguments: [
        "", " ", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_short", "whsec_not base64 at all",
        "whsec_" + Data(repeating: 1, count: 23).base64EncodedString(),
        "whsec_" + Data(repeating: 1, count: 65).base64EncodedString(),
    ])
    func whatIsNoSecretIsTold(_ text: String) { #expect(signing(text) == nil) }
}
