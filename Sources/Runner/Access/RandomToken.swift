internal import Crypto
internal import Foundation

/// Random texts that give access to whoever has them. Only their hashes are kept.
package enum RandomToken {
    static let byteCount = 32

    /// 256 random bits as 43 characters that need no escaping in an address or a cookie.
    package static func make(_ time: RunTime) -> String {
        var bytes: [UInt8] = []
        while bytes.count < byteCount {
            unsafe withUnsafeBytes(of: time.seed()) { unsafe bytes.append(contentsOf: $0) }
        }
        return text(bytes)
    }

    /// What is kept of a token. A fast hash is enough: nobody guesses 256 random bits.
    static func hash(_ token: String) -> String { SHA256.hash(data: Data(token.utf8)).hexadecimal }

    /// base64url without padding.
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let standard = Data(bytes).base64EncodedString()
        return String(
            standard.compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 1_024 else { return nil }
        let standard = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard + padding).map { [UInt8]($0) }
    }
}
