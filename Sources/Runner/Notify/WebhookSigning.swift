package import ConnectorKit
internal import Crypto
internal import Foundation
package import StateStore

/// Signs what a webhook gets, as standardwebhooks.com describes it: whoever has the secret can prove that a notice is
/// from here, whole, recent and not one that they have had already.
package struct WebhookSigning: Sendable {
    static let prefix = "whsec_"
    static let keyBytes = 24...64

    private let keys: [SymmetricKey]

    /// - Parameter secret: `whsec_` and a key in base64; several, with spaces between, while a receiver changes from one
    ///   to the next. Throws `signing_secret_invalid`.
    package init(_ secret: Secret) throws(RunError) {
        let words = secret.reveal().split(whereSeparator: \.isWhitespace)
        var keys: [SymmetricKey] = []
        for word in words {
            guard word.hasPrefix(Self.prefix), let key = Data(base64Encoded: String(word.dropFirst(Self.prefix.count))),
                Self.keyBytes.contains(key.count)
            else { throw Self.invalid }
            keys.append(SymmetricKey(data: key))
        }
        guard !keys.isEmpty else { throw Self.invalid }
        self.keys = keys
    }

    /// - Parameters:
    ///   - id: the same for each try of one notice.
    ///   - now: of this try; receivers refuse what is older than some minutes.
    package func headers(id: String, body: [UInt8], at now: Moment) -> [WebhookPost.Header] {
        let time = String(now.milliseconds / 1_000)
        let signed = Data("\(id).\(time).".utf8) + Data(body)
        let signatures = keys.map { key in
            "v1," + Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
        }
        return [
            WebhookPost.Header(name: "webhook-id", value: id),
            WebhookPost.Header(name: "webhook-timestamp", value: time),
            WebhookPost.Header(name: "webhook-signature", value: signatures.joined(separator: " ")),
        ]
    }

    private static let invalid = RunError(
        code: "signing_secret_invalid", message: "The `signing_secret` of notify is not one.",
        hint: "It is whsec_ and 24 to 64 random bytes in base64: echo \"whsec_$(openssl rand -base64 32)\" makes one.")
}
