package import ConnectorKit
package import Runner
package import StateStore
internal import Synchronization

/// Work that a form begins and that a page shows when it is done: checks and dry runs. It belongs to the server, not to
/// the request, and its results are kept in memory, the newest of each place.
package final class BackgroundWork: Sendable {
    package enum Result: Sendable {
        case plan(PlanSync.Report)
        case check(CheckConnections.Result)
        case resetPreview(known: Int, rowsToSend: Int)
    }

    /// What a connection test has found so far.
    package struct Findings: Sendable {
        package var report: ConnectionReport
        /// Since when the step that is going on goes on.
        package var stepSince: Moment
    }

    package enum Progress: Sendable {
        /// - Parameter found: nil where it is no connection test.
        case working(since: Moment, found: Findings? = nil)
        case done(Result, at: Moment)
        case failed(RunError, at: Moment)
    }

    /// At once; who comes later is told to wait.
    package static let workingMax = 8
    /// Results that are kept.
    package static let keptMax = 200

    private typealias Job = @Sendable () async -> Void

    private struct State {
        var progress: [Place: Progress] = [:]
        /// Oldest first.
        var order: [Place] = []
        var working = 0
    }

    private let state = Mutex(State())
    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation

    package init() { (jobs, queue) = AsyncStream<Job>.makeStream() }

    package func progress(_ place: Place) -> Progress? { state.withLock { $0.progress[place] } }

    /// Begins the work, unless it goes on already. Throws `server_busy`.
    package func begin(
        _ place: Place, now: @escaping @Sendable () -> Moment, _ body: @escaping @Sendable () async throws -> Result
    ) throws {
        let isNew = try state.withLock { state in
            if case .working = state.progress[place] { return false }
            guard state.working < Self.workingMax else { throw Self.busy }
            state.working += 1
            Self.put(.working(since: now()), at: place, into: &state)
            return true
        }
        guard isNew else { return }
        queue.yield { [self] in
            let progress: Progress
            do {
                progress = .done(try await body(), at: now())
            } catch {
                progress = .failed(RunError(error), at: now())
            }
            state.withLock { state in
                state.working -= 1
                Self.put(progress, at: place, into: &state)
            }
        }
    }

    /// Begins a connection test, whose steps are shown as they come. Throws `server_busy`.
    package func beginCheck(
        _ place: Place, now: @escaping @Sendable () -> Moment,
        _ body: @escaping @Sendable (@escaping CheckProgress) async throws -> CheckConnections.Result
    ) throws {
        try begin(place, now: now) { [self] in
            let result = try await body { [self] report in note(Findings(report: report, stepSince: now()), at: place) }
            return .check(result)
        }
    }

    /// Begins something that shows its result elsewhere: a run.
    package func begin(_ body: @escaping @Sendable () async -> Void) { queue.yield(body) }

    /// Does what is begun, until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
    }

    private func note(_ found: Findings, at place: Place) {
        state.withLock { state in
            guard case .working(let since, _) = state.progress[place] else { return }
            state.progress[place] = .working(since: since, found: found)
        }
    }

    private static func put(_ progress: Progress, at place: Place, into state: inout State) {
        if state.progress.updateValue(progress, forKey: place) == nil { state.order.append(place) }
        while state.order.count > keptMax { state.progress[state.order.removeFirst()] = nil }
    }

    private static let busy = RunError(
        code: "server_busy", message: "\(workingMax) checks and dry runs go on already.",
        hint: "Wait for one of them and try again.")
}
