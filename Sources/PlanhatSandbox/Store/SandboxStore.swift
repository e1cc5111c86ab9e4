internal import Records
internal import Synchronization

/// What the sandbox keeps, safe to look into from any task while it serves. Every call sees, or leaves, a whole state.
package final class SandboxStore: Sendable {
    private let state: Mutex<StoreState>
    let switches: SandboxSwitches
    /// Microseconds since 1970.
    let clock: @Sendable () -> Int64

    init(switches: SandboxSwitches, clock: @escaping @Sendable () -> Int64) {
        var state = StoreState(switches: switches)
        SeedData.fill(&state, now: clock())
        self.state = Mutex(state)
        self.switches = switches
        self.clock = clock
    }

    /// A copy of everything; costs nothing until the next write.
    func snapshot() -> StoreState { state.withLock { $0 } }

    func replace(with other: StoreState) { state.withLock { $0 = other } }

    /// Forgets all records and totals, and puts the seed data back.
    package func reset() {
        state.withLock { state in
            let revision = state.revision
            state = StoreState(switches: state.switches)
            SeedData.fill(&state, now: clock())
            state.revision = revision + 1
        }
    }

    /// Runs `body` on the state; nobody else sees it in between.
    func update<Result>(_ body: (inout StoreState) -> sending Result) -> sending Result { state.withLock { body(&$0) } }

    /// How many records a model (by its path, such as "companies") has.
    package func count(of model: String) -> Int {
        SandboxModel.named(model).map { model in state.withLock { $0.count(of: model) } } ?? 0
    }

    /// A record as JSON, with only what was written to it; `id` is an `_id`, `extid-…` or `srcid-…`.
    package func record(_ model: String, _ id: String) -> String? {
        guard let model = SandboxModel.named(model) else { return nil }
        let state = snapshot()
        guard let number = state.find(JSONText.inner(of: id), model), let record = state[model][number] else {
            return nil
        }
        var out = JSONWriter()
        RecordWriter(model, .bare, state).write(Int(number), record, to: &out)
        return out.text
    }

    /// What happened to the rows of a model since the start or the last reset.
    package func totals(of model: String) -> RowTotals {
        SandboxModel.named(model).map { model in state.withLock { $0.totals[model.rawValue] } } ?? RowTotals()
    }

    /// What happened to the activities (or else the metrics) that were sent.
    package func events(_ kind: String) -> RowTotals {
        state.withLock { kind == "activities" ? $0.events.activities : $0.events.metrics }
    }

    /// Activities and metrics that came more than once, with how often; the first 1,000.
    package var sentAgain: [String: Int] { state.withLock { $0.events.sentAgain } }

    /// Keys under which a record was created more than once (`companies externalId=17`), with how often; the first
    /// 1,000.
    package var createdAgain: [String: Int] { state.withLock { $0.createdAgain } }
}

// The writes of the API, each one request.
extension SandboxStore {
    /// `PUT /{model}`.
    func upsert(_ model: SandboxModel, _ body: [UInt8], refuse: RowRefusal?) throws(PayloadError) -> WriteAnswer {
        try perform { state throws(PayloadError) in
            // Long ago a ticket could come without an array around it.
            let payload = try Payload.rows(body, &state.names, allowsObject: model == .tickets)
            let before = state.switches.repeats == .refuse ? state : nil
            var writer = RowWriter(model, state.switches, now: clock(), refuse: refuse)
            var upsert = BulkUpsert(model, state.switches)
            var answer = upsert.run(payload, &writer, &state)
            if let before, writer.hasRepeats {
                state = before
                answer = upsert.refused(payload)
            }
            state.add(answer.totals, to: model)
            return answer
        }
    }

    /// `POST /{model}`, and with an id `PUT /{model}/{id}`.
    func write(
        _ model: SandboxModel,
        id: String?,
        _ body: [UInt8],
        refuse: RowRefusal?
    ) throws(PayloadError) -> WriteAnswer {
        try perform { state throws(PayloadError) in
            let payload = try Payload.row(body, &state.names)
            let target = id.map { state.find(JSONText.inner(of: $0), model) }
            if case .some(.none) = target { return WriteAnswer(status: 404, body: Self.message("Not found")) }
            if let number = target ?? nil, Self.namesOther(payload, number, model) {
                return WriteAnswer(status: 400, body: Self.message("_id cannot be changed"))
            }
            let now = clock()
            var writer = RowWriter(model, state.switches, now: now, refuse: refuse)
            let result = writer.write(
                payload.rows[0], of: payload, to: target ?? nil, createsOnly: id == nil, in: &state)
            // A single write moves the time also where it changes nothing.
            if case .unchanged = result, let number = target ?? nil { state.touch(number, model, now: now) }
            let answer = Self.answer(result, target ?? nil, model, state)
            state.add(answer.totals, to: model)
            return answer
        }
    }

    /// `DELETE /{model}/{id}`.
    func delete(_ model: SandboxModel, id: String) -> WriteAnswer {
        update { state in
            let reference = JSONText.inner(of: id)
            let isKey = !RecordID.isForm(reference)
            let isAllowed = !isKey || state.switches.deleteByKey == .allow
            guard isAllowed, let number = state.find(reference, model), let record = state[model][number] else {
                if state.switches.absentDelete == .notFound {
                    return WriteAnswer(status: 404, body: Self.message("Not found"))
                }
                return WriteAnswer(status: 200, body: Array(#"{"n":0,"ok":1,"deletedCount":0}"#.utf8))
            }
            var body = Array(#"{"n":1,"ok":1,"deletedCount":1}"#.utf8)
            if model.rules.answersDeleted {
                var out = JSONWriter()
                RecordWriter(model, .single, state).write(Int(number), record, to: &out)
                body = out.bytes
            }
            state.remove(number, model)
            return WriteAnswer(status: 200, body: body)
        }
    }

    /// `POST /timeentries/duplicate`: copies the entries with these ids, all or none.
    func duplicate(_ body: [UInt8]) throws(PayloadError) -> WriteAnswer {
        let ids: [[UInt8]]
        do {
            ids = try JSONText.member("ids", of: body).map { JSONText.elements($0[...]) } ?? []
        } catch {
            throw .notJSON(error)
        }
        return update { state in
            let numbers = ids.compactMap { state[.timeEntries].number(id: JSONText.inner($0[...])) }
            guard numbers.count == ids.count else { return WriteAnswer(status: 404, body: Self.message("Not found")) }
            let now = clock()
            var made: [UInt32] = []
            for case let record? in numbers.map({ state[.timeEntries][$0] }) {
                var copy = StoredRecord(fields: record.fields, createdAt: now)
                copy.company = record.company
                made.append(state.insert(copy, .timeEntries))
            }
            var out = JSONWriter()
            out.open("[")
            let writer = RecordWriter(.timeEntries, .single, state)
            for number in made {
                if let record = state[.timeEntries][number] { writer.write(Int(number), record, to: &out) }
            }
            out.close("]")
            return WriteAnswer(status: 200, body: out.bytes)
        }
    }

    static func message(_ text: String) -> [UInt8] {
        var out = JSONWriter()
        out.open("{")
        out.member("message", text)
        out.close("}")
        return out.bytes
    }

    private func perform(
        _ body: (inout StoreState) throws(PayloadError) -> WriteAnswer
    ) throws(PayloadError) -> WriteAnswer {
        let result: Result<WriteAnswer, PayloadError> = update { state in
            do throws(PayloadError) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Whether the body of a single call carries the `_id` of another record.
    private static func namesOther(_ payload: Payload, _ number: UInt32, _ model: SandboxModel) -> Bool {
        payload.fields.contains { field in
            field.name == Property.id.rawValue
                && !JSONText.inner(payload.value(field)).elementsEqual(RecordID.text(model, Int(number)))
        }
    }

    private static func answer(
        _ result: RowResult,
        _ target: UInt32?,
        _ model: SandboxModel,
        _ state: StoreState
    ) -> WriteAnswer {
        var totals = RowTotals()
        totals.received = 1
        let number: UInt32?
        switch result {
        case .created(let made, _):
            totals.created = 1
            number = made
        case .updated(let changed, _):
            totals.updated = 1
            number = changed
        case .unchanged:
            totals.unchanged = 1
            number = target
        case .dropped:
            totals.dropped = 1
            return WriteAnswer(status: 200, body: Array("{}".utf8), totals: totals)
        case .failed(let failure, _):
            totals.failed = 1
            return WriteAnswer(
                status: failure.isPermission ? 403 : 400, body: message(failure.message), totals: totals)
        }
        guard let number, let record = state[model][number] else {
            return WriteAnswer(status: 404, body: message("Not found"), totals: totals)
        }
        var out = JSONWriter()
        RecordWriter(model, .single, state).write(Int(number), record, to: &out)
        return WriteAnswer(status: 200, body: out.bytes, totals: totals)
    }
}

extension StoreState {
    /// Counts what insertions and replacements do not count themselves.
    fileprivate mutating func add(_ more: RowTotals, to model: SandboxModel) {
        totals[model.rawValue].received += more.received
        totals[model.rawValue].unchanged += more.unchanged
        totals[model.rawValue].failed += more.failed
        totals[model.rawValue].dropped += more.dropped
    }
}
