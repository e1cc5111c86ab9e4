import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit

/// Whose records may be in doubt.
struct Doubtful {
    /// One of their requests was lost on its way, or its answer says too little.
    var keys: Set<String> = []
    /// They were in a batch that was open when its process ended.
    var hashes: Set<Hash128> = []
}

extension History {
    /// The keys whose requests since then were lost, or answered with too little to tell which were refused.
    func lost(_ crash: CrashPlan, requestsFrom first: [Int]) -> Set<String> {
        var keys: Set<String> = []
        for (account, first) in zip(world.accounts, first) {
            for request in account.requests[first...] {
                var isLost = crash.wasFull || request.refused > 0 && account.attribution != .each
                switch request.fault {
                case .failedBefore, .lostAfter: isLost = true
                case .none, .rateLimited, .unauthorized, .tooLarge: break
                }
                if isLost { keys.formUnion(request.keys) }
            }
        }
        return keys
    }

    /// Notes what a start has left that nobody can know.
    func noteDoubts(_ crash: CrashPlan, _ object: DestinationObject, requestsFrom first: [Int]) throws {
        guard behavior == .send else { return }
        doubtful.keys.formUnion(lost(crash, requestsFrom: first))
        let files = try currentFiles(try world.environment(folder, object: object))
        doubtful.hashes.formUnion(try Damage.open(files) ?? [])
    }

    /// Nothing is in doubt that anybody could know.
    func checkDoubts(_ environment: RunEnvironment) throws {
        let pending = try PendingFile.open(environment.state.sync(definition.name))
        let seed = try environment.database.memory(definition.name)?.seed ?? 0
        let allowed = doubtful.hashes.union(doubtful.keys.map { Hash128.of($0, seed: seed) })
        let names = Dictionary(
            world.keys.map { (Hash128.of($0, seed: seed), $0) }, uniquingKeysWith: { first, _ in first })
        for entry in pending.entries where entry.kind == .inDoubt && !allowed.contains(entry.keyHash) {
            problems.append("\(names[entry.keyHash] ?? "some key") is in doubt, and none of its requests was lost")
        }
    }
}
