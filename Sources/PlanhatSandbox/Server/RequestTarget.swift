internal import Foundation
internal import Hummingbird

/// Where a request goes: method, path in its parts, parameters; all decoded.
struct RequestTarget: Sendable {
    let method: String
    /// As it came, without the query.
    let path: String
    let parts: [String]
    let parameters: [(String, String)]

    init(_ request: Request) {
        self.init(method: request.method.rawValue, path: request.uri.path, query: request.uri.query ?? "")
    }

    init(method: String, path: String, query: String) {
        self.method = method
        self.path = path
        parts = path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
        parameters = query.split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(sides[0]), sides.count > 1 ? Self.decoded(sides[1]) : "")
        }
    }

    func parameter(_ name: String) -> String? { parameters.first { $0.0 == name }?.1 }

    private static func decoded(_ text: Substring) -> String {
        let spaced = text.replacing("+", with: " ")
        return spaced.removingPercentEncoding ?? String(spaced)
    }
}
