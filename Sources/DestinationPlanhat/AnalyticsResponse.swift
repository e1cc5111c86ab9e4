package import ConnectorKit
package import Records

/// Turns the answer of the analytics host into what became of each row.
///
/// The host answers nearly everything with 200: mostly an object whose `errors` is not empty where rows were refused,
/// sometimes a bare text, sometimes nothing. A row that is sent again counts twice, so what is not certain is never
/// called refused.
package enum AnalyticsResponse {
    /// Throws where the answer says nothing about any single row.
    package static func outcome(
        of batch: OperationBatch, object: DestinationObject, answer: PlanhatAnswer, address: String
    ) throws(DestinationError) -> BatchOutcome {
        switch answer.status {
        case 200...299:
            return settled(try AnalyticsAnswer(answer, count: batch.count), batch, object)
        case 400, 422:
            return refused(AnalyticsAnswer(refusal: answer, count: batch.count), batch, object, answer)
        default:
            throw AnalyticsErrors.status(answer, address: address)
        }
    }

    private static func settled(
        _ said: AnalyticsAnswer, _ batch: OperationBatch, _ object: DestinationObject
    ) -> BatchOutcome {
        let count = batch.count
        guard !said.errors.isEmpty else { return unrefused(said.processed ?? count, count, object) }
        let found = Refusals(said.errors, batch, object)
        if count == 1 || said.processed == 0 {
            return .attributed((0..<count).map { .rejected(found.byRow[$0] ?? found.general) }, WriteTally())
        }
        // Whether `processed` counts the refused rows too is not documented: either way it must cover the rest.
        if !found.hasNameless, (said.processed ?? count) + found.byRow.count >= count {
            return .attributed(
                (0..<count).map { row in found.byRow[row].map { .rejected($0) } ?? .accepted }, WriteTally())
        }
        let failed = max(found.byRow.count, said.errors.count, count - (said.processed ?? count))
        return .unattributed(failed: min(failed, count), reason: found.general, WriteTally())
    }

    /// No error was given: what `processed` leaves out was dropped.
    private static func unrefused(_ processed: Int, _ count: Int, _ object: DestinationObject) -> BatchOutcome {
        if processed == count { return .attributed(Array(repeating: .accepted, count: count), WriteTally()) }
        if processed == 0 {
            return .attributed(Array(repeating: .rejected(dropped(object)), count: count), WriteTally())
        }
        let reason = Reason(
            code: "dropped_by_destination",
            message: "Planhat says that it processed \(processed) of \(count) rows, and not which.",
            hint: AnalyticsErrors.doubtHint)
        return .unattributed(failed: count - processed, reason: reason, WriteTally())
    }

    /// A 400: one row alone was at fault by itself. Of several it is not documented that none was taken, so only rows
    /// that are named are called refused, and only if all of them are.
    private static func refused(
        _ said: AnalyticsAnswer, _ batch: OperationBatch, _ object: DestinationObject, _ answer: PlanhatAnswer
    ) -> BatchOutcome {
        let count = batch.count
        let found = Refusals(said.errors, batch, object)
        let text = answer.saidText
        let general =
            said.errors.isEmpty
            ? RefusalText.reason(
                .init(
                    list: "",
                    value: .string(text.isEmpty ? "Planhat answered \(answer.status) without a reason." : text)),
                object: object.name)
            : found.general
        guard count == 1 || said.processed == 0 || found.byRow.count == count else {
            return .unattributed(failed: count, reason: general, WriteTally())
        }
        return .attributed((0..<count).map { .rejected(found.byRow[$0] ?? general) }, WriteTally())
    }

    private static func dropped(_ object: DestinationObject) -> Reason {
        let hint =
            AnalyticsEndpoint(object) == .metrics
            ? "Planhat must have a record with that externalId in that model: sync it first."
            : "Planhat ignores an activity of somebody whom it does not know: sync end users first, or map "
                + "companyExternalId."
        return Reason(
            code: "dropped_by_destination", message: "Planhat took the request and processed none of its rows.",
            hint: hint)
    }
}

/// What an answer of the analytics host says.
private struct AnalyticsAnswer {
    var errors: [JSONValue] = []
    /// Nil where it is not said, or cannot be meant for this batch.
    var processed: Int?

    /// A success. Without a body, with a bare text, or with an object that has no `errors`, it is one for every row:
    /// no source shows a refusal in another form, and taking `message` for one would send rows twice. What is cut off,
    /// and a web page that only something in between can have made, says nothing and throws.
    init(_ answer: PlanhatAnswer, count: Int) throws(DestinationError) {
        guard let value = JSONReader.valueIfAny(answer.body) else {
            switch answer.body.first(where: { $0 > 0x20 }) {
            case UInt8(ascii: "{"), UInt8(ascii: "["): throw PlanhatErrors.unreadable(answer, "it is cut off")
            case UInt8(ascii: "<"): throw PlanhatErrors.unreadable(answer, "it is a web page")
            default:
                self.init(.null, count: count)
                return
            }
        }
        self.init(value, count: count)
    }

    /// A refusal, which may be of any form.
    init(refusal answer: PlanhatAnswer, count: Int) {
        self.init(JSONReader.valueIfAny(answer.body) ?? .null, count: count)
    }

    private init(_ value: JSONValue, count: Int) {
        switch value["errors"] {
        case nil, .null?, .boolean(false)?, .string("")?, .number("0")?, .object([])?: errors = []
        case .array(let entries)?: errors = entries.filter { $0 != .null }
        case let other?: errors = [other]
        }
        if case .number(let digits)? = value["processed"], let number = Int(digits), (0...count).contains(number) {
            processed = number
        }
    }
}

/// The reasons of one answer's errors, by row as far as they name one.
private struct Refusals {
    var byRow: [Int: Reason] = [:]
    var hasNameless = false
    /// For rows that no entry names.
    var general = Reason(code: "refused_by_destination", message: "Planhat refused the row and does not say why.")

    init(_ errors: [JSONValue], _ batch: OperationBatch, _ object: DestinationObject) {
        guard !errors.isEmpty else { return }
        let attribution = AnalyticsAttribution(batch)
        var nameless: Reason?
        for entry in errors {
            let reason = RefusalText.reason(.init(list: "errors", value: entry), object: object.name)
            if let row = attribution.row(of: entry) {
                byRow[row] = byRow[row] ?? reason
            } else {
                nameless = nameless ?? reason
            }
        }
        hasNameless = nameless != nil
        general =
            nameless ?? RefusalText.reason(.init(list: "errors", value: errors[0]), object: object.name)
    }
}
