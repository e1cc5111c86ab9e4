/// Where one row ended.
enum RowResult {
    case created(UInt32, Draft)
    case updated(UInt32, Draft)
    case unchanged
    /// Ignored without a word.
    case dropped
    case failed(RowFailure, isMatched: Bool)
}

/// Refuses a row by a rule of the user's; nil lets it pass.
typealias RowRefusal = (Draft, StoreState) -> RowFailure?

/// Writes rows of one model, one after the other, all or nothing for each.
struct RowWriter {
    let model: SandboxModel
    private let rules: ModelRules
    private let maker: DraftMaker
    private let references: References
    private let now: Int64
    private let refuse: RowRefusal?
    private var slots: [Int32] = []
    /// Records that this payload has touched: a second row for one of them is a duplicate.
    private var touched: Set<UInt32> = []
    /// Whether a second row for one record came.
    private(set) var hasRepeats = false

    /// - Parameter now: microseconds since 1970.
    init(_ model: SandboxModel, _ switches: SandboxSwitches, now: Int64, refuse: RowRefusal?) {
        self.model = model
        self.now = now
        self.refuse = refuse
        rules = model.rules
        maker = DraftMaker(model, switches)
        references = References(model)
    }

    /// - Parameter target: the record to write to, where the path names it; else the row's keys say.
    /// - Parameter createsOnly: a row that matches a record is then a clash of keys.
    mutating func write(
        _ row: Payload.Row,
        of payload: Payload,
        to target: UInt32? = nil,
        createsOnly: Bool = false,
        in state: inout StoreState
    ) -> RowResult {
        var isMatched = target != nil
        do throws(RowFailure) {
            slots.append(contentsOf: repeatElement(0, count: max(0, state.names.names.count - slots.count)))
            var draft = try maker.draft(row, of: payload, in: state, slots: &slots)
            guard try references.resolve(&draft, state) else { return .dropped }
            let match = target.map { KeyMatch.record($0, by: .id) } ?? KeyMatch.find(draft, model, rules, state)
            if case .record(let number, let key) = match {
                isMatched = true
                if createsOnly { throw .duplicated([key], rules) }
                if !touched.insert(number).inserted {
                    hasRepeats = true
                    if state.switches.repeats != .apply { throw .duplicated([key], rules) }
                }
                if let failure = refuse?(draft, state) { throw failure }
                return try update(number, draft, &state)
            }
            if case .unknownID = match, state.switches.unknownID != .create {
                if state.switches.unknownID == .ignore { return .unchanged }
                throw RowFailure("_id does not exist", keys: [.id])
            }
            if let failure = refuse?(draft, state) { throw failure }
            return try create(draft, &state)
        } catch {
            return .failed(error, isMatched: isMatched)
        }
    }

    private mutating func create(_ sent: Draft, _ state: inout StoreState) throws(RowFailure) -> RowResult {
        var draft = sent
        if model == .lineItems { fill(&draft, state) }
        for property in rules.required where draft.key(property) == nil { throw .required(rules.sent(property)) }
        try RowChecks.check(model, EffectiveRow(draft: draft, record: nil))
        guard let company = try company(of: draft, state) else { return .dropped }
        let clashes = KeyMatch.clashes(draft, company: company, number: nil, model, state)
        guard clashes.isEmpty else { throw .duplicated(clashes, rules) }
        if model == .conversations, draft.field(.type) == nil { draft.set(.type, ArraySlice("\"note\"".utf8)) }
        if model == .tickets { addSender(&draft, company, &state) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(draft.fields.reduce(0) { $0 + 6 + ($1.value?.count ?? 0) })
        for field in draft.fields {
            if let value = field.value { StoredRecord.append(field.name, value, to: &bytes) }
        }
        var record = StoredRecord(fields: bytes, createdAt: draft.createdAt ?? now)
        record.updatedAt = draft.updatedAt ?? now
        record.company = company
        let number = state.insert(record, model)
        touched.insert(number)
        return .created(number, draft)
    }

    /// The company of a new record, its number plus one, 0 for none; nil where the row is dropped without a word.
    private func company(of draft: Draft, _ state: StoreState) throws(RowFailure) -> UInt32? {
        if let company = draft.company, company > 0 { return company }
        if let company = draft.likelyCompany, company > 0 { return company }
        guard rules.needsCompany, let property = rules.company else { return 0 }
        if model == .endusers {
            if let company = draft.key(.email).flatMap({ state.company(ofEmail: $0) }) { return company }
            if state.switches.noCompany == .drop { return nil }
        }
        throw .required(property)
    }

    private mutating func update(
        _ number: UInt32,
        _ sent: Draft,
        _ state: inout StoreState
    ) throws(RowFailure) -> RowResult {
        guard var record = state[model][number] else { return .unchanged }
        var draft = sent
        if draft.company == 0, rules.needsCompany, let property = rules.company { throw .required(property) }
        for property in rules.required where draft.clears(property) { throw .required(rules.sent(property)) }
        try RowChecks.check(model, EffectiveRow(draft: draft, record: record))
        let company = draft.company ?? record.company
        let changesKeys = draft.fields.contains { ModelTable.isKey($0.name) }
        if changesKeys || company != record.company {
            let clashes = KeyMatch.clashes(draft, company: company, number: number, model, state)
            guard clashes.isEmpty else { throw .duplicated(clashes, rules) }
        }
        if model == .tickets { addSender(&draft, company, &state) }
        let merged = merge(record, draft, state)
        let hasNewTime =
            draft.createdAt.map { $0 != record.createdAt } ?? false
            || draft.updatedAt.map { $0 != record.updatedAt } ?? false
        guard merged != nil || company != record.company || hasNewTime else { return .unchanged }
        record.company = company
        record.createdAt = draft.createdAt ?? record.createdAt
        record.replace(fields: merged ?? record.fields, at: draft.updatedAt ?? now)
        state.replace(number, record, model, changesKeys: changesKeys)
        return .updated(number, draft)
    }

    /// Links the ticket to the end user who sent it, who is made where there is none.
    private func addSender(_ draft: inout Draft, _ company: UInt32, _ state: inout StoreState) {
        guard let email = draft.key(.email) else { return }
        var person = state.person(email, company: company)
        if person == nil, state.switches.unknownSender == .create {
            var bytes: [UInt8] = []
            for property in [Property.email, .name] {
                if let value = draft.field(property)?.value {
                    StoredRecord.append(property.rawValue, value, to: &bytes)
                }
            }
            var record = StoredRecord(fields: bytes, createdAt: now)
            record.company = company
            person = state.insert(record, .endusers)
        }
        if let person { draft.set(.endusers, References.people(.endusers, person, isOwner: false, state)) }
    }

    /// What the product says of a new line item counts where the row is silent.
    private func fill(_ draft: inout Draft, _ state: StoreState) {
        guard let id = draft.key(.productId), let number = state[.products].number(id: id),
            let product = state[.products][number]
        else { return }
        for property in [
            Property.name, .type, .mrr, .value, .currency, .fixedPeriod, .autoRenews, .length, .renewalMrr,
            .renewalPeriod, .noticePeriod, .noticeUnit,
        ] where draft.field(property) == nil {
            if let value = product.value(property) { draft.set(property, value) }
        }
    }

    /// The record's fields with the draft's laid over them; nil where nothing differs.
    private mutating func merge(_ record: StoredRecord, _ draft: Draft, _ state: StoreState) -> [UInt8]? {
        for (index, field) in draft.fields.enumerated() { slots[Int(field.name)] = Int32(index + 1) }
        defer { for field in draft.fields { slots[Int(field.name)] = 0 } }
        let replacesCustom = draft.hasCustom && state.switches.custom == .replace
        var bytes: [UInt8] = []
        bytes.reserveCapacity(record.fields.count + 64)
        var isChanged = false
        record.forEachField { name, old in
            let slot = Int(slots[Int(name)])
            guard slot > 0 else {
                if replacesCustom, state.names.names[Int(name)].isCustom {
                    isChanged = true
                } else {
                    StoredRecord.append(name, old, to: &bytes)
                }
                return
            }
            slots[Int(name)] = -1
            guard let new = draft.fields[slot - 1].value else {
                isChanged = true
                return
            }
            let isSame = JSONText.isEqual(old, new)
            isChanged = isChanged || !isSame
            StoredRecord.append(name, isSame ? old : new, to: &bytes)
        }
        for field in draft.fields where slots[Int(field.name)] > 0 {
            guard let value = field.value else { continue }
            isChanged = true
            StoredRecord.append(field.name, value, to: &bytes)
        }
        return isChanged ? bytes : nil
    }
}
