internal import Foundation

/// One server-sent event of the pages: the parts of a page that have changed.
struct LiveUpdate: Encodable {
    var ended: Bool
    /// One sentence for those who do not see the page.
    var sentence: String
    /// By the identifiers of the elements that hold them.
    var parts: [String: String]
    /// Of a run.
    var state: String?
    /// Whether more of the page has changed than its parts say.
    var reload = false

    /// As it goes over the wire. JSON has no line break in it; the other two fields are lines of their own.
    func text(_ event: String, id: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = String(decoding: try encoder.encode(self), as: UTF8.self)
        return "id: \(Self.line(id))\nevent: \(Self.line(event))\ndata: \(data)\n\n"
    }

    /// More of an event's number is not sent: the browser gives it back in a header.
    private static let lineCharactersMax = 200

    /// Text from outside as the rest of a line: a line break would begin another field or end the event, and a zero makes
    /// a browser drop the number.
    private static func line(_ text: String) -> String {
        let plain = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) }
        return String(String(plain).prefix(lineCharactersMax))
    }
}
