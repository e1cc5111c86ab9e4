/// Finds what a person probably meant by a name that does not exist.
public enum NearestName {
    /// Longer names are not compared; the work grows with the square of the length.
    public static let lengthMax = 80
    /// Up to so many names are listed where none is near.
    public static let listedMax = 12

    /// The candidate nearest to `name`, or nil where none is near enough: at most one edit for each three
    /// characters. Case, `_`, `-` and spaces weigh least, so `external_id` finds `externalId`.
    public static func among(_ candidates: some Sequence<String>, to name: String) -> String? {
        several(1, of: candidates, to: name).first
    }

    /// At most `max` candidates that are near enough to `name`, the nearest first.
    public static func several(_ max: Int, of candidates: some Sequence<String>, to name: String) -> [String] {
        guard !name.isEmpty, name.unicodeScalars.count <= lengthMax else { return [] }
        let plain = simplified(name)
        let editsMax = Swift.max(1, plain.count / 3)
        var near: [(edits: Int, name: String)] = []
        for candidate in candidates
        where candidate != name && !candidate.isEmpty && candidate.unicodeScalars.count <= lengthMax {
            let edits = distance(plain, simplified(candidate))
            guard edits <= editsMax, edits < Swift.max(plain.count, 1) else { continue }
            near.append((edits, candidate))
        }
        return near.sorted { $0 < $1 }.prefix(max).map(\.name)
    }

    /// `did you mean …?`, or the list of what there is where nothing is near and the list is short.
    public static func hint(for name: String, among candidates: some Sequence<String>) -> String {
        if let near = among(candidates, to: name) { return "did you mean `\(near)`?" }
        let all = Array(candidates)
        guard !all.isEmpty, all.count <= listedMax else { return "" }
        return all.count == 1 ? "there is only `\(all[0])`" : "it is one of: \(all.joined(separator: ", "))"
    }

    /// Edits between two texts, counted as Damerau and Levenshtein do: insert, delete, replace, or swap neighbours.
    public static func distance(_ left: String, _ right: String) -> Int {
        distance(Array(left.unicodeScalars), Array(right.unicodeScalars))
    }

    private static func simplified(_ name: String) -> [Unicode.Scalar] {
        Array(name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" && $0 != " " })
    }

    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        let width = right.count + 2
        let far = left.count + right.count
        var table = [Int](repeating: far, count: (left.count + 2) * width)
        for row in 0...left.count { table[(row + 1) * width + 1] = row }
        for column in 0...right.count { table[width + column + 1] = column }
        var lastRowOf: [Unicode.Scalar: Int] = [:]
        for row in stride(from: 1, through: left.count, by: 1) {
            var lastMatch = 0
            for column in stride(from: 1, through: right.count, by: 1) {
                let matchRow = lastRowOf[right[column - 1]] ?? 0
                let matchColumn = lastMatch
                let isEqual = left[row - 1] == right[column - 1]
                if isEqual { lastMatch = column }
                let swapped =
                    table[matchRow * width + matchColumn] + (row - matchRow - 1) + 1 + (column - matchColumn - 1)
                table[(row + 1) * width + column + 1] = min(
                    table[row * width + column] + (isEqual ? 0 : 1), table[(row + 1) * width + column] + 1,
                    table[row * width + column + 1] + 1, swapped)
            }
            lastRowOf[left[row - 1]] = row
        }
        return table[(left.count + 1) * width + right.count + 1]
    }
}
