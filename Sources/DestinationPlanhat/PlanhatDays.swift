internal import ConnectorKit
internal import Records
internal import Synchronization

/// In which form an account takes its custom fields of type day: as dates, which is tried first, or as days since
/// 1970-01-01. No page of Planhat says it.
final class DayForm: Sendable {
    /// So often rows that were refused with dates are tried with numbers: the refusal may have another cause.
    private static let triesMax = 3

    private struct State {
        /// The days among an object's custom fields, without `custom.`.
        var names: [String: Set<String>] = [:]
        var areNumbers = false
        var triesLeft = triesMax
    }

    private let state = Mutex(State())

    /// Takes in what the account's own fields of an object are.
    func learn(_ fields: some Sequence<DestinationField>, of object: DestinationObject) {
        let days = fields.filter { $0.type == .date && $0.isWritable && $0.name.hasPrefix(Self.prefix) }
        let names = Set(days.map { String($0.name.dropFirst(Self.prefix.count)) })
        state.withLock { $0.names[object.name] = names }
    }

    private static let prefix = "custom."

    func names(of object: DestinationObject) -> Set<String> { state.withLock { $0.names[object.name] ?? [] } }

    var areNumbers: Bool { state.withLock { $0.areNumbers } }

    /// Whether the account's form is still to be found out.
    var isOpen: Bool { state.withLock { !$0.areNumbers && $0.triesLeft > 0 } }

    /// Whether a refusal may be one of the form; counts the try.
    func takeTry() -> Bool {
        state.withLock { state in
            guard !state.areNumbers, state.triesLeft > 0 else { return false }
            state.triesLeft -= 1
            return true
        }
    }

    /// The try came to nothing.
    func giveBackTry() { state.withLock { $0.triesLeft += 1 } }

    /// Dates were taken: there is nothing to try any more.
    func takesDates() { state.withLock { $0.triesLeft = 0 } }

    func takesNumbers() { state.withLock { $0.areNumbers = true } }
}

extension PlanhatDestination {
    /// Writes custom days as the account takes them. Until that is known, rows with a day that are refused are written once
    /// more with the day's number.
    func upsertInDayForm(
        _ batch: OperationBatch, to object: DestinationObject
    ) async throws(DestinationError) -> BatchOutcome {
        let names = days.names(of: object)
        guard !names.isEmpty else { return try await upsert(batch, to: object) }
        if days.areNumbers { return try await upsert(DayNumbers.written(batch, names), to: object) }
        let outcome = try await upsert(batch, to: object)
        guard days.isOpen else { return outcome }
        let refused = refused(outcome, batch, names)
        guard !refused.isEmpty, days.takeTry() else { return outcome }
        var rows = batch
        rows.entries = refused.map { batch.entries[$0] }
        let second: BatchOutcome
        do throws(DestinationError) {
            second = try await upsert(DayNumbers.written(rows, names), to: object)
        } catch {
            // The first request was answered, and its rows are not unsent: what it refused comes again with the next run.
            guard error.isKnownUnsent else { throw error }
            days.giveBackTry()
            return outcome
        }
        guard second.hasAccepted(of: refused.count) else { return outcome }
        days.takesNumbers()
        return outcome.replacing(refused, with: second, count: batch.count)
    }

    /// The refused rows that have a day; none where one with a day was taken, or where nobody knows which were refused.
    private func refused(_ outcome: BatchOutcome, _ batch: OperationBatch, _ names: Set<String>) -> [Int] {
        func hasDay(_ row: Int) -> Bool { DayNumbers.written(batch.payload(row), names) != nil }
        switch outcome {
        case .unattributed(let failed, _, _):
            return failed == batch.count && (0..<batch.count).contains(where: hasDay) ? Array(0..<batch.count) : []
        case .attributed(let outcomes, _):
            // Most batches are accepted whole, and their payloads are not read for this: one row tells of the mapping.
            guard outcomes.contains(where: { $0 != .accepted }) else {
                if hasDay(0) { days.takesDates() }
                return []
            }
            var refused: [Int] = []
            var isTaken = false
            for row in outcomes.indices where !isTaken {
                if outcomes[row] == .accepted { isTaken = hasDay(row) } else if hasDay(row) { refused.append(row) }
            }
            if isTaken { days.takesDates() }
            return isTaken ? [] : refused
        }
    }
}

/// Turns dates into days since 1970-01-01 in the bytes of payloads.
enum DayNumbers {
    static func written(_ batch: OperationBatch, _ names: Set<String>) -> OperationBatch {
        var written = OperationBatch(kind: batch.kind, keyField: batch.keyField)
        written.wantsIDs = batch.wantsIDs
        for row in 0..<batch.count {
            let entry = batch.entries[row]
            let payload = Self.written(batch.payload(row), names) ?? batch.payload(row)
            written.append(
                key: batch.keyText(row), payload: String(decoding: payload, as: UTF8.self), keyHash: entry.keyHash,
                rowHash: entry.rowHash)
            written.entries[row].sequence = entry.sequence
        }
        return written
    }

    /// The payload with numbers in place of the dates of these custom fields; nil where it has none.
    static func written(_ payload: [UInt8], _ names: Set<String>) -> [UInt8]? {
        var found: [(place: Range<Int>, day: Int64)] = []
        var reader = JSONReader(payload)
        do {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                guard name == "custom", reader.peek() == UInt8(ascii: "{") else { return try reader.skipValue() }
                try reader.eachMember { (name, reader) throws(JSONFault) in
                    guard reader.peek() == UInt8(ascii: "\""), names.contains(name) else {
                        return try reader.skipValue()
                    }
                    let start = reader.position
                    if let day = day(try reader.string()) { found.append((start..<reader.position, day)) }
                }
            }
        } catch {
            return nil
        }
        guard !found.isEmpty else { return nil }
        var bytes = payload
        for (place, day) in found.reversed() { bytes.replaceSubrange(place, with: Array(String(day).utf8)) }
        return bytes
    }

    /// Of `2026-01-31`.
    private static func day(_ text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.count) == [4, 2, 2], let year = Int64(parts[0]),
            let month = Int64(parts[1]), let day = Int64(parts[2])
        else { return nil }
        let days = Calendar.days(year: year, month: month, day: day)
        return Calendar.civil(days) == (year, month, day) ? days : nil
    }
}

extension OperationBatch {
    fileprivate func payload(_ row: Int) -> [UInt8] { bytes[entries[row].payload] }
}

extension BatchOutcome {
    fileprivate func hasAccepted(of count: Int) -> Bool {
        switch self {
        case .attributed(let outcomes, _): outcomes.contains(.accepted)
        case .unattributed(let failed, _, _): failed < count
        }
    }

    /// With what became of some rows that were written once more.
    fileprivate func replacing(_ rows: [Int], with second: BatchOutcome, count: Int) -> BatchOutcome {
        guard case .attributed(var outcomes, var tally) = self else { return second }
        switch second {
        case .unattributed(let failed, let reason, let more):
            tally.created += more.created
            tally.updated += more.updated
            let others = outcomes.indices.filter { !rows.contains($0) && outcomes[$0] != .accepted }.count
            return .unattributed(failed: failed + others, reason: reason, tally)
        case .attributed(let again, let more):
            tally.created += more.created
            tally.updated += more.updated
            for (place, row) in rows.enumerated() {
                outcomes[row] = again[place]
                if tally.ids.count == count, more.ids.count == rows.count { tally.ids[row] = more.ids[place] }
            }
            return .attributed(outcomes, tally)
        }
    }
}
