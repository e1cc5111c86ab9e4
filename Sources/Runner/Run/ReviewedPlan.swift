internal import Foundation
internal import ProjectConfig
internal import Records
internal import StateStore

/// A plan that `plan --out` saved for a person to look at, and that `run --plan` sends: exactly that, or nothing.
///
/// The file is a plan like any other, whose summary says besides what it was made from. A run that is given one plans
/// anew and compares, because only the source can say whether it is as it was: so the rows that do not become operations
/// get their reasons in the history too, and what is sent is what stood in the file.
package struct ReviewedPlan: Sendable, Hashable {
    package let path: String
    /// The sync it is for.
    package let sync: String
    /// Whether every record was to be sent again.
    package let isFull: Bool
    let madeAt: Moment
    let origin: PlanOrigin
    let summary: PlanSummary
    private let contents: PlanContents

    /// Reads all of the file. Throws `plan_file_missing`, `plan_file_damaged`, `state_newer`.
    package init(path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            throw RunError(
                code: "plan_file_missing", message: "There is no plan \(path).",
                hint: "Check the path, or make the plan: sluice plan SYNC --out FILE.")
        }
        let isFolder = try URL(filePath: path).resourceValues(forKeys: [.isDirectoryKey]).isDirectory
        guard isFolder != true else { throw Self.damaged(path, "it is a folder") }
        do {
            let reader = try PlanReader(path: path)
            guard reader.isSealed else { throw Self.damaged(path, "its end is missing") }
            let header = try PlanHeader.decode(reader.header)
            summary = try PlanSummary.decode(reader.summary)
            guard let origin = summary.origin else { throw Self.damaged(path, "it is the plan of a run") }
            (sync, madeAt, self.origin, isFull) = (origin.sync, header.madeAt, origin, origin.isFull)
            contents = try PlanContents(reader)
        } catch let error as StateError where error.code == "plan_corrupt" {
            throw Self.damaged(path, "what it holds does not fit together")
        }
    }

    private static func damaged(_ path: String, _ detail: String) -> RunError {
        RunError(
            code: "plan_file_damaged",
            message: "\(path) is not a whole plan that plan --out made: \(detail). Nothing was sent.",
            hint: "Make it again: sluice plan SYNC --out FILE.")
    }

    /// Throws what speaks against sending the plan before the source is read: it is of another sync, state directory or
    /// account, for another definition, used already, or the state has moved on.
    func requireRight(_ definition: SyncDefinition, _ environment: RunEnvironment) async throws {
        try requireSync(definition.name)
        guard try environment.state.identity(making: Self.newName(environment)) == origin.state else {
            throw refusal(
                "plan_of_other_state", "was made with another state directory than \(environment.state.path)",
                "Name that directory with --state, or make the plan again with this one.")
        }
        let memory = try environment.database.memory(definition.name)
        if let used = memory?.extra[Self.usedName]?.split(separator: " "), used.first.map(String.init) == origin.name {
            let run = try used.last.flatMap { Int64($0) }.flatMap { try environment.database.run($0) }
            throw refusal("plan_used", Self.use(by: used.last.map(String.init) ?? "", run), remake)
        }
        var prepared = try PreparedSync(definition, environment: environment)
        guard summary.destination == prepared.destinationIdentity else {
            throw refusal(
                "plan_of_other_account", "is for another account or object than the one that the sync names now", remake
            )
        }
        try await prepared.discoverFields(environment: environment)
        guard summary.definition == prepared.definitionText else {
            throw refusal("plan_definition_changed", "was made before the sync's definition was changed", remake)
        }
        guard try PlanOrigin.stamp(definition, memory, environment) == origin.stamp else {
            throw refusal("plan_state_changed", try movedOn(environment), remake)
        }
    }

    /// What became of a plan that a run has used: of one that failed at once nothing may have arrived.
    private static func use(by number: String, _ run: RunRecord?) -> String {
        let words = "was used already, by run \(number)"
        guard let run else { return words }
        let (all, figures) = (run.operations.planned + run.operations.removals, run.operations)
        if all == 0 { return words + ", which had nothing to send" }
        if figures.accepted == all { return "was sent already, by run \(number)" }
        let doubt = figures.inDoubt > 0 ? " and \(figures.inDoubt) are in doubt" : ""
        let arrived = figures.accepted > 0 ? "\(figures.accepted)" : "nothing"
        return words + ": \(arrived) of \(Wording.counted(all, "operation")) arrived\(doubt)"
            + (run.state.isFinal ? "" : " so far")
    }

    /// Throws `plan_of_other_sync`.
    package func requireSync(_ name: String) throws {
        guard name == sync else {
            throw refusal(
                "plan_of_other_sync", "is for sync \(sync), not for \(name)",
                "Run it without naming a sync, or make a plan of \(name).")
        }
    }

    private func movedOn(_ environment: RunEnvironment) throws -> String {
        let later = try RunHistory(environment.database).runs(sync: sync, limit: 1).first {
            $0.startedAt.milliseconds >= madeAt.milliseconds
        }
        let since = later.map { ": run \($0.id) came after it" } ?? ""
        return "was made before the state of sync \(sync) moved on\(since)"
    }

    /// Throws `plan_source_changed` where what was just planned is not what the file says.
    func requireSame(_ fresh: PlanSummary, at freshPath: String) throws {
        let now = try PlanContents(PlanReader(path: freshPath))
        guard now != contents || fresh.rows != summary.rows || fresh.reasons != summary.reasons else { return }
        let difference =
            now.count != contents.count
            ? "it has \(contents.count) operations, and a run would now send \(now.count)"
            : fresh.rows != summary.rows || fresh.reasons != summary.reasons
                ? "other rows are sent or left out now" : "it has as many operations, of which some say something else"
        throw refusal(
            "plan_source_changed",
            "is not what a run would send now, because the dataset or what is at the destination has changed: "
                + difference, remake)
    }

    private var remake: String { "Make the plan again and look at it: sluice plan \(sync) --out \(path)." }

    private func refusal(_ code: String, _ why: String, _ hint: String) -> RunError {
        RunError(code: code, message: "The plan \(path) \(why). Nothing was sent.", hint: hint)
    }

    /// Notes that the plan was used, so that it is not sent twice.
    func note(run: Int64, in memory: inout SyncMemory) { memory.extra[Self.usedName] = "\(origin.name) \(run)" }

    static let usedName = "plan_used"

    /// A name that nothing else has.
    static func newName(_ environment: RunEnvironment) -> String {
        [environment.time.seed(), environment.time.seed()].map { String($0, radix: 36) }.joined()
    }
}

/// What a plan that was saved was made from.
package struct PlanOrigin: Sendable, Hashable, Codable {
    /// The plan's own.
    var name: String
    var sync: String
    /// The state directory's.
    var state: String
    /// What was known of the sync.
    var stamp: String
    var isFull: Bool

    /// - Parameter kept: the sync under the name that its state has so far.
    init(
        _ definition: SyncDefinition, kept: SyncDefinition, _ options: RunOptions, _ environment: RunEnvironment
    ) throws {
        sync = definition.name
        name = ReviewedPlan.newName(environment)
        state = try environment.state.identity(making: ReviewedPlan.newName(environment))
        stamp = try Self.stamp(kept, environment.database.memory(kept.name), environment)
        isFull = options.isFull
    }

    /// Changes with everything that a run learns: what was accepted, what is pending, how far an incremental dataset was
    /// read.
    static func stamp(
        _ definition: SyncDefinition, _ memory: SyncMemory?, _ environment: RunEnvironment
    ) throws -> String {
        let files = environment.state.sync(definition.name)
        return try stamp(EndRun.snapshot(files)?.header, PendingFile.open(files), memory)
    }

    /// - Parameter snapshot: what the fingerprints say of themselves; nil where there are none that can be read.
    static func stamp(_ snapshot: SnapshotHeader?, _ pending: PendingFile, _ memory: SyncMemory?) -> String {
        var parts = ["\(snapshot?.generation ?? 0)", "\(snapshot?.run ?? 0)", "\(snapshot?.count ?? 0)"]
        parts.append("\(pending.count) \(pending.checksum)")
        parts += [memory?.definition ?? "", memory?.columns ?? "", "\(memory?.hasAccepted ?? false)"]
        // What a plan itself takes back before it is looked at changes nothing of what it was made from.
        let others = [ReviewedPlan.usedName, EmptyScan.acceptedName]
        let extra = memory?.extra.filter { !others.contains($0.key) } ?? [:]
        parts += extra.map { "\($0.key)=\($0.value)" }.sorted()
        return Hash128.of(parts.joined(separator: "\u{1F}"), seed: 5).hexadecimal
    }
}

/// All that a plan asks of the destination, whatever the order in which the source gave its rows.
struct PlanContents: Sendable, Hashable {
    private(set) var count = 0
    private var sum = Hash128.void
    private var mixed = Hash128.void

    /// Throws `plan_corrupt`.
    init(_ reader: PlanReader) throws {
        var bytes = ByteWriter(capacity: 4_096)
        try reader.visit { operation in
            if operation.kind.isLocal { return }
            bytes.removeAll()
            bytes.append(littleEndian: UInt32(operation.kind.rawValue) | (operation.isNew ? 1 << 8 : 0))
            unsafe bytes.append(littleEndian: UInt32(operation.key.count))
            unsafe bytes.append(operation.key)
            unsafe bytes.append(operation.payload)
            let hash = unsafe Hash128.of(bytes.bytes, seed: 6)
            count += 1
            // Two sums that no order changes.
            sum = Hash128(high: sum.high &+ hash.high, low: sum.low &+ hash.low)
            mixed = Hash128(high: mixed.high &+ hash.high &* hash.low, low: mixed.low ^ hash.low)
        }
    }
}
