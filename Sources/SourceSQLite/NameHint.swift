internal import ConnectorKit

/// What to tell somebody who named a table or column that does not exist.
package enum NameHint {
    private static let listedMax = 8

    /// The nearest name, or else the first few there are; `none` where there are none.
    package static func text(_ name: String, in names: [String], none: String) -> String {
        if let near = NearestName.among(names, to: name) { return "Did you mean \"\(near)\"?" }
        if names.isEmpty { return none }
        let shown = names.prefix(listedMax).map { "\"\($0)\"" }.joined(separator: ", ")
        return "There are: \(shown)\(names.count > listedMax ? " and \(names.count - listedMax) more" : "")."
    }
}
