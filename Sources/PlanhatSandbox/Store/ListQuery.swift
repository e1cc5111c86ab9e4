internal import Records

/// The parameters of a list request, and the records they pick.
struct ListQuery {
    let model: SandboxModel
    private(set) var limit: Int
    /// Whether `limit` asks for more than the model gives.
    private(set) var isOverLimit = false
    private(set) var offset = 0
    private(set) var sort: (name: String, isDescending: Bool)?
    private(set) var selection: Set<String>?
    private var filters: [(filter: ListFilter, value: String)] = []
    private var companies: [String]?

    /// `parameters` as they come, decoded, in any order; the short names of long ago too. What cannot be read as a
    /// number is as if absent.
    /// - Parameter ignoresOwners: whether nothing is filtered by the company and the email.
    init(
        _ model: SandboxModel, _ parameters: [(String, String)], isLean: Bool = false, ignoresOwners: Bool = false
    ) {
        let rules = model.rules
        self.model = model
        limit = isLean ? .max : rules.listLimits.standard
        for (name, value) in parameters where !ignoresOwners || !Self.owners.contains(name) {
            switch name {
            case "limit" where !isLean, "l" where !isLean:
                isOverLimit = (Self.count(value) ?? 0) > rules.listLimits.max
                limit = min(Self.count(value) ?? limit, rules.listLimits.max)
            case "offset" where !isLean: offset = Self.count(value) ?? 0
            case "sort":
                let isDescending = value.hasPrefix("-")
                sort = (isDescending ? String(value.dropFirst()) : value, isDescending)
            case "select" where !value.isEmpty: selection = Set(ListFilter.parts(value))
            case "companyId", "cId", "cid", "c": companies = ListFilter.parts(value)
            case "externalId", "extId": filters.append((.texts(rules.ownID), value))
            case "sourceId": filters.append((.texts(rules.renamed[.sourceId] ?? .sourceId), value))
            default: if let filter = rules.filters[name] { filters.append((filter, value)) }
            }
        }
        // Archived end users are shown only to those who ask.
        if model == .endusers, !parameters.contains(where: { $0.0 == "archived" }) {
            filters.append((.flag(.archived), "false"))
        }
    }

    private static let owners: Set = ["companyId", "cId", "cid", "c", "email"]

    /// The numbers of the records asked for, in order.
    func records(_ state: StoreState) -> [Int] {
        let table = state[model]
        let isPlain = filters.isEmpty && companies == nil && model == model.storage
        if isPlain, sort == nil, table.count == table.records.count {
            let start = min(offset, table.count)
            return Array(start..<min(table.count, start + min(limit, table.count)))
        }
        let wanted = companies.map { names in
            Set(names.compactMap { state.company(JSONText.inner(of: $0)) })
        }
        var picked = candidates(state).filter { number in
            guard state.isMember(UInt32(number), of: model), let record = table[UInt32(number)] else { return false }
            guard filters.allSatisfy({ $0.filter.matches(record, $0.value) }) else { return false }
            return wanted.map { belongs(record, number, to: $0) } ?? true
        }
        if let sort { picked = sorted(picked, by: sort, state) }
        return Array(picked.dropFirst(offset).prefix(limit))
    }

    private static func count(_ text: String) -> Int? { Int(text).flatMap { $0 < 0 ? nil : $0 } }

    /// All records, or the few that an index names.
    private func candidates(_ state: StoreState) -> [Int] {
        for (filter, value) in filters {
            guard let property = filter.indexed else { continue }
            let values: [String] = if case .text = filter { [value] } else { ListFilter.parts(value) }
            let found = values.flatMap { state[model].records(property, JSONText.inner(of: $0)) }
            return Set(found).map(Int.init).sorted()
        }
        return Array(0..<state[model].records.count)
    }

    private func belongs(_ record: StoredRecord, _ number: Int, to companies: Set<UInt32>) -> Bool {
        switch model {
        case .companies: return companies.contains(UInt32(number))
        case .issues:
            return record.ids(.companyIds).contains { id in
                RecordID.number(JSONText.inner(of: id), of: .companies).map { companies.contains(UInt32($0)) } ?? false
            }
        default: return record.company > 0 && companies.contains(record.company - 1)
        }
    }

    private func sorted(_ picked: [Int], by sort: (name: String, isDescending: Bool), _ state: StoreState) -> [Int] {
        if sort.name == "_id" { return sort.isDescending ? picked.reversed() : picked }
        let keyed = picked.map { (SortKey(sort.name, UInt32($0), state[model], state), $0) }
        let ascending = keyed.sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }.map(\.1)
        return sort.isDescending ? ascending.reversed() : ascending
    }
}

/// What a list is sorted by: nothing comes before numbers, numbers before text.
private enum SortKey: Comparable {
    case missing
    case number(Double)
    case text(String)

    init(_ name: String, _ number: UInt32, _ table: ModelTable, _ state: StoreState) {
        guard let record = table[number] else {
            self = .missing
            return
        }
        switch name {
        case "createdAt": self = .number(Double(record.createdAt))
        case "updatedAt": self = .number(Double(record.updatedAt))
        default:
            let inner = name.hasPrefix("custom.") ? String(name.dropFirst(7)) : name
            let key =
                name.hasPrefix("custom.")
                ? state.names.knownCustomName(inner)
                : state.names.property(JSONText.inner(of: inner))
            guard let key, let value = record.value(key) else {
                self = .missing
                return
            }
            if JSONText.isNumber(value), let double = Double(String(decoding: value, as: UTF8.self)) {
                self = .number(double)
            } else {
                self = .text(JSONText.plain(value))
            }
        }
    }
}
