internal import Logging
internal import ProjectConfig
internal import Runner
internal import Synchronization
internal import WebUI

/// Puts the project into force as its files and its pages say it, again and again. A project with errors changes nothing:
/// the last good one stays, and what is wrong with the new one is kept to be shown.
final class ProjectFollower: Sendable {
    /// Between two looks at the files; a change counts once they were still for as long.
    static let interval = Duration.seconds(1)
    /// Of the time between two looks, the share that a look may take: a pattern may have to search many folders.
    static let lookShareMax = 0.02

    private struct State {
        var followed: FollowedFiles
        var places: ProjectPlaces
        var trouble: ProjectTrouble?
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
    func reload() throws {
        try turn.withLock { _ in
            // Looked at before they are read: what changes meanwhile is read once more.
            let places = definitions.places()
            let look = places.look()
            do {
                apply(try definitions.reread())
                note(nil, places, look)
            } catch {
                let diagnostics = (error as? ProjectErrors)?.diagnostics.filter { $0.severity == .error }
                let other = RunError(error)
                note(
                    diagnostics ?? [Diagnostic(.error, code: other.code, message: other.message, hint: other.hint)],
                    places, look)
                throw error
            }
        }
    }

    private func note(_ problems: [Diagnostic]?, _ places: ProjectPlaces, _ look: FollowedFiles.Look) {
        let trouble = problems.map { ProjectTrouble(since: time.now(), problems: $0) }
        state.withLock { $0 = State(followed: FollowedFiles(read: look), places: places, trouble: trouble) }
    }

    /// The same where nobody waits for it: what is wrong goes to the log.
    func reloadOrStay() {
        do {
            try reload()
        } catch {
            logger.error("the project was not loaded again; the old one stays: \(error)")
        }
    }

    /// Follows the files until the task is cancelled.
    func run() async {
        let clock = ContinuousClock()
        var pause = Self.interval
        while !Task.isCancelled {
            do { try await time.sleep(pause) } catch { return }
            let took = clock.measure { look() }
            pause = max(Self.interval, took / Self.lookShareMax)
        }
    }

    private func look() {
        let (finding, isNews) = state.withLock { state in
            let finding = state.followed.finding(state.places.look())
            let isGone = state.trouble?.isGone == true
            switch finding {
            case .gone where !isGone: state.trouble = .gone(since: time.now(), definitions.projectFile)
            case .unchanged where isGone: state.trouble = nil
            default: return (finding, false)
            }
            return (finding, true)
        }
        switch finding {
        case .changed: reloadOrStay()
        case .gone where isNews: logger.error("the project file is gone; what it said stays in force")
        case .unchanged where isNews: logger.info("the project file is back as it was")
        default: break
        }
    }
}
