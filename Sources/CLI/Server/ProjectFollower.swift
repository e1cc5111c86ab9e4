internal import Logging
internal import ProjectConfig
internal import Runner
internal import StateStore
internal import Synchronization
internal import WebUI

/// Puts the project into force as its files and its pages say it, again and again. A project with errors changes nothing:
/// the last good one stays, and what is wrong with the new one is kept to be shown. What failed is tried again, for the cause
/// may lie elsewhere than in the files.
final class ProjectFollower: Sendable {
    /// Between two looks at the files; a change counts once they were still for as long.
    static let interval = Duration.seconds(1)
    /// Of the time between two looks, the share that a look may take: a pattern may have to search many folders.
    static let lookShareMax = 0.02

    private struct State {
        var followed: FollowedFiles
        var places: ProjectPlaces
        var trouble: ProjectTrouble?
        var pace = RereadPace()
    }

    private let definitions: Definitions
    private let time: RunTime
    private let logger: Logger
    private let apply: @Sendable (DefinedProject) -> Void
    private let state: Mutex<State>
    /// One reading after the other, or an old one could come in force after a new one.
    private let turn = Mutex(())

    /// - Parameters:
    ///   - look: the files as they were just before what is in force was read.
    ///   - apply: puts what was read into force.
    init(
        _ definitions: Definitions, _ places: ProjectPlaces, _ look: FollowedFiles.Look, time: RunTime, logger: Logger,
        apply: @escaping @Sendable (DefinedProject) -> Void
    ) {
        self.definitions = definitions
        self.time = time
        self.logger = logger
        self.apply = apply
        state = Mutex(State(followed: FollowedFiles(read: look), places: places))
    }

    /// Why the files as they are now are not in force; nil where they are.
    var trouble: ProjectTrouble? { state.withLock { $0.trouble } }

    /// Reads everything again, now. Throws what is wrong, and then the project of before stays.
    func reload() throws { try read(isRetry: false) }

    private func read(isRetry: Bool) throws {
        try turn.withLock { _ in
            // Looked at before they are read: what changes meanwhile is read once more.
            let places = definitions.places()
            let look = places.look()
            do {
                apply(try definitions.reread())
                note(nil, places, look, isRetry)
            } catch {
                let diagnostics = (error as? ProjectErrors)?.diagnostics.filter { $0.severity == .error }
                let other = RunError(error)
                note(
                    diagnostics ?? [Diagnostic(.error, code: other.code, message: other.message, hint: other.hint)],
                    places, look, isRetry)
                throw error
            }
        }
    }

    /// Tells the end of a trouble, once. What is the same trouble as before goes on since then.
    private func note(
        _ problems: [Diagnostic]?, _ places: ProjectPlaces, _ look: FollowedFiles.Look, _ isRetry: Bool
    ) {
        let (now, instant) = (time.now(), ContinuousClock.now)
        let ended = state.withLock { state -> ProjectTrouble? in
            let old = state.trouble
            // What fails for a new reason, or after a change, is tried soon again.
            var pace = isRetry && old?.problems == problems ? state.pace : RereadPace()
            if problems != nil { pace.failed(at: instant) }
            let trouble = problems.map {
                ProjectTrouble(since: old?.problems == $0 ? old?.since ?? now : now, problems: $0)
            }
            state = State(followed: FollowedFiles(read: look), places: places, trouble: trouble, pace: pace)
            return trouble == nil ? old : nil
        }
        if let ended {
            logger.info("the project is in force again as it is", metadata: ["trouble_since": "\(ended.since.text)"])
        }
    }

    /// The same where nobody waits for it: what is wrong goes to the log.
    func reloadOrStay() { reloadOrStay(isRetry: false) }

    /// A retry that fails as before says nothing, or the log would be full of it.
    private func reloadOrStay(isRetry: Bool) {
        let told = isRetry ? trouble?.problems : nil
        do {
            try read(isRetry: isRetry)
        } catch {
            guard told == nil || trouble?.problems != told else { return }
            logger.error("the project was not loaded again; the old one stays: \(error)")
        }
    }

    /// Follows the files until the task is cancelled.
    func run() async {
        let clock = ContinuousClock()
        var pause = Self.interval
        while !Task.isCancelled {
            do { try await time.sleep(pause) } catch { return }
            let begun = clock.now
            let finding = look()
            // Without the reading: that one waits where the database is locked.
            pause = max(Self.interval, (clock.now - begun) / Self.lookShareMax)
            act(on: finding)
        }
    }

    private func look() -> (FollowedFiles.Finding, isNews: Bool) {
        state.withLock { state in
            let finding = state.followed.finding(state.places.look())
            let isGone = state.trouble?.isGone == true
            switch finding {
            case .gone where !isGone: state.trouble = .gone(since: time.now(), definitions.projectFile)
            case .unchanged where isGone: state.trouble = nil
            default: return (finding, false)
            }
            return (finding, true)
        }
    }

    private func act(on looked: (finding: FollowedFiles.Finding, isNews: Bool)) {
        switch looked.finding {
        case .changed: reloadOrStay()
        case .gone where looked.isNews: logger.error("the project file is gone; what it said stays in force")
        case .unchanged where looked.isNews:
            logger.info("the project file is back as it was")
            // As it was may be with an error.
            if pace.isFailing { reloadOrStay() }
        case .unchanged where pace.isDue(at: .now): reloadOrStay(isRetry: true)
        default: break
        }
    }

    private var pace: RereadPace { state.withLock { $0.pace } }
}
