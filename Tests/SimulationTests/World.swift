import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import Synchronization
import TestKit

/// What a history plays with: the table, the account, the clock, and what goes wrong between them.
final class World: Sendable {
    let source: SimulatedSource
    let accounts = [SimulatedAccount(), SimulatedAccount()]
    let time: SimulatedTime
    private let current = Mutex(0)
    /// The table as it was before.
    private let versions = Mutex<[[SimulatedSource.Row]]>([])
    private let nextKey = Mutex(0)
    /// Requests that did not simply go through.
    let broken = Mutex(0)
    private let revision = Mutex<Int64>(0)
    /// Seconds that the clock is ahead of what it should be.
    let ahead = Mutex<Int64>(0)
    let jumps = Mutex(0)
    /// What else happens while a request is on its way: by its number.
    let meetings = Mutex<[Int: @Sendable () async -> Void]>([:])
    /// What has come about.
    let tally = Tally()
    /// Whether the accounts take what they refused before.
    let isPardoned = Mutex(false)
    /// What each run has read, by its number, and the run that reads now.
    let scans = Mutex<(running: Int64?, seen: [Int64: ScanSeen])>((nil, [:]))
    /// Keys that had a record at the account before the sync.
    private let thereBefore = Mutex<Set<String>>([])
    private let opened = Mutex<ControlDatabase?>(nil)
    /// Whether changes show themselves in a column that grows, and nothing else changes.
    let isIncremental: Bool
    /// Whether that column holds times and not numbers, some of them years ahead of the clock.
    let isTimed: Bool

    /// How late the history may be: not at all in every third history.
    private let historyLag: Duration

    /// By how much a new row may be older than the newest.
    static let overlap = 5

    init(seed: UInt64, isIncremental: Bool = false) {
        self.isIncremental = isIncremental
        historyLag = .milliseconds(seed % 3 * 400)
        isTimed = isIncremental && seed % 2 == 0
        time = SimulatedTime(seed: seed)
        source = SimulatedSource(columns: Self.columns)
        for account in accounts {
            account.refuse { _, payload in
                payload.contains("bad") ? Reason(code: "refused", message: "No.", hint: "Change it.") : nil
            }
        }
        source.onScan { [weak self] in self?.noteScan($0, $1) }
    }

    static let columns = [
        Column(name: "id", type: .text, declaredType: "TEXT"),
        Column(name: "name", type: .text, declaredType: "TEXT"),
        Column(name: "seats", type: .integer, declaredType: "INTEGER"),
        Column(name: "revision", type: .integer, declaredType: "INTEGER"),
    ]

    /// The account that the sync writes to now.
    var account: SimulatedAccount { accounts[current.withLock { $0 }] }
    var identity: String { "account \(current.withLock { $0 })" }

    func changeAccount() {
        current.withLock { $0 = 1 - $0 }
        tally.add(.accountChanged)
    }

    /// Every key that any row ever had.
    var keys: [String] { (0...nextKey.withLock { $0 }).map { "k\($0)" } }

    var created: Int { accounts.reduce(0) { $0 + $1.created.values.reduce(0, +) } }

    var faultsBroken: Int { broken.withLock { $0 } }

    /// Of one process, until that is killed: its runs share one control database, as those of `serve` do. Nothing of a
    /// process that was killed arrives anywhere any more.
    ///
    /// - Parameter isAnother: whether it is that of a process that comes by.
    func environment(
        _ folder: String, object: DestinationObject, crash: CrashPlan = CrashPlan(), isAnother: Bool = false
    ) throws -> RunEnvironment {
        let state = try StateDirectory(path: folder + "/state", steps: crash.hook)
        let time = time
        var environment = RunEnvironment(
            state: state, database: try isAnother ? .open(path: state.databasePath) : database(state),
            time: RunTime(
                now: { Moment(milliseconds: time.milliseconds) },
                sleep: {
                    if crash.isDead { throw SimulatedKill() }
                    try await Self.sleep($0, time)
                },
                chance: { time.fraction() }, seed: { time.bits() }),
            connections: WorldConnections(
                world: self, destinationObject: object, limitPath: folder + "/limit", crash: crash))
        environment.historyLag = historyLag
        if !isAnother { environment.progress = { [self] in noteProgress($0) } }
        return environment
    }

    private func database(_ state: StateDirectory) throws -> ControlDatabase {
        try opened.withLock { opened in
            let database = try opened ?? ControlDatabase.open(path: state.databasePath)
            opened = database
            return database
        }
    }

    /// The process was killed: the next one opens everything anew.
    func noteKilled() { opened.withLock { $0 = nil } }

    /// A cancelled run's patience with its request is watched by a task of its own, at no certain time: it ends at once
    /// here, so that the request is always waited for.
    private static func sleep(_ duration: Duration, _ time: SimulatedTime) async throws {
        if duration == .seconds(30) { throw CancellationError() }
        try await time.sleep(duration)
    }

    // MARK: Rows

    func fill(rows: Int, _ random: inout SeededRandom) {
        for _ in 0..<rows { source.rows.append(newRow(&random)) }
    }

    private func newRow(_ random: inout SeededRandom) -> SimulatedSource.Row {
        let number = nextKey.withLock {
            $0 += 1
            return $0
        }
        // Some rows come late: they are older than what was there, by no more than the overlap.
        let late = isIncremental && random.chance(percent: 20) ? Int64(random.number(0...Self.overlap)) : 0
        return [
            "id": .text("k\(number)"), "name": name(&random), "seats": .integer(Int64(random.number(0...3))),
            "revision": nextRevision(late: late),
        ]
    }

    /// Eleven days before the clock begins: no jump of it goes back so far.
    private static let firstSecond: Int64 = 1_794_000_000
    private static let yearsAhead: Int64 = 10 * 366 * 86_400

    private func nextRevision(late: Int64 = 0) -> Value {
        let number = revision.withLock {
            $0 += 1
            return $0 - late
        }
        guard isTimed else { return .integer(number) }
        let ahead = number % 97 == 0 ? Self.yearsAhead : 0
        return .timestamp((Self.firstSecond + number + ahead) * 1_000_000)
    }

    /// One name in sixty is refused by the account; few enough never to look as if all were.
    private func name(_ random: inout SeededRandom) -> Value {
        random.chance(percent: 1) ? .text("bad \(random.number(0...3))") : .text("n\(random.number(0...5))")
    }

    /// Updates, inserts, removals, shared keys, missing keys and values that cannot be cast.
    func change(_ random: inout SeededRandom) {
        let old = versions.withLock { versions in
            versions.append(source.rows)
            return versions.count > 1 ? versions[versions.count - 2] : nil
        }
        // Back to what it was: fingerprints that are not true any more show themselves here.
        if let old, random.chance(percent: 25) {
            source.rows = old.map { row in
                var row = row
                if isIncremental { row["revision"] = nextRevision() }
                return row
            }
            return
        }
        var rows = source.rows
        for index in rows.indices.reversed() where random.chance(percent: 10) {
            rows[index]["revision"] = nextRevision()
            switch random.number(0...9) {
            case 0: rows.remove(at: index)
            // Of two rows with one key an incremental scan may see one only.
            case 3 where isIncremental: rows[index]["name"] = .text("n9")
            case 1: rows[index]["seats"] = .text("many")
            case 2: rows[index]["id"] = .null
            case 3: rows.insert(rows[random.number(0...rows.count - 1)], at: random.number(0...rows.count))
            default:
                rows[index]["name"] = name(&random)
                rows[index]["seats"] = .integer(Int64(random.number(0...3)))
            }
        }
        if random.chance(percent: 6) {
            for index in rows.indices.dropLast(2) {
                rows[index]["seats"] = .text("many")
                rows[index]["revision"] = nextRevision()
            }
        }
        source.rows = rows
        if random.chance(percent: 5) {
            source.rows = []
            if random.chance(percent: 50) { return }
        }
        fill(rows: random.number(0...20), &random)
    }

    /// The account refuses these rows from now on.
    func spoil(rows places: Range<Int>) {
        var rows = source.rows
        for index in places.clamped(to: rows.indices) {
            rows[index]["name"] = .text("bad 9")
            rows[index]["seats"] = .integer(1)
            rows[index]["revision"] = nextRevision()
        }
        source.rows = rows
    }

    /// Columns come, go and change their type between runs.
    func changeColumns(_ random: inout SeededRandom) {
        let before = source.columns
        defer { tally.add(.columnsChanged, if: source.columns != before) }
        switch random.number(0...3) {
        case 0: source.columns = Self.columns.filter { $0.name != "seats" }
        case 1: source.columns[1].declaredType = "VARCHAR(\(random.number(1...99)))"
        case 2: source.columns.append(Column(name: "more \(random.number(0...99))", type: .text, declaredType: "TEXT"))
        default: source.columns = Self.columns
        }
    }

    /// What was at the account before the sync: a record for every other row, and some of no row.
    func fillAccount() {
        for (index, row) in source.rows.enumerated() where index % 2 == 0 {
            guard case .text(let id) = row["id"] else { continue }
            account.records[id] = "{}"
            thereBefore.withLock { _ = $0.insert(id) }
        }
        addForeign()
    }

    /// Records that are none of the sync's.
    func addForeign() {
        for number in 1...5 { account.records["foreign \(number)"] = "{}" }
    }

    /// Keys of rows that had a record before the sync.
    var there: Set<String> { thereBefore.withLock { $0 } }

    private func payload(_ row: SimulatedSource.Row, _ definition: SyncDefinition) -> String? {
        guard case .text(let id) = row["id"], case .text(let name) = row["name"] else { return nil }
        if definition.behavior == .delete { return id }
        var text = "{\"externalId\":\"\(id)\",\"name\":\"\(name)\""
        if definition.mappings.count == 2 {
            guard case .integer(let seats) = row["seats"] else { return nil }
            text += ",\"seats\":\(seats)"
        }
        return text + "}"
    }

    /// What the account has to hold of the table as it is now.
    func expected(_ definition: SyncDefinition) -> [String: String] {
        valid(definition).filter { !isRefused($0.value) }
    }

    /// The keys of the rows that the account refuses.
    func refused(_ definition: SyncDefinition) -> Set<String> {
        Set(valid(definition).filter { isRefused($0.value) }.keys)
    }

    private func isRefused(_ payload: String) -> Bool { payload.contains("bad") && !isPardoned.withLock { $0 } }

    /// Rows that can be sent: with a key that no other row has, and values that can be cast.
    func valid(_ definition: SyncDefinition) -> [String: String] {
        var found: [String: [String?]] = [:]
        for row in source.rows {
            guard case .text(let id) = row["id"] else { continue }
            found[id, default: []].append(payload(row, definition))
        }
        return found.compactMapValues { $0.count == 1 ? $0[0] : nil }
    }
}

struct WorldConnections: Connections {
    var world: World
    var destinationObject: DestinationObject
    var limitPath: String
    var syncs: [SyncDefinition] { [] }
    var crash: CrashPlan

    func source(_ dataset: DatasetDefinition) throws -> any Source & Discoverable { world.source }

    func destination(_ sync: SyncDefinition, context: DestinationContext) throws -> any ConnectedDestination {
        SimulatedDestination(world.account, context: context) { [crash] in !crash.isDead }
    }

    func sourceIdentity(_ dataset: DatasetDefinition) throws -> String { "system" }
    func object(_ sync: SyncDefinition) throws -> DestinationObject { destinationObject }
    func identity(_ sync: SyncDefinition) throws -> String { world.identity }

    func pace(_ sync: SyncDefinition) throws -> ConnectionPace {
        ConnectionPace(
            pacing: RequestPacing(requestsPerMinute: 60_000_000, burst: 50), shared: SharedNumber(path: limitPath))
    }
}
