internal import Records

/// A custom field that the account defines.
struct CustomField: Sendable {
    let type: PropertyType
    let isFormula: Bool
    let isLocked: Bool
}

/// What happened to rows, since the start or the last reset.
package struct RowTotals: Sendable, Equatable {
    package var received = 0
    package var created = 0
    package var updated = 0
    package var unchanged = 0
    package var failed = 0
    /// Dropped without a word: end users that map to no company, tickets without a sender.
    package var dropped = 0
    package var deleted = 0
    /// Creations beyond the first of one key.
    package var createdAgain = 0
    /// Activities or metrics that had come before just so.
    package var sentAgain = 0

    package init() {}
}

/// Everything the sandbox holds. A value: a copy is a snapshot that later writes leave alone.
struct StoreState: Sendable {
    let switches: SandboxSwitches
    var names = NameTable()
    var tables = SandboxModel.allCases.map { ModelTable($0) }
    /// The defined custom fields of each model, by the number of their name.
    var customFields: [[UInt16: CustomField]] = SandboxModel.allCases.map { _ in [:] }
    var totals = SandboxModel.allCases.map { _ in RowTotals() }
    /// Keys under which a record was ever created, and how often those that were created more than once.
    var createdKeys: Set<Hash128> = []
    var createdAgain: [String: Int] = [:]
    /// What came to the analytics API.
    var events = EventLog()
    /// Counts writes, so that a file knows whether it is behind.
    var revision = 0

    init(switches: SandboxSwitches) { self.switches = switches }

    subscript(model: SandboxModel) -> ModelTable { tables[model.storage.rawValue] }

    /// Whether a record of the model's table is one of the model's.
    func isMember(_ number: UInt32, of model: SandboxModel) -> Bool {
        guard let record = self[model][number] else { return false }
        return model != .tickets || record.isTicket
    }

    /// The places of a model's records, in order.
    func numbers(of model: SandboxModel) -> [Int] {
        self[model].records.indices.filter { isMember(UInt32($0), of: model) }
    }

    func count(of model: SandboxModel) -> Int {
        model == model.storage ? self[model].count : numbers(of: model).count
    }

    mutating func insert(_ record: StoredRecord, _ model: SandboxModel) -> UInt32 {
        let number = tables[model.storage.rawValue].insert(record)
        totals[model.rawValue].created += 1
        noteCreation(record, model)
        revision += 1
        if model == .customFields { readCustomFields() }
        return number
    }

    mutating func replace(_ number: UInt32, _ record: StoredRecord, _ model: SandboxModel, changesKeys: Bool) {
        tables[model.storage.rawValue].replace(number, with: record, changesKeys: changesKeys)
        totals[model.rawValue].updated += 1
        revision += 1
        if model == .customFields { readCustomFields() }
    }

    /// Moves the time of the last write of a record that has not changed.
    mutating func touch(_ number: UInt32, _ model: SandboxModel, now: Int64) {
        guard var record = self[model][number] else { return }
        record.updatedAt = now
        tables[model.storage.rawValue].replace(number, with: record, changesKeys: false)
        revision += 1
    }

    mutating func remove(_ number: UInt32, _ model: SandboxModel) {
        tables[model.storage.rawValue].remove(number)
        totals[model.rawValue].deleted += 1
        revision += 1
        if model == .customFields { readCustomFields() }
    }

    /// Learns the custom fields' types anew from their records.
    mutating func readCustomFields() {
        var found: [[UInt16: CustomField]] = SandboxModel.allCases.map { _ in [:] }
        for case let record? in self[.customFields].records {
            let parent = record.text(.parent)?.lowercased()
            guard let model = SandboxModel.allCases.first(where: { $0.rules.parentName == parent })?.storage,
                let name = record.value(.name), let number = names.customName(JSONText.inner(name))
            else { continue }
            let values = record.value(.listValues).map { JSONText.elements($0).map { JSONText.plain($0[...]) } }
            let choices = switches.listValues == .refuse ? values ?? [] : nil
            found[model.rawValue][number] = CustomField(
                type: PropertyType(customType: record.text(.type) ?? "", choices: choices),
                isFormula: record.text(.isFormula) == "true",
                isLocked: record.text(.isLocked) == "true"
            )
        }
        customFields = found
    }

    /// The company that a reference names: an `_id`, `extid-` or `srcid-`, as canonical text without quotes.
    func company(_ reference: ArraySlice<UInt8>) -> UInt32? {
        find(reference, .companies)
    }

    /// The record that an id in a path names: an `_id`, `extid-…` or `srcid-…`. Where an external id is held by
    /// several (end users of different companies), the first.
    func find(_ reference: ArraySlice<UInt8>, _ model: SandboxModel) -> UInt32? {
        let table = self[model]
        // A ticket's source id is stored as its external id.
        let source: Property = model == .tickets ? .externalId : .sourceId
        let found: [UInt32]
        if reference.starts(with: "extid-".utf8) {
            found = table.records(.externalId, reference.dropFirst(6))
        } else if reference.starts(with: "srcid-".utf8) {
            found = table.records(source, reference.dropFirst(6))
        } else {
            found = table.number(id: reference).map { [$0] } ?? []
        }
        return found.first { isMember($0, of: model) }
    }

    /// Notes under which key a record is made, to tell whether it is made again.
    private mutating func noteCreation(_ record: StoredRecord, _ model: SandboxModel) {
        let rules = model.rules
        guard let key = rules.keyables.first(where: { record.value($0) != nil }), let value = record.value(key) else {
            return
        }
        // The own id is the record's only together with the company. What tells keys apart stands in the bytes: texts
        // of a few bytes under different seeds may have one hash.
        let scope = rules.isScoped && key == rules.ownID ? record.company : 0
        let place = "\(scope) \(model.rawValue) \(key.rawValue) "
        let hash = KeyHash.of((Array(place.utf8) + value)[...])
        guard !createdKeys.insert(hash).inserted else { return }
        totals[model.rawValue].createdAgain += 1
        guard createdAgain.count < 1_000 else { return }
        createdAgain["\(model.path) \(rules.sent(key).text)=\(JSONText.plain(value))", default: 1] += 1
    }
}
