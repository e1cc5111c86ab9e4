package import ConnectorKit
package import Records

/// How large the next batch may be. Shrinks when the destination finds a body too large or lets it time out, and does not
/// grow beyond that again in the same run. Shrinks as well while answers are slow, and grows again once they are quick. What
/// was learned is forgotten at the end of the run.
package struct Batcher: Sendable, Hashable {
    /// An answer that took longer than this, whatever time a request gets, halves the batches that follow.
    package static let slowAnswer = Duration.seconds(60)
    /// So many full batches in a row that were answered within this time let the next one be a quarter larger.
    package static let quickAnswer = Duration.seconds(15)
    package static let quickAnswersToGrow = 3
    /// Slow answers alone never make batches smaller than this.
    package static let slowItemsMin = 100

    package private(set) var itemsMax: Int
    /// What batches may grow to again.
    private var ceiling: Int
    private var quickAnswers = 0
    /// How many records one call may take away.
    package let deletesMax: Int
    /// How many rows one call may send.
    package let sendsMax: Int
    package let bytesMax: Int
    /// What the destination writes around each operation (a comma) and around all of them (brackets).
    package let overheadPerItem = 2

    package init(_ object: DestinationObject) {
        itemsMax = object.batchItemsMax
        ceiling = object.batchItemsMax
        deletesMax = max(1, object.removalItemsMax)
        sendsMax = max(1, object.sendItemsMax ?? object.batchItemsMax)
        bytesMax = object.batchBytesMax
    }

    /// Halves the batches. False if they are of one operation already.
    package mutating func shrink(from count: Int) -> Bool {
        guard count > 1 else { return false }
        itemsMax = max(1, min(itemsMax, count) / 2)
        ceiling = itemsMax
        quickAnswers = 0
        return true
    }

    /// Learns from how long the answer to `count` operations took.
    package mutating func answered(_ count: Int, after duration: Duration) {
        if duration > Self.slowAnswer {
            itemsMax = max(min(itemsMax, Self.slowItemsMin), min(itemsMax, count) / 2)
            quickAnswers = 0
            return
        }
        guard duration <= Self.quickAnswer else {
            quickAnswers = 0
            return
        }
        guard count >= itemsMax, itemsMax < ceiling else { return }
        quickAnswers += 1
        guard quickAnswers >= Self.quickAnswersToGrow else { return }
        quickAnswers = 0
        itemsMax = min(ceiling, itemsMax + max(1, itemsMax / 4))
    }
}

/// Splits what could not be attributed until each record stands by itself (design.md §4.4).
package struct Bisection: Sendable, Hashable {
    private var open: [Range<Int>]

    package init(count: Int) { open = count > 0 ? [0..<count] : [] }

    /// The next part to send, front first; nil when all is decided.
    package mutating func next() -> Range<Int>? { open.popLast() }

    /// Whether nothing is left to send.
    package var isDone: Bool { open.isEmpty }

    /// Puts the halves of `part`, which has at least two operations, in line; or what stands on both sides of `border`,
    /// where that is within it.
    package mutating func split(_ part: Range<Int>, at border: Int = 0) {
        let isWithin = part.dropFirst().contains(border)
        let middle = isWithin ? border : part.lowerBound + part.count / 2
        open.append(middle..<part.upperBound)
        open.append(part.lowerBound..<middle)
    }
}

/// Sees when a destination refuses everything: fifty records in a row with one code and none accepted, or fewer where it
/// is for want of a permission, which rows seldom lack each by itself. Once something was accepted a streak does not end
/// the run any more, since other rows are still taken; it begins anew then, and a long one ends the search in its batch.
///
/// Records that an earlier run was refused as they are do not count: that they are refused once more says nothing of the
/// others, and must not keep those from being sent. The more of them there are, the further a run goes, so that rows which
/// stand behind very many refused ones arrive after few runs.
package struct RefusalStreak: Sendable, Hashable {
    package static let limit = 50
    package static let forbiddenLimit = 20
    /// Where records were accepted before.
    package static let laterLimit = 150
    /// So many that are refused each in a request of its own are enough, however many were refused before.
    package static let aloneMax = 500
    package static let forbidden = "forbidden"

    private let limit: Int
    private var code = ""
    private var alone = 0
    package private(set) var count = 0
    package private(set) var hasAccepted = false
    /// What was said of the last record.
    package private(set) var reason: Reason?

    /// - Parameter refusedBefore: how many records earlier runs were refused, which are tried again.
    package init(refusedBefore: Int = 0) { limit = Self.limit + refusedBefore }

    package mutating func accepted() {
        hasAccepted = true
        (count, alone) = (0, 0)
    }

    /// Another batch is searched anew.
    package mutating func nextBatch() { if hasAccepted { (count, alone) = (0, 0) } }

    /// - Parameter isAlone: whether it was sent in a request of its own.
    package mutating func rejected(code: String, reason: Reason? = nil, isAlone: Bool = true) {
        if code != self.code { (count, alone) = (0, 0) }
        count += 1
        if isAlone { alone += 1 }
        self.code = code
        self.reason = reason
    }

    package var isHopeless: Bool {
        guard !hasAccepted else { return false }
        return isForbidden ? count >= Self.forbiddenLimit : count >= limit || alone >= Self.aloneMax
    }
    package var isForbidden: Bool { code == Self.forbidden }
    /// Whether the batch at hand has had enough records sent alone, though the destination takes others.
    package var isLong: Bool { hasAccepted && count >= Self.laterLimit }
}

/// How many requests one run may spend on finding the refused rows of batches whose answers do not name them. Some
/// hundreds in any case, and more where much arrives: a full batch with one refused row in it earns about what the search
/// costs, so that few refused rows among many are always found, and many never cost more than a small share of the run. Rows
/// that were refused before are looked for with half of them at most: the others are for rows that nobody knows yet.
package struct SearchBudget: Sendable, Hashable {
    package static let requestsMin = 500
    /// So many accepted records allow one request more.
    package static let acceptedForOne = 200

    private var accepted = 0
    private var spent = 0
    private var spentAgain = 0

    package init() {}

    package mutating func accepted(_ count: Int) { accepted += count }

    /// Takes what two halves cost. False if it is not there any more.
    /// - Parameter isAgain: whether all of their rows were refused before.
    package mutating func takeHalves(isAgain: Bool = false) -> Bool {
        let allowed = Self.requestsMin + accepted / Self.acceptedForOne
        guard spent + 2 <= allowed, !isAgain || spentAgain + 2 <= allowed / 2 else { return false }
        spent += 2
        if isAgain { spentAgain += 2 }
        return true
    }
}

/// Sees when a destination is down: several answers in a row that do not say whether a batch was taken. Only what must
/// not be sent twice is ever counted here (docs/decisions/0027-doubt-does-not-end-a-run.md).
package struct DoubtStreak: Sendable, Hashable {
    package static let limit = 3
    /// How many records a batch that follows a doubtful one holds, so that little is put in doubt to learn whether the
    /// destination answers again.
    package static let probeItemsMax = 1_000

    package private(set) var count = 0

    package init() {}

    package mutating func doubted() { count += 1 }
    package mutating func answered() { count = 0 }

    package var isDown: Bool { count >= Self.limit }

    package func itemsMax(_ batcher: Batcher) -> Int {
        count == 0 ? batcher.itemsMax : min(batcher.itemsMax, Self.probeItemsMax)
    }
}
