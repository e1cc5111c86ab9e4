internal import Foundation
package import Records
internal import StateStore
internal import SyncCore

/// A planned row, after as many as a limit lets be sent, that cannot be sent. Whether it is told as invalid or left for a
/// later run is known once the scan has ended and rows have been struck out; until then it stands in the plan with its
/// reason where others have what is sent. So it costs no memory, however many there are, and a limited run holds them by
/// the plan alone.
package enum SetAsideRow {
    /// What is sent of a row is a JSON object, and begins with a brace.
    private static let mark = UInt8(ascii: "!")

    /// What stands in the plan. Only of as many rows as the history names is the whole reason kept; of later ones their
    /// code is all that is ever told, because all before them are invalid too if they are.
    ///
    /// - Parameter number: how many were set aside before.
    package static func payload(_ reason: Reason, number: Int) throws -> [UInt8] {
        let told = number < OutcomeSink.keptMax ? reason : Reason(code: reason.code, message: "")
        return try [mark] + JSONEncoder().encode(told)
    }

    private static func holdsReason(_ operation: PlannedOperation) -> Bool {
        unsafe isOfARow(operation) && operation.payload.first == mark
    }

    /// Whether the row stands there with its key alone (`LimitReserve`).
    static func isLeftOut(_ operation: PlannedOperation) -> Bool {
        unsafe isOfARow(operation) && operation.payload.isEmpty
    }

    /// Whether the operation is what is sent: neither set aside nor left out.
    static func isSendable(_ operation: PlannedOperation) -> Bool {
        !isLeftOut(operation) && !holdsReason(operation)
    }

    /// Removals have other payloads, or none.
    private static func isOfARow(_ operation: PlannedOperation) -> Bool {
        operation.kind == .upsert || operation.kind == .send
    }

    /// Strikes them out as invalid rows.
    static func judge(_ operation: PlannedOperation) -> Strike? {
        guard holdsReason(operation) else { return nil }
        return Strike(outcome: .invalid, reason: reason(operation))
    }

    private static func reason(_ operation: PlannedOperation) -> Reason {
        do {
            return try JSONDecoder().decode(Reason.self, from: Data(operation.payloadText.utf8.dropFirst()))
        } catch {
            // It was written a moment ago, and the block's checksum was right.
            return Reason(code: "internal_error", message: "The row cannot be sent.", hint: "Run the sync again.")
        }
    }
}
