internal import Foundation
package import ProjectConfig
package import Records
package import StateStore
internal import SyncCore

/// What a run would do, found by doing its first half for nothing: nothing is sent, nothing is left behind.
package struct PlanSync: Sendable {
    private let definition: SyncDefinition
    private let options: RunOptions
    private let environment: RunEnvironment

    /// One operation or row as an example.
    package struct Example: Sendable, Hashable, Codable {
        package var key: String
        /// `added`, `changed`, or the outcome of a row that would not be sent.
        package var change: String
        /// What would be sent, as JSON text; nil for rows that would not be.
        package var payload: String?
        package var code: String?
        package var message: String?
        package var hint: String?
    }

    package struct Report: Sendable {
        package var sync: String
        package var full: Bool
        package var fullReason: String?
        package var rows: RowLedger
        package var operations: OperationLedger
        /// Planned operations whose key was never accepted before.
        package var added: Int
        /// Whether the planned records are removed and not sent.
        package var removesRows = false
        package var reasons: [ReasonCount]
        package var guardRecord: GuardRecord?
        /// Whether the destination was read: then it is known what would be created and what updated.
        package var isDestinationRead = false
        package var warnings: [Reason] = []
        package var examples: [Example]
        /// How much of an incremental dataset was read; nil for others.
        package var scan: RunEffort.Scan?
        /// Where the plan was saved.
        package var savedIn: String?
    }

    package init(_ definition: SyncDefinition, options: RunOptions, environment: RunEnvironment) {
        self.definition = definition
        self.options = options
        self.environment = environment
    }

    /// - Parameters:
    ///   - examplesMax: operations shown; as many rows that would not be sent are shown besides.
    ///   - out: where the plan is saved, for `run --plan`; a plan of that name is replaced once this one is whole.
    package func plan(examplesMax: Int, out: String? = nil) async throws -> Report {
        let place = try out.map { try Self.place(for: $0) }
        // Until its first run under a new name a sync's state is that of the old one. Of one that is to start over nothing counts.
        let renamed = RenamedSync(definition, environment)
        let places = options.startsOver ? (memory: definition.name, files: definition.name) : try renamed.places()
        let doubtful = options.startsOver ? nil : try renamed.warning()
        var kept = definition
        kept.name = places.memory
        var prepared = try PreparedSync(kept, environment: environment)
        let policy = Self.policy
        try await prepared.discoverFields(environment: environment, policy: policy)
        let files = environment.state.sync(places.files)
        let opening = try Opening.open(prepared, files: files, environment: environment, options: options)
        let folder = NSTemporaryDirectory() + "sluice-plan-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { remove(folder) }
        let path = folder + "/dry.plan"
        let origin = try out.map { _ in try PlanOrigin(definition, kept: kept, options, environment) }
        let scope = try await ScanScope.decide(prepared, opening, options: options, environment: environment)
        let made = try await MakePlan(
            prepared: prepared, memory: opening.memory, snapshot: opening.usable, pending: opening.pending,
            options: options, full: opening.full, scope: scope, environment: environment,
            policy: policy, former: opening.former
        ).make(
            MakePlan.Target(
                run: 0, path: path, directory: folder, database: nil, looks: examplesMax > 0, origin: origin))
        var report = try report(made, path: path, examplesMax: examplesMax)
        report.scan = scope.told(prepared)
        if let doubtful { report.warnings.append(doubtful) }
        if let place {
            try save(path, at: place)
            report.savedIn = out
        }
        return report
    }

    /// Somebody waits for the answer: one more try, and soon, of whatever is read.
    private static var policy: RetryPolicy {
        var policy = RetryPolicy()
        policy.attemptsMax = 2
        policy.waitRateLimited = .seconds(5)
        policy.waitAskedMax = .seconds(10)
        return policy
    }

    private static func place(for out: String) throws -> String {
        do {
            return try NamedFile.place(out, for: .plan)
        } catch {
            throw RunError(
                code: "plan_file_unwritable", message: "The plan could not be saved: \(error.why).",
                hint: "Name a file that is not there yet, or an older plan: --out FILE.")
        }
    }

    /// A plan that cannot be whole there takes no other's place.
    private func save(_ path: String, at out: String) throws {
        do {
            try FileCopy.put(path, at: out)
        } catch let error as StateError {
            throw RunError(
                code: "plan_file_unwritable", message: "The plan could not be saved: \(error.message)",
                hint: "Name a file in a folder that exists, may be written to and has the space: --out FILE.")
        }
    }

    private func remove(_ folder: String) {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            // The system's own sweep of its temporary folder takes what cannot be removed here.
            return
        }
    }

    private func report(_ made: MakePlan.Result, path: String, examplesMax: Int) throws -> Report {
        var operations = OperationLedger()
        operations.planned = made.summary.rows.planned
        operations.removals = made.summary.removals
        var report = Report(
            sync: definition.name, full: made.summary.full, fullReason: made.summary.fullReason,
            rows: made.summary.rows, operations: operations, added: made.summary.plannedNew,
            reasons: made.summary.reasons.map { ReasonCount(code: $0.key, count: $0.value) }
                .sorted { $0.count == $1.count ? $0.code < $1.code : $0.count > $1.count },
            examples: [])
        report.guardRecord = GuardRecord(made.verdicts)
        report.removesRows = definition.behavior.rules.added == .remove
        // The destination need not be read for it: each planned record is removed, or is gone already.
        if report.removesRows { report.operations.removed = operations.planned }
        report.warnings = made.warnings
        if let sight = made.sight {
            report.isDestinationRead = true
            report.operations.created = sight.created
            report.operations.updated = sight.updated
            if let warning = sight.warning { report.warnings.append(warning) }
        }
        report.examples = try operationExamples(path, max: examplesMax)
        for record in Self.eachReasonFirst(made.examples).prefix(examplesMax) {
            report.examples.append(
                Example(
                    key: record.key, change: record.outcome.rawValue, code: record.code, message: record.message,
                    hint: record.hint))
        }
        return report
    }

    /// One row of each reason, then the others.
    private static func eachReasonFirst(_ examples: [OutcomeRecord]) -> [OutcomeRecord] {
        var seen: Set<String> = []
        let firsts = examples.map { seen.insert($0.code).inserted }
        return zip(examples, firsts).filter(\.1).map(\.0) + zip(examples, firsts).filter { !$0.1 }.map(\.0)
    }

    private func operationExamples(_ path: String, max: Int) throws -> [Example] {
        guard max > 0 else { return [] }
        var examples: [Example] = []
        try PlanReader(path: path).scan { operation in
            if operation.kind.isLocal { return true }
            let change = operation.kind.isRemoval ? "removed" : operation.isNew ? "added" : "changed"
            examples.append(Example(key: operation.keyText, change: change, payload: operation.payloadText))
            return examples.count < max
        }
        return examples
    }
}
