internal import ProjectConfig
internal import StateStore

/// How a sync stands, in words.
enum StandingWords {
    static func standing(
        of sync: SyncDefinition, in state: ServiceState, _ pasts: [String: SyncPast], now: Moment
    ) -> SyncStanding {
        var standing = SyncStanding(sync: sync.name, schedule: ScheduleWords.schedule(sync.schedule), next: "")
        if let job = state.running[sync.name] {
            standing.isRunning = true
            standing.run = job.run
            standing.progress = job.progress
        } else if let job = state.queue.first(where: { $0.sync.name == sync.name }) {
            standing.isQueued = true
            standing.run = job.run
        }
        if sync.paused {
            standing.pause = .byFile
        } else if pasts[sync.name]?.isPaused == true {
            standing.pause = .byHand
        }
        switch state.timetable.standing(of: sync.name, pasts, now: now) {
        case .due(let since):
            standing.nextAt = since
            standing.next = "due now"
        case .next(let at):
            standing.nextAt = at
            standing.next = "next " + ScheduleWords.moment(at, zone: ScheduleWords.zone(of: sync.schedule), now: now)
        case .waiting(let parents):
            standing.waitsFor = parents
            standing.next = "waits for " + ScheduleWords.list(parents)
        case .paused:
            standing.next = standing.pause == .byFile ? "paused by the project file" : "paused"
        case .byHand:
            standing.next = sync.schedule == nil ? "runs when somebody starts it" : "is never due again"
        }
        return standing
    }
}
