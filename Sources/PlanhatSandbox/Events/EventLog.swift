internal import Records

/// What came to the analytics API. A value, as the rest of the state: a copy is a snapshot. Rows are kept up to a
/// number, and counted beyond it.
struct EventLog: Sendable {
    /// Rows of a kind that can be looked at.
    static let keptMax = 1_000_000
    /// Rows of which it is known that they came before.
    static let seenMax = 5_000_000

    var activities = RowTotals()
    var metrics = RowTotals()
    private(set) var activityLines = LineLog()
    private(set) var metricTable = MetricTable()
    private var seen: Set<Hash128> = []
    /// Rows that came more than once, with how often; the first 1,000.
    private(set) var sentAgain: [String: Int] = [:]

    /// Keeps an activity as one line of JSON.
    mutating func addActivity(_ line: [UInt8]) {
        activities.created += 1
        if activityLines.count < Self.keptMax { activityLines.append(line) }
    }

    /// Keeps a metric; nothing ever takes the place of another one.
    mutating func addMetric(_ row: MetricRow) {
        metrics.created += 1
        if metricTable.rows.count < Self.keptMax { metricTable.rows.append(row) }
    }

    /// The number of a dimension's name, made where it is new.
    mutating func dimension(_ name: String) -> UInt32 { metricTable.dimension(name) }

    /// Notes that a row came. True where the same one came before.
    mutating func note(_ identity: Hash128, _ label: () -> String) -> Bool {
        guard seen.contains(identity) else {
            if seen.count < Self.seenMax { seen.insert(identity) }
            return false
        }
        let name = label()
        if sentAgain[name] != nil || sentAgain.count < 1_000 { sentAgain[name, default: 1] += 1 }
        return true
    }
}

/// Lines in pieces of some size, so that a write copies no more than the last piece while somebody reads a snapshot.
struct LineLog: Sendable {
    private static let pieceBytesMax = 256 << 10

    private(set) var pieces: [[UInt8]] = []
    private(set) var count = 0

    mutating func append(_ line: [UInt8]) {
        if pieces.isEmpty || pieces[pieces.count - 1].count >= Self.pieceBytesMax { pieces.append([]) }
        pieces[pieces.count - 1].append(contentsOf: line)
        pieces[pieces.count - 1].append(0x0A)
        count += 1
    }

    /// The newest lines, newest first.
    func newest(_ number: Int) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for piece in pieces.reversed() {
            for line in piece.split(separator: 0x0A).reversed() {
                guard found.count < number else { return found }
                found.append(Array(line))
            }
        }
        return found
    }
}

/// One value of one record at one time.
struct MetricRow: Sendable, Equatable {
    var dimension: UInt32
    /// The record that is measured, by its number in its model.
    var record: UInt32
    var value: Double
    /// Microseconds since 1970.
    var time: Int64
    var model: UInt8
    /// Whether the row brought its time along.
    var hasTime: Bool
}

/// The metrics, 32 bytes each.
struct MetricTable: Sendable {
    /// What a metric may be about, under the names that `model` has.
    static let models: [(name: String, model: SandboxModel)] = [
        ("Company", .companies), ("EndUser", .endusers), ("Asset", .assets), ("Project", .projects),
    ]

    var rows: [MetricRow] = []
    private(set) var dimensions: [String] = []
    private var numbers: [String: UInt32] = [:]

    func name(of row: MetricRow) -> String { dimensions[Int(row.dimension)] }

    func number(of dimension: String) -> UInt32? { numbers[dimension] }

    mutating func dimension(_ name: String) -> UInt32 {
        if let known = numbers[name] { return known }
        let number = UInt32(dimensions.count)
        numbers[name] = number
        dimensions.append(name)
        return number
    }
}
