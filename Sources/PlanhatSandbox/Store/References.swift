/// Turns what a row says of other records into what is kept: companies by any of their ids, people by their emails.
struct References {
    /// Conversation types that every account has and that are Planhat's own.
    private static let reservedTypes = ["email", "chat", "ticket", "call"]
    /// The types that the sandbox's account has made for itself.
    private static let accountTypes = ["note", "in person meeting", "Training"]

    let model: SandboxModel
    let rules: ModelRules

    init(_ model: SandboxModel) {
        self.model = model
        rules = model.rules
    }

    /// False where the row is dropped without a word.
    func resolve(_ draft: inout Draft, _ state: StoreState) throws(RowFailure) -> Bool {
        if model == .tickets, draft.key(.email) == nil { return false }
        try resolveCompany(&draft, state)
        switch model {
        case .conversations:
            try resolveExternalCompany(&draft, state)
            resolveType(&draft)
        case .tickets:
            try resolveExternalCompany(&draft, state)
            resolveTicket(&draft, state)
        case .issues: try resolveCompanies(&draft, state)
        case .nps: resolvePerson(&draft, state)
        case .tasks: try castPeople(&draft, state.switches.taskPeople)
        case .lineItems: try resolveDeal(&draft, state)
        default: break
        }
        return true
    }

    private func resolveCompany(_ draft: inout Draft, _ state: StoreState) throws(RowFailure) {
        guard let property = rules.company, let field = draft.take(property) else { return }
        guard let value = field.value, value.count > 2 else {
            draft.company = 0
            return
        }
        guard let number = state.company(JSONText.inner(value)) else {
            throw .missing(property, JSONText.inner(value))
        }
        draft.company = number + 1
    }

    /// `companyExternalId` counts where the row does not say the company otherwise.
    private func resolveExternalCompany(_ draft: inout Draft, _ state: StoreState) throws(RowFailure) {
        guard let value = draft.take(.companyExternalId)?.value, value.count > 2 else { return }
        guard draft.company == nil else { return }
        guard let number = state[.companies].records(.externalId, JSONText.inner(value)).first else {
            throw .missing(.companyExternalId, JSONText.inner(value))
        }
        draft.company = number + 1
    }

    /// A type that the account does not have becomes `note`.
    private func resolveType(_ draft: inout Draft) {
        guard let field = draft.field(.type) else { return }
        let type = field.value.map(JSONText.plain) ?? "note"
        draft.isNote = field.value != nil && type == "note"
        if field.value == nil || !(Self.reservedTypes + Self.accountTypes).contains(type) {
            draft.set(.type, ArraySlice("\"note\"".utf8))
        }
    }

    private func resolveTicket(_ draft: inout Draft, _ state: StoreState) {
        draft.createdAt = draft.take(.createdAt)?.value.flatMap(ISOTime.micros)
        draft.updatedAt = draft.take(.updatedAt)?.value.flatMap(ISOTime.micros)
        draft.set(.type, ArraySlice("\"ticket\"".utf8))
        let domains = draft.take(.domains)?.value.map { JSONText.elements($0) } ?? []
        draft.likelyCompany =
            domains.lazy.compactMap { state.company(ofDomain: JSONText.inner($0[...])) }.first
            ?? person(draft, state).flatMap { state[.endusers][$0]?.company }
            ?? draft.key(.email).flatMap { state.company(ofEmail: $0) }
        if let email = draft.key(.agentEmail), let user = state[.users].records(.email, email).first {
            draft.set(.users, Self.people(.users, user, isOwner: true, state))
        }
    }

    private func resolveCompanies(_ draft: inout Draft, _ state: StoreState) throws(RowFailure) {
        guard let value = draft.field(.companyIds)?.value else { return }
        var ids: [[UInt8]] = []
        for element in JSONText.elements(value) {
            let reference = JSONText.inner(element[...])
            let isID = RecordID.isForm(reference)
            guard isID || state.switches.companyIDs == .resolve else {
                throw .value("companyIds must be an array of _ids (24 hexadecimal digits)")
            }
            guard let number = state.company(reference) else { throw .missing(.companyIds, reference) }
            ids.append(RecordID.quoted(.companies, Int(number)))
        }
        draft.set(.companyIds, JSONText.array(ids))
    }

    /// People as the account keeps them in tasks.
    private func castPeople(_ draft: inout Draft, _ kept: SandboxSwitches.TaskPeople) throws(RowFailure) {
        for property in [Property.users, .endusers] {
            guard let value = draft.field(property)?.value else { continue }
            var people: [[UInt8]] = []
            for element in JSONText.elements(value) {
                guard let person = Self.person(element, kept) else {
                    let what = kept == .ids ? "_ids (24 hexadecimal digits)" : "objects with an id"
                    throw .value("\(property.text) must be an array of \(what)")
                }
                people.append(person)
            }
            draft.set(property, JSONText.array(people))
        }
    }

    private static func person(_ element: [UInt8], _ kept: SandboxSwitches.TaskPeople) -> [UInt8]? {
        func isID(_ value: [UInt8]) -> Bool {
            value.first == UInt8(ascii: "\"") && RecordID.isForm(JSONText.inner(value[...]))
        }
        func member(_ name: String) -> [UInt8]? {
            do { return try JSONText.member(name, of: element).flatMap { isID($0) ? $0 : nil } } catch { return nil }
        }
        switch kept {
        case .objects: return member("id") == nil ? nil : element
        case .ids: return isID(element) ? element : member("_id")
        }
    }

    private func resolvePerson(_ draft: inout Draft, _ state: StoreState) {
        guard let person = person(draft, state) else { return }
        draft.set(.euId, RecordID.quoted(.endusers, Int(person))[...])
        draft.likelyCompany = state[.endusers][person]?.company
    }

    private func resolveDeal(_ draft: inout Draft, _ state: StoreState) throws(RowFailure) {
        guard let value = draft.field(.dealId)?.value else { return }
        guard let number = state[.deals].number(id: JSONText.inner(value)) else {
            throw .missing(.dealId, JSONText.inner(value))
        }
        draft.company = state[.deals][number]?.company
    }

    /// The end user with the row's email: in the row's company, or the only one.
    private func person(_ draft: Draft, _ state: StoreState) -> UInt32? {
        draft.key(.email).flatMap { state.person($0, company: draft.company) }
    }

    /// An array of one person as conversations hold them.
    static func people(_ model: SandboxModel, _ number: UInt32, isOwner: Bool, _ state: StoreState) -> ArraySlice<UInt8>
    {
        var out = JSONWriter()
        out.open("[")
        out.open("{")
        out.member("id", raw: RecordID.quoted(model, Int(number)))
        if let name = state[model][number]?.personName { out.member("name", name) }
        if isOwner { out.member("isOwner", raw: "true".utf8) }
        out.close("}")
        out.close("]")
        return out.bytes[...]
    }
}

extension StoreState {
    /// The end user with that email: in the company, or the only one where none is named.
    func person(_ email: ArraySlice<UInt8>, company: UInt32?) -> UInt32? {
        let found = self[.endusers].records(.email, email)
        if let company, company > 0 { return found.first { self[.endusers][$0]?.company == company } }
        return found.count == 1 ? found[0] : nil
    }

    /// The one company that claims the email's domain (its number plus one); nil where none or several do.
    func company(ofEmail email: ArraySlice<UInt8>) -> UInt32? {
        email.lastIndex(of: UInt8(ascii: "@")).flatMap { company(ofDomain: email[($0 + 1)...]) }
    }

    func company(ofDomain domain: ArraySlice<UInt8>) -> UInt32? {
        let found = self[.companies].records(.domains, domain)
        return found.count == 1 ? found[0] + 1 : nil
    }
}
