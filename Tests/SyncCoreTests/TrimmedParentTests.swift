import SyncCore
import Testing

/// An identity within a parent, as the destination compares it.
struct TrimmedParentTests {
    @Test func blanksAroundTheParentAreLeftOut() {
        for parent in ["a1", " a1", "a1 ", "\t a1\n"] {
            let identity = KeyWriter.composite([" x9", parent])
            #expect(KeyWriter.withTrimmedParent(identity) == KeyWriter.composite([" x9", "a1"]))
        }
    }

    @Test func whatIsNoSuchIdentityStaysAsItIs() {
        for text in ["x9", "[1,2]", "", "[]"] { #expect(KeyWriter.withTrimmedParent(text) == text) }
    }
}
