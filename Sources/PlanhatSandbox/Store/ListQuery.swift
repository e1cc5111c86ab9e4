internal import Records

/// The parameters of a list request, and the records they pick.
struct ListQuery {
    let model: SandboxModel
    private(set) var limit: Int
    private(set) var offset = 0
    private(set) var sort: (name: String, isDescending: Bool)?
    private(set) var selection: Set<String>?
    /// Property and the texts it may have.
    private var filters: [(Property, [String])] = []
    private var companies: [String]?
    private var archived = false

    /// `parameters` as they come, decoded, in any order. What cannot be read as a number is as if absent.
    init(_ model: SandboxModel, _ parameters: [(String, String)], isLean: Bool = false) {
        self.model = model
        limit = isLean ? .max : model.listLimits.standard
        for (name, value) in parameters {
            switch name {
            case "limit" where !isLean: limit = min(Self.count(value) ?? limit, model.listLimits.max)
            case "offset" where !isLean: offset = Self.count(value) ?? 0
            case "sort":
                let isDescending = value.hasPrefix("-")
                sort = (isDescending ? String(value.dropFirst()) : value, isDescending)
            case "select" where !value.isEmpty: selection = Set(Self.parts(value))
            case "companyId", "c": companies = Self.parts(value)
            case "archived": archived = value == "true"
            case "email" where model != .companies: filters.append((.email, [value]))
            case "externalId": filters.append((.externalId, Self.parts(value)))
            case "sourceId": filters.append((.sourceId, Self.parts(value)))
            case "status" where model == .companies: filters.append((.status, Self.parts(value)))
            default: break
            }
        }
    }

    /// The numbers of the records asked for, in order.
    func records(_ state: StoreState) -> [Int] {
        let table = state[model]
        let isPlain = filters.isEmpty && companies == nil && model != .endusers
        if isPlain, sort == nil, table.count == table.records.count {
            let start = min(offset, table.count)
            return Array(start..<min(table.count, start + min(limit, table.count)))
        }
        var picked = candidates(state).filter { number in
            guard let record = table[UInt32(number)] else { return false }
            return matches(record, number, state)
        }
        if let sort { picked = sorted(picked, by: sort, state) }
        return Array(picked.dropFirst(offset).prefix(limit))
    }

    private static func count(_ text: String) -> Int? { Int(text).flatMap { $0 < 0 ? nil : $0 } }

    private static func parts(_ text: String) -> [String] {
        text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// All records, or the few that an index names.
    private func candidates(_ state: StoreState) -> [Int] {
        guard let (property, values) = filters.first(where: { ModelTable.isKey($0.0.rawValue) }) else {
            return Array(0..<state[model].records.count)
        }
        return Set(values.flatMap { state[model].records(property, JSONText.inner(of: $0)) }).map(Int.init).sorted()
    }

    private func matches(_ record: StoredRecord, _ number: Int, _ state: StoreState) -> Bool {
        for (property, values) in filters {
            guard let text = record.text(property) else { return false }
            let isWanted =
                property == .email
                ? values.contains { $0.lowercased() == text.lowercased() }
                : values.contains(text)
            guard isWanted else { return false }
        }
        if let companies {
            let wanted = companies.compactMap { state.company(JSONText.inner(of: $0)) }
            guard wanted.contains(where: { model == .companies ? Int($0) == number : $0 + 1 == record.company })
            else { return false }
        }
        if model == .endusers { return (record.text(.archived) == "true") == archived }
        return true
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
