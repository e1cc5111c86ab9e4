import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit

/// What people have done to a sync between its runs, and what that excuses.
struct Deeds {
    /// Each forgets all that was known.
    var resets = 0
    /// What was at the account when all was forgotten: nobody removes it any more.
    var forgotten: Set<String> = []
    /// Said to have arrived: never sent again.
    var confirmed: Set<String> = []
    /// How many requests there had been when that was said.
    var confirmedAt: [String: Int] = [:]
    /// How often somebody asked for a record that was in doubt to be sent once more.
    var resent: [String: Int] = [:]
    /// Whether a run has taken over the state of the name that the sync had before.
    var isRenamed = false
}

extension History {
    /// What a person may do between two runs.
    func act(_ object: DestinationObject) throws {
        if behavior == .send && random.chance(percent: 10) { try confirm(object) }
        if random.chance(percent: 3) { try reset(object) }
        if !deeds.isRenamed && random.chance(percent: 6) { rename() }
    }

    private func rename() {
        definition.renamedFrom = definition.name
        definition.name += "+"
        deeds.isRenamed = true
    }

    private func reset(_ object: DestinationObject) throws {
        // What the sync was called before is taken over by a run alone.
        guard !deeds.isRenamed else { return }
        let crash = CrashPlan()
        let environment = try world.environment(folder, object: object, crash: crash)
        try ResetState(definition, environment: environment).reset()
        world.tally.add(crash.steps)
        deeds.resets += 1
        deeds.forgotten.formUnion(world.account.records.keys)
        (deeds.confirmed, deeds.confirmedAt) = ([], [:])
        world.tally.add(.reset)
        trace.append("reset")
    }

    /// All that is in doubt did arrive, somebody says. May be killed at that.
    private func confirm(_ object: DestinationObject) throws {
        guard !deeds.isRenamed else { return }
        let crash = random.chance(percent: 30) ? CrashPlan(step: random.number(0...8)) : CrashPlan()
        let environment = try world.environment(folder, object: object, crash: crash)
        let keys = try BehaviorOracle(world: world, definition: definition).inDoubt(environment)
        do {
            let confirmed = try ConfirmRecords(definition, environment: environment).confirm(nil).confirmed
            if confirmed > 0 {
                world.tally.add(.confirmed)
                deeds.confirmed.formUnion(keys)
                for key in keys { deeds.confirmedAt[key] = world.account.requests.count }
            }
            trace.append("confirmed \(confirmed)")
        } catch {
            trace.append("not confirmed, killed: \(crash.isDead)")
            if crash.isDead {
                kills += 1
                // It may have come to that, or not.
                deeds.confirmed.formUnion(keys)
                world.noteKilled()
            } else if (error as? RunError)?.code != "run_unfinished" {
                problems.append("confirm threw \(error)")
            }
        }
    }

    /// Whoever asks for what is in doubt to be sent once more may see it arrive twice.
    ///
    /// - Returns: the keys.
    func noteResent(_ object: DestinationObject) throws -> Set<String> {
        let environment = try world.environment(folder, object: object)
        let files = try currentFiles(environment)
        let pending = try PendingFile.open(files)
        let seed = try environment.database.memory(files.name)?.seed ?? 0
        let open = try Damage.open(files) ?? []
        let keys = world.keys.filter { key in
            let hash = Hash128.of(key, seed: seed)
            return open.contains(hash) || pending.find(hash)?.kind == .inDoubt
        }
        world.tally.add(.askedToResend, if: !keys.isEmpty)
        noteResent(keys)
        return Set(keys)
    }

    func noteResent(_ keys: some Sequence<String>) {
        for key in keys {
            deeds.resent[key, default: 0] += 1
            deeds.confirmedAt[key] = nil
        }
    }

    /// The files of the sync, under the name that it had before where no run has taken them over.
    func currentFiles(_ environment: RunEnvironment) throws -> SyncFiles {
        let files = environment.state.sync(definition.name)
        guard let old = definition.renamedFrom, try !files.hasState() else { return files }
        return environment.state.sync(old)
    }

    func checkDeeds() {
        let requests = world.account.requests
        for (key, first) in deeds.confirmedAt where requests[first...].contains(where: { $0.keys.contains(key) }) {
            problems.append("\(key) was confirmed, and sent after that")
        }
    }
}
