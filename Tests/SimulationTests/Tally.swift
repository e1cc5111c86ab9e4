import ConnectorKit
import StateStore
import Synchronization

/// What may come about in a history beside that rows are sent.
enum Happening: String, Sendable, CaseIterable {
    // To the process and its disk.
    case killedBeforeAStep, killedInAWrite, killedAtARequest, powerCut, diskFull
    case cancelled, secondRunnerRefused, clockJumped
    // To requests.
    case rateLimited, failedBefore, answerLost, unauthorized, tooLarge, pardoned
    // To the source.
    case sourceBroke, sourceWasSlow, columnsChanged, rowsCameMeanwhile
    // To the sync.
    case definitionChanged, accountChanged, planSent, planRefused, reset, confirmed, askedToResend
    // By the engine's own judgement.
    case refusedForDamage, wentOnAfterDamage
    case stoppedByInvalid, stoppedByEmptyScan, stoppedByRemoved
    case goneOnWith, scannedRecentRows, carried, held, removed, wasInDoubt
}

/// How often each thing came about in some histories: a fault that is not met any more proves nothing, and says nothing.
final class Tally: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(_ happening: Happening, if isTrue: Bool = true) {
        if isTrue { add([happening.rawValue]) }
    }

    /// The durable steps that a start reached.
    func add(_ steps: [StepName]) { add(steps.map(\.rawValue)) }

    func add(_ names: [String]) {
        counts.withLock { counts in
            for name in names { counts[name, default: 0] += 1 }
        }
    }

    func add(_ other: Tally) {
        let more = other.counts.withLock { $0 }
        counts.withLock { $0.merge(more, uniquingKeysWith: +) }
    }

    /// What was met too seldom to rely on it.
    func missing(_ wanted: Set<String>) -> [String] {
        let now = counts.withLock { $0 }
        return wanted.sorted().filter { now[$0, default: 0] < Self.countMin }
            .map { "\($0) was met \(now[$0, default: 0]) times" }
    }

    /// Seeds are fixed, so no count flickers; a new draw may move it by some. The rarest is met twice.
    static let countMin = 2

    /// For whoever replays.
    var sentences: [String] { counts.withLock { $0.map { "\($0): \($1)" }.sorted() } }
}

/// What histories have to come upon.
enum Wanted {
    /// Of all histories of a behavior together.
    static func of(_ behavior: Behavior) -> Set<String> {
        var happenings = Set(Happening.allCases).subtracting([.refusedForDamage, .wentOnAfterDamage])
        // Notices are told by the service, which no history runs.
        var steps = Set(StepName.allCases).subtracting([.noticeNoted])
        if behavior != .mirror {
            happenings.subtract([.stoppedByRemoved, .stoppedByEmptyScan])
            steps.subtract([.keysLogged, .keysWritten, .keysRenamed])
        }
        if behavior != .mirror && behavior != .delete { happenings.remove(.removed) }
        if behavior != .updateOrCreate { happenings.remove(.accountChanged) }
        if behavior != .send { happenings.subtract([.wasInDoubt, .confirmed, .askedToResend]) }
        if behavior == .delete {
            // The account refuses no removal, each goes by itself, and what is not mapped can neither be cast nor mapped
            // otherwise.
            happenings.subtract([.carried, .held, .definitionChanged, .stoppedByInvalid, .tooLarge])
            steps.subtract([.carriedRenamed, .pendingWritten, .pendingRenamed, .closedNoted])
        }
        return Set(happenings.map(\.rawValue)).union(steps.map(\.rawValue))
    }
}

extension Wanted {
    /// Of all histories of accounts together.
    static let ofAccounts: Set<String> = [
        Happening.killedBeforeAStep.rawValue, Happening.killedInAWrite.rawValue, Happening.diskFull.rawValue,
        "connection_lost", "rate_limited", "server_error", "unauthorized", "unreadable_answer",
    ]
}

/// Adds up the parts of a suite, which run side by side.
final class Tallies: Sendable {
    static let shared = Tallies()

    private let sums = Mutex<[String: Sum]>([:])

    private struct Sum {
        var parts = 0
        let tally = Tally()
    }

    /// The sum of all, to whoever hands in the last part.
    func hand(in tally: Tally, of suite: String, parts: Int) -> Tally? {
        sums.withLock { sums in
            var sum = sums[suite] ?? Sum()
            sum.tally.add(tally)
            sum.parts += 1
            sums[suite] = sum
            return sum.parts == parts ? sum.tally : nil
        }
    }
}
