package import ProjectConfig
internal import StateStore

/// Takes a sync off its schedule, or puts it back. A run that is going goes on.
package struct PauseSync: Sendable {
    package struct Answer: Sendable, Hashable {
        package var sync: String
        package var isPaused: Bool
        /// Whether it was so before.
        package var wasPaused: Bool
        /// Whether the project file pauses it too; then only the file can put it back.
        package var isPausedByFile: Bool
    }

    private let environment: RunEnvironment

    package init(environment: RunEnvironment) { self.environment = environment }

    package func set(_ sync: SyncDefinition, isPaused: Bool) throws -> Answer {
        let was = try environment.database.isPaused(sync.name)
        if was != isPaused { try environment.database.setPaused(sync.name, isPaused) }
        return Answer(sync: sync.name, isPaused: isPaused, wasPaused: was, isPausedByFile: sync.paused)
    }
}
