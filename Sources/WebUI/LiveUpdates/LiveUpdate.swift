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

    /// As it goes over the wire.
    func text(_ event: String, id: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = String(decoding: try encoder.encode(self), as: UTF8.self)
        return "id: \(id)\nevent: \(event)\ndata: \(data)\n\n"
    }
}
