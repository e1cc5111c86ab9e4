import SourcePostgres
import Testing

/// The words of libpq, of one try to connect and of two.
struct ServerRefusalTests {
    private static let password = "FATAL:  28P01: password authentication failed for user \"sluice\""
    private static let turnedAway = "FATAL:  28000: no pg_hba.conf entry for host \"10.0.0.7\", no encryption"
    private static let noDatabase = "FATAL:  3D000: database \"x\" does not exist"

    /// As libpq 15 prints it with PQERRORS_VERBOSE.
    private func said(_ tries: String...) -> String {
        tries.map {
            "connection to server at \"db\" (10.0.0.1), port 5432 failed: \($0)\nLOCATION:  auth_failed, auth.c:326"
        }.joined(separator: "\n")
    }

    @Test func nothingIsToldWhereNoServerSpoke() {
        let text = "connection to server at \"db\", port 5432 failed: Connection refused\n\tIs the server running?"
        #expect(ServerRefusal.telling(in: text, wasEncrypted: false, endedEncrypted: false) == nil)
        #expect(ServerRefusal.telling(in: "", wasEncrypted: true, endedEncrypted: true) == nil)
    }

    @Test func oneTryKeepsItsWordsAndItsEncryption() throws {
        for isEncrypted in [true, false] {
            let told = try #require(
                ServerRefusal.telling(
                    in: said(Self.noDatabase), wasEncrypted: isEncrypted, endedEncrypted: isEncrypted))
            #expect(told.sqlState == "3D000" && told.isEncrypted == isEncrypted)
            #expect(told.text.contains("does not exist\nLOCATION:"))
        }
    }

    @Test func wrongPasswordOfPreferWasToldOverTheEncryptedConnection() throws {
        let told = try #require(
            ServerRefusal.telling(
                in: said(Self.password, Self.password), wasEncrypted: true, endedEncrypted: false))
        #expect(told.sqlState == "28P01" && told.isEncrypted)
    }

    @Test func tryThatWasTurnedAwayIsNotTheTellingOne() throws {
        let prefer = try #require(
            ServerRefusal.telling(
                in: said(Self.password, Self.turnedAway), wasEncrypted: true, endedEncrypted: false))
        #expect(prefer.sqlState == "28P01" && prefer.isEncrypted)
        let allow = try #require(
            ServerRefusal.telling(
                in: said(Self.turnedAway, Self.password), wasEncrypted: true, endedEncrypted: true))
        #expect(allow.sqlState == "28P01" && allow.isEncrypted)
        let plainOnly = try #require(
            ServerRefusal.telling(
                in: said(Self.turnedAway, Self.password), wasEncrypted: true, endedEncrypted: false))
        #expect(plainOnly.sqlState == "28P01" && !plainOnly.isEncrypted)
    }

    @Test func whereBothTriesAreTurnedAwayTheFirstIsTold() throws {
        let told = try #require(
            ServerRefusal.telling(
                in: said(Self.turnedAway, Self.turnedAway), wasEncrypted: false, endedEncrypted: false))
        #expect(told.sqlState == "28000" && !told.isEncrypted && told.text.contains("no encryption"))
    }

    @Test func translatedSeverityAndOlderWordsAreUnderstood() {
        for text in ["SCHWERWIEGEND:  28P01: Passwort-Authentifizierung fehlgeschlagen", Self.password] {
            #expect(ServerRefusal.telling(in: text, wasEncrypted: false, endedEncrypted: false)?.sqlState == "28P01")
        }
    }
}
