import SyncCore
import Testing

@Suite struct AddressedPayloadTests {
    @Test(arguments: [
        ("{}", #"{"_id":"b"}"#),
        (#"{"name":"Ann"}"#, #"{"_id":"b","name":"Ann"}"#),
        (#"{"_id":"a"}"#, #"{"_id":"b"}"#),
        (#"{"_id":"a","name":"_id"}"#, #"{"_id":"b","name":"_id"}"#),
    ])
    func theIDComesOnceAndFirst(payload: String, addressed: String) {
        #expect(AddressedPayload.json(payload, id: "b") == addressed)
    }
}
