package import ConnectorKit
internal import Foundation
package import ProjectConfig
internal import StateStore

/// The bytes of a notice, as whoever receives it expects them.
package enum NoticeBody {
    /// The form that an address asks for, unless the project says another.
    package static func form(of host: String) -> NotifyDefinition.Form {
        let host = host.lowercased()
        if host == "hooks.slack.com" || host == "hooks.slack-gov.com" { return .slack }
        let teams = [".webhook.office.com", ".logic.azure.com", ".environment.api.powerplatform.com"]
        return teams.contains { host.hasSuffix($0) } ? .teams : .json
    }

    package static func bytes(_ notice: Notice, form: NotifyDefinition.Form) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        switch form {
        case .json: return Array(try encoder.encode(Whole(notice)))
        case .slack: return Array(try encoder.encode(["text": slack(notice.text)]))
        case .teams: return Array(try encoder.encode(Card(notice.text)))
        }
    }

    /// Slack reads `<`, `>` and `&` as the beginning of links and mentions.
    private static func slack(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// Everything. `text` makes it readable, too, for whoever knows only Slack's form.
    private struct Whole: Encodable {
        var event: String
        var sync: String
        var message: String
        var hint: String
        var text: String
        var at: Moment
        var recovered: [String]
        var run: RunRecord?

        init(_ notice: Notice) {
            event = notice.event.rawValue
            sync = notice.sync
            message = notice.message
            hint = notice.hint
            text = notice.text
            at = notice.at
            recovered = notice.recovered.map(\.rawValue)
            run = notice.run
        }

        enum CodingKeys: CodingKey { case event, sync, message, hint, text, at, recovered, run }

        // Written out because the made one leaves absent values out.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(event, forKey: .event)
            try container.encode(sync, forKey: .sync)
            try container.encode(message, forKey: .message)
            try container.encode(hint, forKey: .hint)
            try container.encode(text, forKey: .text)
            try container.encode(at, forKey: .at)
            try container.encode(recovered, forKey: .recovered)
            try container.encode(run, forKey: .run)
        }
    }

    /// A message with one adaptive card, which is what Teams' workflows and its older connectors take.
    private struct Card: Encodable {
        struct Attachment: Encodable {
            var contentType = "application/vnd.microsoft.card.adaptive"
            var content: Content
        }

        struct Content: Encodable {
            var schema = "http://adaptivecards.io/schemas/adaptive-card.json"
            var type = "AdaptiveCard"
            var version = "1.4"
            var body: [Block]

            enum CodingKeys: String, CodingKey {
                case schema = "$schema"
                case type, version, body
            }
        }

        struct Block: Encodable {
            var type = "TextBlock"
            var text: String
            var wrap = true
        }

        var type = "message"
        var attachments: [Attachment]

        init(_ text: String) { attachments = [Attachment(content: Content(body: [Block(text: text)]))] }
    }
}

/// A webhook's address.
package struct WebhookAddress: Sendable {
    package let url: Secret
    /// With its port; for messages and logs: the rest of an address is often a secret.
    package let host: String
    /// What is looked up and connected to.
    package let name: String
    package let port: Int
    package let form: NotifyDefinition.Form

    /// Nil where the text is no address that may be posted to: only `http` and `https`, without a name and a password
    /// in it, which would end up in the logs of whoever is on the way.
    package init?(_ text: Secret, form: NotifyDefinition.Form?) {
        guard let url = URL(string: text.reveal()), let scheme = url.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let host = url.host(percentEncoded: false), Self.isPlain(host),
            url.user == nil, url.password == nil
        else { return nil }
        self.url = text
        name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        port = url.port ?? (scheme == "https" ? 443 : 80)
        self.host = url.port.map { "\(host):\($0)" } ?? host
        self.form = form ?? NoticeBody.form(of: host)
    }

    /// Nothing that one reader of the address might take for another host than the next one does.
    private static func isPlain(_ host: String) -> Bool {
        !host.isEmpty
            && host.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5B, 0x5D, 0x5F: true
                default: false
                }
            }
    }
}

/// One try of posting a notice.
package struct WebhookPost: Sendable {
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package var address: WebhookAddress
    package var body: [UInt8]
    package var allowsPrivate = false
    /// Beside the content's type: what proves where the notice is from.
    package var headers: [Header] = []

    package init(address: WebhookAddress, body: [UInt8]) {
        self.address = address
        self.body = body
    }
}
