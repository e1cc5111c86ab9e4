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
    private let maker: DraftMaker
    private let now: Int64
    private let refuse: RowRefusal?
    private var slots: [Int32] = []
    /// Records that this payload has touched: a second row for one of them is a duplicate.
    private var touched: Set<UInt32> = []

    /// - Parameter now: microseconds since 1970.
    init(_ model: SandboxModel, now: Int64, refuse: RowRefusal?) {
        self.model = model
        self.now = now
        self.refuse = refuse
        maker = DraftMaker(model)
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
            try resolveCompany(&draft, state)
            let match = target.map { KeyMatch.record($0, by: .id) } ?? KeyMatch.find(draft, model, state)
            if case .record(let number, let key) = match {
                isMatched = true
                if createsOnly { throw .duplicated([key]) }
                guard touched.insert(number).inserted else { throw .duplicated([key]) }
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

    private func resolveCompany(_ draft: inout Draft, _ state: StoreState) throws(RowFailure) {
        guard model == .endusers, let index = draft.fields.firstIndex(where: { $0.name == Property.companyId.rawValue })
        else { return }
        let field = draft.fields.remove(at: index)
        guard let value = field.value, value.count > 2 else {
            draft.company = 0
            return
        }
        guard let number = state.company(JSONText.inner(value)) else {
            throw RowFailure("companyId \(JSONText.plain(value)) does not exist", keys: [.companyId])
        }
        draft.company = number + 1
    }

    private mutating func create(_ draft: Draft, _ state: inout StoreState) throws(RowFailure) -> RowResult {
        for property in model.required where draft.key(property) == nil {
            throw RowFailure("\(property.text) is required", keys: [property])
        }
        var company = draft.company ?? 0
        if model == .endusers {
            guard model.keyables.contains(where: { draft.key($0) != nil }) else {
                throw RowFailure("one of email, externalId, sourceId is required", keys: model.keyables)
            }
            if company == 0 { company = companyByDomain(draft, state) }
            if company == 0 {
                if state.switches.noCompany == .drop { return .dropped }
                throw RowFailure("companyId is required", keys: [.companyId])
            }
        }
        let clashes = KeyMatch.clashes(draft, company: company, number: nil, model, state)
        guard clashes.isEmpty else { throw .duplicated(clashes) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(draft.fields.reduce(0) { $0 + 6 + ($1.value?.count ?? 0) })
        for field in draft.fields {
            if let value = field.value { StoredRecord.append(field.name, value, to: &bytes) }
        }
        var record = StoredRecord(fields: bytes, createdAt: now)
        record.company = company
        let number = state.insert(record, model)
        touched.insert(number)
        return .created(number, draft)
    }

    /// The one company that claims the email's domain; 0 where none or several do.
    private func companyByDomain(_ draft: Draft, _ state: StoreState) -> UInt32 {
        guard let email = draft.key(.email), let at = email.lastIndex(of: UInt8(ascii: "@")) else { return 0 }
        let found = state[.companies].records(.domains, email[(at + 1)...])
        return found.count == 1 ? found[0] + 1 : 0
    }

    private mutating func update(
        _ number: UInt32,
        _ draft: Draft,
        _ state: inout StoreState
    ) throws(RowFailure) -> RowResult {
        guard var record = state[model][number] else { return .unchanged }
        if draft.company == 0 { throw RowFailure("companyId is required", keys: [.companyId]) }
        for property in model.required where draft.clears(property) {
            throw RowFailure("\(property.text) is required", keys: [property])
        }
        let company = draft.company ?? record.company
        let changesKeys = draft.fields.contains { ModelTable.isKey($0.name) }
        if changesKeys || company != record.company {
            let clashes = KeyMatch.clashes(draft, company: company, number: number, model, state)
            guard clashes.isEmpty else { throw .duplicated(clashes) }
        }
        let merged = merge(record, draft, state)
        guard merged != nil || company != record.company else { return .unchanged }
        record.company = company
        record.replace(fields: merged ?? record.fields, at: now)
        state.replace(number, record, model, changesKeys: changesKeys)
        return .updated(number, draft)
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
