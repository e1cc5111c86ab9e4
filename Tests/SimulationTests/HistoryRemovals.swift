import ConnectorKit
import Records
import TestKit

extension History {
    /// Nothing is removed that was in the table when it was read, nor where not all of it was read; and nobody who accepts no
    /// guard sees one passed.
    func checkRemovals(mayAccept: Bool) {
        guard behavior == .mirror else { return }
        let requests = world.account.requests
        var removed: [Int64: Set<String>] = [:]
        for request in requests[judged...] where request.kind.isRemoval {
            removed[request.mark, default: []].formUnion(request.keys)
        }
        judged = requests.count
        for (run, keys) in removed.sorted(by: { $0.key < $1.key }) {
            func say(_ sentence: String) { problems.append("run \(run) removed \(keys.count) records: \(sentence)") }
            guard let scan = world.scan(of: run) else {
                say("it has read nothing")
                continue
            }
            if scan.isRecent { say("it has not read all rows") }
            if let key = keys.intersection(scan.keys).min() { say("\(key) was in the table") }
            if let key = keys.first(where: { $0.hasPrefix("foreign") }) { say("\(key) is none of the sync's") }
            guard !mayAccept else { continue }
            if scan.hasKeyless { say("rows had no key") }
            if scan.keys.isEmpty { say("the table was empty") }
            // Never more are known than there ever were.
            if keys.count > 5 && keys.count * 10 > world.keys.count { say("of \(world.keys.count) at most") }
        }
    }
}
