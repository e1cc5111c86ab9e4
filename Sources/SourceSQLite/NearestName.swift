/// Finds what somebody who mistyped a name may have meant.
package enum NearestName {
    /// The name with the fewest letters to change, if that is at most a third of them; nil if nothing is near.
    package static func of(_ name: String, in names: [String]) -> String? {
        let wanted = Array(name.lowercased().prefix(100))
        let near = names.map { (name: $0, distance: distance(wanted, Array($0.lowercased().prefix(100)))) }
        guard let best = near.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, max(wanted.count, best.name.count) / 3) ? best.name : nil
    }

    /// A hint: the nearest name, or the first few there are.
    package static func hint(_ name: String, in names: [String], none: String) -> String {
        if let near = of(name, in: names) { return "Did you mean \"\(near)\"?" }
        if names.isEmpty { return none }
        let shown = names.prefix(8).map { "\"\($0)\"" }.joined(separator: ", ")
        return "There are: \(shown)\(names.count > 8 ? " and \(names.count - 8) more" : "")."
    }

    /// Letters to change, add, leave out or swap with their neighbour (optimal string alignment).
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var twoAbove: [Int] = []
        var above = Array(0...other.count)
        for (row, letter) in one.enumerated() {
            var current = [row + 1]
            for (column, candidate) in other.enumerated() {
                let changed = above[column] + (letter == candidate ? 0 : 1)
                var best = min(changed, above[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == other[column - 1], one[row - 1] == candidate {
                    best = min(best, twoAbove[column - 1] + 1)
                }
                current.append(best)
            }
            twoAbove = above
            above = current
        }
        return above[other.count]
    }
}
