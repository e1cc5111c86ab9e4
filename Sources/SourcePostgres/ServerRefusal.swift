/// What a server said when it refused a connection. With sslmode prefer and allow libpq tries twice, encrypted and not,
/// and gives the words of both: only one of them is about what is wrong.
package struct ServerRefusal: Sendable, Hashable {
    /// Five characters.
    package var sqlState: String
    package var text: String
    package var isEncrypted: Bool

    /// The refusal that says what is wrong; nil where no server said anything.
    ///
    /// - Parameters:
    ///   - text: all that libpq says, in its verbose form.
    ///   - wasEncrypted: whether any of the tries got as far as an encrypted connection.
    ///   - endedEncrypted: whether the last of them did.
    package static func telling(in text: String, wasEncrypted: Bool, endedEncrypted: Bool) -> ServerRefusal? {
        var refusals: [ServerRefusal] = []
        for line in text.split(separator: "\n") {
            let state = sqlState(in: line)
            if !state.isEmpty {
                refusals.append(ServerRefusal(sqlState: state, text: String(line), isEncrypted: false))
            } else if let last = refusals.indices.last {
                refusals[last].text += "\n" + line
            }
        }
        if wasEncrypted, !refusals.isEmpty {
            refusals[endedEncrypted ? refusals.count - 1 : 0].isEncrypted = true
        }
        // 28000 says that the server takes no such connection from here; the other try was then heard.
        return refusals.first { $0.sqlState != "28000" } ?? refusals.first
    }

    /// libpq 15 has no call for the SQLSTATE of a refused connection; its verbose text has it: `FATAL:  28P01: ...`.
    /// Severity and sentence may be translated by the server, the five characters are not.
    private static func sqlState(in line: Substring) -> String {
        var rest = line
        while let mark = rest.firstRange(of: ":  ") {
            rest = rest[mark.upperBound...]
            let state = rest.prefix(5)
            let isState = state.utf8.count == 5 && state.utf8.allSatisfy { isStateByte($0) }
            if isState, rest.dropFirst(5).hasPrefix(": ") { return String(state) }
        }
        return ""
    }

    private static func isStateByte(_ byte: UInt8) -> Bool {
        (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90)
    }
}
