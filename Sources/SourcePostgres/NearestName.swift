/// The known name that a mistyped one was probably meant to be.
enum NearestName {
    /// Nil where nothing is near enough to be worth naming.
    static func find(_ typed: String, in names: [String]) -> String? {
        if let same = names.first(where: { $0.lowercased() == typed.lowercased() }) { return same }
        let limit = max(1, min(3, typed.count / 3))
        let ranked = names.map { (name: $0, distance: distance(typed.lowercased(), $0.lowercased())) }
        guard let best = ranked.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else { return nil }
        return best.distance <= limit ? best.name : nil
    }

    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        var previous = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let replaced = previous[column] + (scalar == other ? 0 : 1)
                current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
