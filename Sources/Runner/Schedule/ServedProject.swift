package import ProjectConfig
package import StateStore

/// What the service runs: a project with all that its syncs need from outside. Made anew when the project changes.
package struct ServedProject: Sendable {
    package var project: Project
    package var connections: any Connections
    /// Nil where nobody is told of anything.
    package var notifier: Notifier?

    package init(project: Project, connections: any Connections, notifier: Notifier? = nil) {
        self.project = project
        self.connections = connections
        self.notifier = notifier
    }
}

/// How the service works. The defaults suit one machine.
package struct ServiceLimits: Sendable {
    /// Runs at once; different syncs only.
    package var runsMax = 4
    /// At least so often the history is looked at, for what other processes did, and the clock.
    package var pollEvery: Duration = .seconds(10)
    /// How long after the last look at the schedules the service counts as stuck.
    package var stuckAfter: Duration = .seconds(90)
    /// The minute of the day, in UTC, after which old history is removed, besides once at the start.
    package var sweepMinute = 3 * 60 + 17

    package init() {}
}

/// How one sync stands.
package struct SyncStanding: Sendable {
    package enum Pause: Sendable, Hashable {
        case byHand, byFile
    }

    package var sync: String
    /// The schedule as people say it: `every day at 06:00 Europe/Stockholm`.
    package var schedule: String
    /// The run that is going; nil also for the moment until it has a number.
    package var run: Int64?
    package var isRunning = false
    /// Whether it waits for a free place.
    package var isQueued = false
    /// What the run last told of itself.
    package var progress: RunProgress?
    package var pause: Pause?
    /// When it is due next, or since when it is; nil where that is not known.
    package var nextAt: Moment?
    /// `next Mon 30 Nov 06:00`, or why there is no next.
    package var next: String
    /// The syncs that it waits for.
    package var waitsFor: [String] = []

    package init(sync: String, schedule: String, next: String) {
        self.sync = sync
        self.schedule = schedule
        self.next = next
    }
}
