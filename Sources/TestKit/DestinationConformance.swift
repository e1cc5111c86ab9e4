public import ConnectorKit
public import Records

/// Proves the rules written above `Destination` for one connector and one of its objects.
///
/// Give it a way to connect to a destination that works, batches whose fate is known, and two ways to look at the
/// destination from outside; then expect `violations()` to be empty. Each violation is a sentence.
public struct DestinationConformance: Sendable {
    public typealias Connect = @Sendable (DestinationContext) throws -> any Destination

    public var connect: Connect
    /// The same connector with an address where nothing listens.
    public var connectToNothing: Connect
    public var object: DestinationObject
    /// Two operations or more that are all accepted.
    public var good: OperationBatch
    /// Operations of which those at `refused` are refused and the rest accepted.
    public var mixed: OperationBatch
    public var refused: Set<Int>
    /// Texts that must appear nowhere: the credentials.
    public var secrets: [String]
    /// What the destination holds, as a text that is equal as long as nothing was changed.
    public var stateOfData: @Sendable () async throws -> String
    /// How many requests have reached the destination, counted there.
    public var requestsReceived: @Sendable () async throws -> Int

    public init(
        connect: @escaping Connect, connectToNothing: @escaping Connect, object: DestinationObject,
        good: OperationBatch, mixed: (batch: OperationBatch, refused: Set<Int>), watch: DestinationWatch
    ) {
        self.connect = connect
        self.connectToNothing = connectToNothing
        self.object = object
        self.good = good
        self.mixed = mixed.batch
        refused = mixed.refused
        secrets = watch.secrets
        stateOfData = watch.stateOfData
        requestsReceived = watch.requestsReceived
    }

    /// Every broken rule as a sentence; empty for a destination that keeps them all.
    public func violations() async -> [String] {
        guard good.count >= 2, !refused.isEmpty, refused.count < mixed.count else {
            return ["the suite needs two good operations, and a mixed batch with a refused and a good one"]
        }
        var found: [String] = []
        found += await rule("check", checkViolations)
        found += await rule("write", writeViolations)
        found += await rule("repeat", repeatViolations)
        found += await rule("partial success", mixedViolations)
        found += await rule("empty batch", emptyViolations)
        found += await rule("no connection") { _, _ in try await unreachableViolations() }
        found += await rule("no permit") { _, _ in try await permitViolations() }
        return found
    }

    /// Runs one rule on a fresh connection and adds what every rule asks for: a permit and an exchange for each
    /// request that arrived, and no secret in any of them.
    private func rule(
        _ name: String, _ body: (any Destination, ContextWatch) async throws -> [String]
    ) async -> [String] {
        do {
            let watch = ContextWatch()
            let destination = try connect(watch.context)
            let before = try await requestsReceived()
            var found = try await body(destination, watch)
            let requests = try await requestsReceived() - before
            if watch.permits != requests { found.append("\(requests) requests took \(watch.permits) permits") }
            if watch.exchanges.count != requests {
                found.append("\(requests) requests were reported as \(watch.exchanges.count) exchanges")
            }
            found += watch.exchanges.flatMap(exchangeViolations)
            found += leaks(in: "\(destination)", of: "the description of the destination")
            found += leaks(in: dumped(destination), of: "the mirror of the destination")
            return found.map { "\(name): \($0)" }
        } catch {
            return ["\(name): threw \(error)"]
        }
    }

    // MARK: The rules

    private func checkViolations(_ destination: any Destination, _ watch: ContextWatch) async throws -> [String] {
        let before = try await stateOfData()
        let report = await destination.check()
        var found: [String] = []
        if try await stateOfData() != before { found.append("changes what the destination holds") }
        if !report.isOK { found.append("fails on a destination that works: \(report.steps)") }
        if report.steps.isEmpty { found.append("has no step") }
        if watch.exchanges.contains(where: \.isWrite) { found.append("sends a write") }
        found += report.warnings.flatMap(reasonViolations)
        found += leaks(in: "\(report)", of: "the report")
        return found
    }

    private func writeViolations(_ destination: any Destination, _ watch: ContextWatch) async throws -> [String] {
        let outcome = try await destination.write(good, to: object)
        var found = accepted(outcome)
        if watch.exchanges.isEmpty { found.append("reports no exchange") }
        if watch.exchanges.contains(where: { !$0.isWrite }) { found.append("reports its write as a read") }
        return found
    }

    private func repeatViolations(_ destination: any Destination, _ watch: ContextWatch) async throws -> [String] {
        guard object.repeatable == .byKey else { return [] }
        _ = try await destination.write(good, to: object)
        let before = try await stateOfData()
        let outcome = try await destination.write(good, to: object)
        var found = accepted(outcome)
        if try await stateOfData() != before { found.append("the same write once more changes the destination") }
        if case .attributed(_, let tally) = outcome, tally.created > 0 { found.append("creates records again") }
        return found
    }

    private func mixedViolations(_ destination: any Destination, _ watch: ContextWatch) async throws -> [String] {
        switch try await destination.write(mixed, to: object) {
        case .attributed(let outcomes, _):
            guard outcomes.count == mixed.count else {
                return ["\(mixed.count) operations came to \(outcomes.count) outcomes"]
            }
            return outcomes.indices.flatMap { index -> [String] in
                switch outcomes[index] {
                case .accepted: refused.contains(index) ? ["operation \(index) is refused but told as accepted"] : []
                case .rejected(let reason):
                    (refused.contains(index) ? [] : ["operation \(index) is accepted but told as rejected"])
                        + reasonViolations(reason)
                case .undelivered, .inDoubt: ["operation \(index) has an answer but is told as without one"]
                }
            }
        case .unattributed(let failed, let reason, _):
            return ((1...mixed.count).contains(failed) ? [] : ["\(failed) of \(mixed.count) operations failed"])
                + reasonViolations(reason)
        }
    }

    private func emptyViolations(_ destination: any Destination, _ watch: ContextWatch) async throws -> [String] {
        let nothing = OperationBatch(kind: good.kind, keyField: good.keyField)
        guard case .attributed(let outcomes, _) = try await destination.write(nothing, to: object), outcomes.isEmpty
        else { return ["has outcomes without operations"] }
        return []
    }

    private func unreachableViolations() async throws -> [String] {
        let watch = ContextWatch()
        let destination = try connectToNothing(watch.context)
        var found: [String] = []
        do {
            _ = try await destination.write(good, to: object)
            found.append("the write succeeds")
        } catch {
            if !error.isKnownUnsent { found.append("does not know that nothing was sent") }
            if case .retry = error.disposition {} else { found.append("is not worth another try") }
            found += reasonViolations(error.reason)
        }
        if watch.permits != 1 { found.append("tried \(watch.permits) times") }
        if watch.exchanges.count != 1 || watch.exchanges.first?.status != nil || watch.exchanges.first?.error == nil {
            found.append("is not reported as one exchange without an answer")
        }
        let report = await destination.check()
        if report.isOK { found.append("check passes") }
        return found + leaks(in: "\(report)", of: "the report") + watch.exchanges.flatMap(exchangeViolations)
    }

    private func permitViolations() async throws -> [String] {
        let watch = ContextWatch(refusesPermits: true)
        let destination = try connect(watch.context)
        do {
            _ = try await destination.write(good, to: object)
            return ["writes without a permit"]
        } catch {
            return error.isKnownUnsent ? [] : ["does not know that nothing was sent"]
        }
    }

    // MARK: What holds everywhere

    private func accepted(_ outcome: BatchOutcome) -> [String] {
        guard case .attributed(let outcomes, let tally) = outcome else { return ["good operations: \(outcome)"] }
        var found: [String] = []
        if outcomes.count != good.count { found.append("\(good.count) operations, \(outcomes.count) outcomes") }
        if outcomes.contains(where: { $0 != .accepted }) { found.append("good operations are not accepted") }
        if tally.created + tally.updated > good.count { found.append("counts more than was sent") }
        return found
    }

    private func reasonViolations(_ reason: Reason) -> [String] {
        let isCode = !reason.code.isEmpty && reason.code.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }
        return (isCode ? [] : ["the code \"\(reason.code)\" is not snake_case"])
            + (reason.message.isEmpty ? ["\(reason.code) has no message"] : [])
            + (reason.hint.isEmpty ? ["\(reason.code) has no hint"] : [])
            + leaks(in: "\(reason)", of: reason.code)
    }

    private func exchangeViolations(_ exchange: Exchange) -> [String] {
        var found = leaks(in: "\(exchange)", of: "an exchange")
        if exchange.requestBody.utf8.count > Exchange.bodyBytesMax
            || exchange.responseBody.utf8.count > Exchange.bodyBytesMax
        {
            found.append("an exchange keeps more than \(Exchange.bodyBytesMax) bytes of a body")
        }
        return found
    }

    private func leaks(in text: String, of place: String) -> [String] {
        secrets.contains { text.contains($0) } ? ["\(place) contains a secret"] : []
    }

    private func dumped(_ value: Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }
}

/// What the destination conformance suite looks at from outside.
public struct DestinationWatch: Sendable {
    public var secrets: [String]
    public var stateOfData: @Sendable () async throws -> String
    public var requestsReceived: @Sendable () async throws -> Int

    public init(
        secrets: [String], stateOfData: @escaping @Sendable () async throws -> String,
        requestsReceived: @escaping @Sendable () async throws -> Int
    ) {
        self.secrets = secrets
        self.stateOfData = stateOfData
        self.requestsReceived = requestsReceived
    }
}
