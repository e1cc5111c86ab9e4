/// One rule for things going wrong, as said with `--fail`. The grammar is in docs/sandbox.md:
/// one action, then what it applies to, as words and `name=value` pairs, values in quotes where they hold spaces.
package struct FailRule: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        /// Answer with this status; `isProcessed` carries the request out first.
        case status(Int, isProcessed: Bool, message: String?)
        /// Answer a page, as a proxy does.
        case html(status: Int)
        /// Wait so long before (`isProcessed` false) or after carrying the request out.
        case hang(seconds: Double, isProcessed: Bool)
        /// Close the connection instead of answering.
        case drop(isProcessed: Bool)
        /// Carry the request out and send half of the answer's bytes, then close the connection.
        case cutAnswer
        /// Send the answer in small pieces over so many seconds.
        case drip(seconds: Double)
        /// Refuse the rows whose field has this value; every row where no field is named.
        case refuse(field: String, value: String, message: String?, isPermission: Bool)
    }

    package var action: Action
    /// Only requests with this method.
    package var method: String?
    /// Only this path and what is below it.
    package var path: String?
    /// Only each so many-th that applies.
    package var every = 1
    /// Only so often in all.
    package var times: Int?
    /// Not for the first so many that apply.
    package var after = 0
    /// What `Retry-After` says, with a status.
    package var retryAfter: Int?

    package init(action: Action) { self.action = action }

    /// Whether the rule strikes for the `count`-th request (or row) that applies to it, counted from 1.
    func strikes(_ count: Int) -> Bool {
        guard count > after, (count - after) % every == 0 else { return false }
        return times.map { (count - after) / every <= $0 } ?? true
    }

    func applies(method: String, path: String) -> Bool {
        if let wanted = self.method, wanted != method { return false }
        guard let wanted = self.path else { return true }
        return path == wanted || path.hasPrefix(wanted + "/")
    }
}
