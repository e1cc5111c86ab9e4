package import ConnectorKit
package import ProjectConfig
package import Records
package import StateStore

/// All that a run needs from outside: state, time, chance, connections, and someone to tell. Simulations give their
/// own.
package struct RunEnvironment: Sendable {
    package var state: StateDirectory
    package var database: ControlDatabase
    package var time: RunTime
    package var connections: any Connections
    /// Told of the run's progress, often; must return at once.
    package var progress: @Sendable (RunProgress) -> Void
    /// Told what took how long, for a trace.
    package var trace: (@Sendable (RunSpan) -> Void)?
    /// Of the runs of one sync; whoever runs one gives it its own.
    package var meter = RunMeter()
    /// What becomes of a run whose task is cancelled.
    package var cancellation = Cancellation.ends
    /// Returns when it is to be looked again whether another process asked for a run's end, a second later or so; nil
    /// where a run looks between its batches only.
    package var untilNextLook: (@Sendable () async throws -> Void)?
    /// How long the history may lack batches that went through and are in the journal; nothing: it has each at once.
    package var historyLag = Duration.zero
    /// Of the runs of one sync; whoever runs one gives it its own.
    package var late = LateHistory(lag: .zero)

    package enum Cancellation: Sendable, Hashable {
        /// A person stopped it: the run is `cancelled`.
        case ends
        /// The process ends: the run stays unfinished after the batch on its way, and the next start goes on with it.
        /// Only a cancel that is noted in the history ends it.
        case leaves
    }

    package init(
        state: StateDirectory, database: ControlDatabase, time: RunTime, connections: any Connections,
        progress: @escaping @Sendable (RunProgress) -> Void = { _ in }
    ) {
        self.state = state
        self.database = database
        self.time = time
        self.connections = connections
        self.progress = progress
    }
}

/// Time and chance, given from outside so that a seed replays a whole run.
package struct RunTime: Sendable {
    package var now: @Sendable () -> Moment
    /// Throws `CancellationError` if the task is cancelled meanwhile.
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A random number in 0..<1.
    package var chance: @Sendable () -> Double
    /// Sixty-four random bits that nobody can guess.
    package var seed: @Sendable () -> UInt64

    package init(
        now: @escaping @Sendable () -> Moment, sleep: @escaping @Sendable (Duration) async throws -> Void,
        chance: @escaping @Sendable () -> Double, seed: @escaping @Sendable () -> UInt64
    ) {
        self.now = now
        self.sleep = sleep
        self.chance = chance
        self.seed = seed
    }
}

/// Makes the two ends of a sync from the project.
package protocol Connections: Sendable {
    /// The syncs of the project.
    var syncs: [SyncDefinition] { get }
    /// The source of a dataset. Opens nothing.
    func source(_ dataset: DatasetDefinition) throws -> any Source & Discoverable
    /// Text that differs between two systems that a dataset may be read from; no secrets.
    func sourceIdentity(_ dataset: DatasetDefinition) throws -> String
    /// The destination of a sync and what identifies the account it writes to. Opens nothing.
    func destination(
        _ sync: SyncDefinition, context: DestinationContext
    ) throws -> any ConnectedDestination
    /// The declared object a sync writes.
    func object(_ sync: SyncDefinition) throws -> DestinationObject
    /// Text that differs between two accounts of a destination.
    func identity(_ sync: SyncDefinition) throws -> String
    /// The rate limit that the sync's connection shares with every other sync and process.
    func pace(_ sync: SyncDefinition) throws -> ConnectionPace
}

/// What a run tells while it goes on.
package enum RunProgress: Sendable, Hashable {
    case started(run: Int64, sync: String, isResumed: Bool)
    /// The next part of the run begins.
    case stage(RunStage)
    case scanning(rows: Int)
    /// Records that were asked for, or are in doubt, and that the source does not have.
    case gone(keys: [String])
    case planned(operations: Int)
    /// Something that a person should look at; the run goes on.
    case warned(Reason)
    case delivering(done: Int, of: Int)
    case waiting(reason: String, duration: Duration)
    case ended(RunRecord)
    /// Something that no run depends on could not be done: to remove old history, to note a cancel.
    case notSwept(RunError)
}

/// What was asked of a run.
package struct RunOptions: Sendable, Hashable {
    package var isFull = false
    /// Plans as if nothing were known of the destination; for looking ahead only.
    package var startsOver = false
    /// Sends the first so many changes and removes nothing.
    package var limit: Int?
    /// Sends one record for a person to look at, also where the sync would leave alone what is there at its first run.
    package var isTrial = false
    package var acceptedGuards: Set<String> = []
    /// Only the records with these keys, whether changed or not.
    package var onlyKeys: Set<String>?
    /// Only the records that are in doubt or were refused and not accepted since.
    package var onlyPending: PendingChoice?
    /// Only what this plan holds; nothing where a run would not send exactly that.
    package var reviewed: ReviewedPlan?
    package var trigger = "cli"
    /// Waits for a running run of the same sync instead of failing.
    package var waits = false
    /// Finishes the runs of the sync that were interrupted or are queued, and makes none besides.
    package var isUnfinishedOnly = false

    package init() {}

    /// What somebody decided against Sluice's own judgement, for the audit log: `guard removed accepted, full`; empty for
    /// a plain run.
    package var decisions: String {
        let guards = acceptedGuards.sorted().map { "guard \($0) accepted" }
        return (guards + (isFull ? ["full"] : [])).joined(separator: ", ")
    }

    package enum PendingChoice: Sendable, Hashable {
        case rejected
        case inDoubt
    }

    /// Throws `invalid_option` where the run is limited, which removes nothing, and the sync does nothing but remove.
    package func refuseLimit(of sync: SyncDefinition) throws(RunError) {
        guard limit != nil, sync.behavior == .delete else { return }
        throw RunError(
            code: "invalid_option",
            message: "--limit removes nothing, and \(sync.name) does nothing but remove records.",
            hint: "sluice plan \(sync.name) shows what a run would remove; a small dataset removes few.")
    }

    /// Whether the run looks at chosen records only.
    package var isSelective: Bool { onlyKeys != nil || onlyPending != nil }

    /// Whether it sends chosen records, or one to try, and says nothing of the others.
    var isOfChosen: Bool { isSelective || isTrial }
}

/// Why a run or an action could not do what was asked. Printed as it is.
package struct RunError: Error, Sendable, Hashable {
    package var code: String
    package var message: String
    package var hint: String
    /// Where in the project's files it lies; nil where no file is at fault.
    package var place: Location?

    package init(code: String, message: String, hint: String, place: Location? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
    }

    /// As a run keeps it: the place is part of its message.
    package var failure: RunFailure {
        RunFailure(code: code, message: (place.map { "\($0): " } ?? "") + message, hint: hint)
    }

    /// Any error of the rooms below in the same three words.
    package init(_ error: any Error) {
        switch error {
        case let error as RunError: self = error
        case is CancellationError:
            self.init(code: "cancelled", message: "It was cancelled.", hint: "Run it again when you like.")
        case let error as ConnectorError: self.init(code: error.code, message: error.message, hint: error.hint)
        case let error as StateError: self.init(code: error.code, message: error.message, hint: error.hint)
        case let error as Diagnostic:
            self.init(code: error.code, message: error.message, hint: error.hint, place: error.place)
        case let errors as ProjectErrors where !errors.diagnostics.isEmpty: self.init(errors.diagnostics[0])
        default:
            self.init(
                code: "internal_error", message: "Something unexpected went wrong: \(type(of: error)).",
                hint: "This is a fault of Sluice. Please report it with the command that shows it.")
        }
    }
}
