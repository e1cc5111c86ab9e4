public import ConnectorKit
internal import Foundation
public import Records

/// A connection to a simulated account. Keeps the rules of `Destination`.
public struct SimulatedDestination: Destination, Readable, FieldDiscovering, ReadBack {
    public static let objects = [object(batchItemsMax: 5_000), person]

    /// An object that others point to: read, never written here. `SimulatedAccount.people` are its records.
    public static let person = DestinationObject(
        name: "person", displayName: "Person", path: "people", keys: [KeyField("email", ignoresCase: true)],
        behaviors: [.updateOnly], fields: [DestinationField("email", .email)], batchItemsMax: 5_000,
        batchBytesMax: 8 << 20, repeatable: .byKey)

    /// An object with a key, an e-mail as another key, and a field of each kind that a test needs.
    public static func object(
        batchItemsMax: Int, batchBytesMax: Int = 8 << 20, repeatable: Repeatability = .byKey
    ) -> DestinationObject {
        var object = DestinationObject(
            name: "thing", displayName: "Thing", path: "things",
            keys: [KeyField("externalId"), KeyField("email", ignoresCase: true)],
            behaviors: repeatable == .never ? [.send] : Behavior.allCases.filter { $0 != .send },
            fields: [
                DestinationField("name", .text), DestinationField("seats", .integer), DestinationField("day", .date),
                DestinationField("isActive", .boolean), DestinationField("computed", .text, isWritable: false),
            ],
            acceptsUnknownFieldsUnder: "custom", batchItemsMax: batchItemsMax, batchBytesMax: batchBytesMax,
            repeatable: repeatable)
        object.removals = repeatable == .never ? [] : Removal.allCases
        object.archiveField = "archived"
        return object
    }

    private let account: SimulatedAccount
    private let context: DestinationContext
    private let isAlive: @Sendable () -> Bool

    /// - Parameter isAlive: whether the process that asks has not been killed; once it was nothing of it arrives.
    public init(
        _ account: SimulatedAccount, context: DestinationContext = DestinationContext(),
        isAlive: @escaping @Sendable () -> Bool = { true }
    ) {
        self.account = account
        self.context = context
        self.isAlive = isAlive
    }

    public func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        var report = ConnectionReport(address: "memory")
        report.begin("account", told)
        report.end(ConnectionReport.Step(step: "account", isOK: true, message: ""))
        return report
    }

    public func write(
        _ batch: OperationBatch, to object: DestinationObject
    ) async throws(DestinationError) -> BatchOutcome {
        guard batch.count > 0 else { return .attributed([], WriteTally()) }
        try await permit()
        let outcome = await answer(to: batch)
        let bytes = batch.entries.reduce(2) { $0 + $1.payload.count + 1 }
        switch outcome {
        case .success(let answer):
            note("PUT", status: 200, bytes: bytes, error: nil, milliseconds: account.milliseconds(of: batch.count))
            return answer
        case .failure(let error):
            note("PUT", status: Self.status(error), bytes: bytes, error: error.code)
            throw error
        }
    }

    private func answer(to batch: OperationBatch) async -> Result<BatchOutcome, DestinationError> {
        let (number, fault) = await account.arrive(batch)
        switch fault {
        case .none:
            return .success(account.carryOut(batch, first: batch.count, of: number))
        case .rateLimited(let after):
            context.observeLimit(RateLimitNotice(remaining: 0, wait: after, isRefusal: true))
            return .failure(Self.error("rate_limited", .retry(after: after), isKnownUnsent: true))
        case .failedBefore:
            return .failure(Self.error("server_error", .retry(after: nil)))
        case .lostAfter(let records):
            _ = account.carryOut(batch, first: records, of: number)
            return .failure(Self.error("request_timeout", .retry(after: nil)))
        case .unauthorized:
            return .failure(Self.error("unauthorized", .fixConfiguration, isKnownUnsent: true))
        case .tooLarge(let items):
            if batch.count <= items { return .success(account.carryOut(batch, first: batch.count, of: number)) }
            return .failure(Self.error("body_too_large", .stop, isKnownUnsent: true))
        }
    }

    public func readRecords(
        of object: DestinationObject, fields: [String], _ page: ([[String]]) async throws -> Void
    ) async throws {
        try await read(isPaged: true)
        if object.name == Self.person.name {
            return try await page(account.people.map { person in fields.map { person[$0] ?? "" } })
        }
        // The first field that is asked for is the key.
        let keyless = account.keyless.map { name in
            fields.indices.map { $0 == 0 ? "" : fields[$0] == "_id" ? SimulatedAccount.id(of: name) : name }
        }
        if !keyless.isEmpty { try await page(keyless) }
        let records = account.records.sorted { $0.key < $1.key }
        for start in stride(from: 0, to: records.count, by: 100) {
            try await page(
                records[start..<min(start + 100, records.count)].map { record in
                    fields.enumerated().map { Self.text($1, isKey: $0 == 0, of: record) }
                })
        }
    }

    public func read(
        key: String, keyField: String, of object: DestinationObject
    ) async throws(DestinationError) -> String? {
        try await read(isPaged: false)
        if object.name == Self.person.name {
            return account.people.contains { $0[keyField] == key } ? "{}" : nil
        }
        return account.records[key].map { AddressedText.with(SimulatedAccount.id(of: key), $0) }
    }

    /// The key, the id that is made of it, or a text that was written.
    private static func text(_ field: String, isKey: Bool, of record: (key: String, value: String)) -> String {
        if isKey { return record.key }
        if field == "_id" { return SimulatedAccount.id(of: record.key) }
        return AddressedText.member(field, of: record.value)
    }

    public func haveArrived(
        _ batch: OperationBatch, object: DestinationObject
    ) async throws(DestinationError) -> [Bool?] {
        try await read(isPaged: true)
        let events = account.events
        guard account.tellsWhatArrived else { return batch.entries.map { _ in nil } }
        return batch.entries.indices.map { index in
            events[batch.keyText(index)]?.contains(batch.payloadText(index)) == true ? true : nil
        }
    }

    public func discoveredFields(of object: DestinationObject) async throws(DestinationError) -> [DestinationField] {
        try await read(isPaged: false)
        return account.fields
    }

    private func read(isPaged: Bool) async throws(DestinationError) {
        try await permit()
        let error = account.noteRead(isPaged: isPaged)
        note("GET", status: error == nil ? 200 : 500, bytes: 0, error: error?.code)
        if let error { throw error }
    }

    private func permit() async throws(DestinationError) {
        do {
            try await context.permit()
        } catch {
            throw Self.error("cancelled", .stop, isKnownUnsent: true)
        }
        guard isAlive() else { throw Self.error("process_ended", .stop, isKnownUnsent: true) }
    }

    private func note(_ method: String, status: Int?, bytes: Int, error: String?, milliseconds: Int = 1) {
        context.record(
            Exchange(
                method: method, path: "/things", status: status, milliseconds: milliseconds, requestBytes: bytes,
                responseBytes: 2, requestBody: "", responseBody: "{}", error: error, isWrite: method == "PUT"))
    }

    private static func status(_ error: DestinationError) -> Int? {
        switch error.code {
        case "rate_limited": 429
        case "unauthorized": 401
        case "body_too_large": 413
        case "server_error": 500
        default: nil
        }
    }

    private static func error(
        _ code: String, _ disposition: Disposition, isKnownUnsent: Bool = false
    ) -> DestinationError {
        DestinationError(
            code: code, message: "The simulated account answered \(code).", hint: "This is a simulation.",
            disposition: disposition, isKnownUnsent: isKnownUnsent)
    }
}

/// What is read of a payload.
private enum AddressedText {
    /// The JSON object with the id before its members.
    static func with(_ id: String, _ payload: String) -> String {
        guard payload.hasPrefix("{"), !payload.contains("\"_id\"") else { return payload }
        return "{\"_id\":\"\(id)\"" + (payload == "{}" ? "" : ",") + payload.dropFirst()
    }

    /// The text of a member of the object, without regard to nesting; empty where it has none.
    static func member(_ name: String, of payload: String) -> String {
        guard let start = payload.range(of: "\"\(name)\":\"") else { return "" }
        return String(payload[start.upperBound...].prefix { $0 != "\"" })
    }
}
