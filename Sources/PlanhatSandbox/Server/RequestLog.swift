internal import Synchronization

/// Which requests came and how they were answered.
package final class RequestLog: Sendable {
    /// One request, as shown on the page.
    package struct Entry: Sendable {
        package let at: Int64
        package let method: String
        package let path: String
        /// The status sent; 0 where the connection was closed instead.
        package let status: Int
        package let rows: RowTotals
        package let microseconds: Int64
    }

    private struct Record {
        var counts: [String: Int] = [:]
        var newest: [Entry] = []
        var total = 0
    }

    private static let kindsMax = 500
    private static let newestMax = 50
    private let record = Mutex(Record())

    /// Requests to the API since the start or the last reset (not the pages, not `/_sandbox`).
    package var total: Int { record.withLock { $0.total } }

    /// Requests by method, path and status, as `PUT /companies 200`; ids are `{id}`; a closed connection is `dropped`.
    package var counts: [String: Int] { record.withLock { $0.counts } }

    /// The last 50 requests, newest first.
    package var newest: [Entry] { record.withLock { $0.newest.reversed() } }

    func add(_ entry: Entry) {
        let kind = "\(entry.method) \(Self.shape(entry.path)) \(entry.status == 0 ? "dropped" : String(entry.status))"
        record.withLock { record in
            record.total += 1
            let key = record.counts[kind] != nil || record.counts.count < Self.kindsMax ? kind : "other"
            record.counts[key, default: 0] += 1
            record.newest.append(entry)
            if record.newest.count > Self.newestMax { record.newest.removeFirst() }
        }
    }

    func reset() { record.withLock { $0 = Record() } }

    private static func shape(_ path: String) -> String {
        let parts = path.split(separator: "/")
        guard let first = parts.first else { return "/" }
        if first == "analytics" || first == "dock" || parts.last == "dimensiondata" || first == "dimensiondata" {
            let words: Set<Substring> = ["analytics", "bulk", "dimensiondata", "dock", "segment"]
            return parts.reduce("") { $0 + "/" + (words.contains($1) ? String($1) : "{tenant}") }
        }
        return parts.count > 1 ? "/\(first)/{id}" : "/\(first)"
    }
}
