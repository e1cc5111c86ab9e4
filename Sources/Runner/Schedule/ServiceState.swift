internal import ProjectConfig
internal import StateStore

/// One run that the service is to make or makes.
struct ServiceJob: Sendable {
    enum Kind: Sendable, Hashable {
        /// Its schedule said so.
        case scheduled
        /// Somebody asked for it; the run has a number already.
        case asked(run: Int64)
        /// The run was interrupted and is finished.
        case resumed
    }

    var sync: SyncDefinition
    var kind: Kind
    var options: RunOptions
    /// Ends the run for the person who says so.
    let cancel: AsyncStream<Void>.Continuation
    let cancels: AsyncStream<Void>
    /// The number of the run that is going.
    var run: Int64?
    var progress: RunProgress?

    init(_ sync: SyncDefinition, _ kind: Kind, _ options: RunOptions) {
        self.sync = sync
        self.kind = kind
        self.options = options
        (cancels, cancel) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        if case .asked(let number) = kind { run = number }
    }
}

/// What the service knows, guarded by one lock.
struct ServiceState: Sendable {
    enum Phase: Sendable, Hashable {
        case idle, running, stopping
    }

    var phase = Phase.idle
    var served: ServedProject
    var timetable = Timetable()
    /// By the sync's name.
    var running: [String: ServiceJob] = [:]
    var queue: [ServiceJob] = []
    /// The record of what a running run kept from beginning, by the sync's name.
    var collisions: [String: Collision] = [:]
    /// What is still to be told, by the sync's name; an entry is there while somebody tells.
    var telling: [String: [News]] = [:]
    /// When it was last said that a sync is stale.
    var staleToldAt: [String: Moment] = [:]
    var staleLookAt: Moment?
    var lastLookAt: Moment?
    /// The service wakes by itself then.
    var wakesAt: Moment?
    var sweptAt: Moment?

    /// What may be worth a notice.
    enum News: Sendable {
        case ended(RunRecord)
        case stale(SyncDefinition, completedAt: Moment?)
    }

    struct Collision: Sendable {
        /// The run that was going; nil where it is another process's.
        var met: Int64?
        var record: RunRecord
        var count = 1
    }

    init(_ served: ServedProject) { self.served = served }

    func job(of sync: String) -> ServiceJob? { running[sync] ?? queue.first { $0.sync.name == sync } }

    /// Moves the jobs that may begin now from the queue to the running ones.
    mutating func takeReady(runsMax: Int) -> [ServiceJob] {
        var ready: [ServiceJob] = []
        while running.count < runsMax, let index = queue.firstIndex(where: { running[$0.sync.name] == nil }) {
            let job = queue.remove(at: index)
            running[job.sync.name] = job
            ready.append(job)
        }
        return ready
    }
}
