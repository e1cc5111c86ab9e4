import ConnectorKit
import DestinationPlanhat
import Testing

struct SecretScrubberTests {
    private let scrubber = SecretScrubber([Secret("secret/key-1"), Secret("12345678-uuid"), Secret("short")])

    @Test func everySecretIsReplacedWhereverItStands() {
        #expect(scrubber.clean("secret/key-1") == "[secret]")
        #expect(scrubber.clean("a secret/key-1secret/key-1 b 12345678-uuid") == "a [secret][secret] b [secret]")
        #expect(scrubber.clean(#"{"k":"secret\/key-1"}"#) == #"{"k":"[secret]"}"#)
        #expect(scrubber.clean("ssecret/key-1s") == "s[secret]s")
    }

    @Test func everythingElseStaysAsItIs() {
        for text in ["", "s", "secret/key-", "ecret/key-1", "secret/key-2 and more", "short words stay"] {
            #expect(scrubber.clean(text) == text)
        }
        #expect(SecretScrubber([]).clean("anything") == "anything")
    }

    @Test func scrubberItselfShowsNothing() {
        var dumped = ""
        dump(scrubber, to: &dumped)
        #expect(!"\(scrubber) \(dumped)".contains("key-1"))
    }
}
