internal import Records

/// Writes records as JSON documents.
struct RecordWriter {
    /// Where a document is shown decides what stands in it.
    enum Form {
        /// An answer about one record: with computed properties and defaults.
        case single
        /// As `single`, with users and roles as objects.
        case list
        /// Only what was written, for comparing with a source.
        case bare
    }

    let model: SandboxModel
    let form: Form
    let state: StoreState
    /// The properties asked for by `select`; nil for all. `_id` always comes.
    var selection: Set<String>?
    let rules: ModelRules
    let related: RelatedRecords
    /// What is answered as Planhat writes points of time, however it was sent.
    private let dates: Set<UInt16>
    private let standards: [(property: UInt16?, name: String, json: String)]

    init(_ model: SandboxModel, _ form: Form, _ state: StoreState, selection: Set<String>? = nil) {
        self.model = model
        self.form = form
        self.state = state
        self.selection = selection
        rules = model.rules
        related = form == .bare ? RelatedRecords() : RelatedRecords(of: model, state)
        let custom = state.customFields[model.storage.rawValue].lazy.filter { $0.value.type == .date }.map(\.key)
        dates = form == .bare ? [] : rules.dates.union(custom)
        standards =
            form == .bare
            ? [] : rules.standards.map { (state.names.property(JSONText.inner(of: $0.property)), $0.property, $0.json) }
    }

    func write(_ number: Int, _ record: StoredRecord, to out: inout JSONWriter) {
        out.open("{")
        out.member("_id", raw: RecordID.quoted(model, number))
        var hasCustom = false
        let replaced = form == .bare ? [] : computedInstead(number)
        record.forEachField { name, value in
            let entry = state.names.names[Int(name)]
            if entry.isCustom {
                hasCustom = true
            } else if wants(entry.text), !replaced.contains(name) {
                write(entry, shown(name, value), to: &out)
            }
        }
        writeCompany(record, to: &out)
        if form != .bare {
            for standard in standards where wants(standard.name) {
                if let property = standard.property, record.value(property) != nil { continue }
                out.member(standard.name, raw: standard.json.utf8)
            }
            writeComputed(number, record, to: &out)
        }
        if rules.hasCustom { writeCustom(record, hasCustom, to: &out) }
        for (name, time) in [("createdAt", record.createdAt), ("updatedAt", record.updatedAt)] where wants(name) {
            out.member(name, Self.timestamp(time))
        }
        if form != .bare, wants("__v") { out.member("__v", 0) }
        out.close("}")
    }

    func wants(_ name: String) -> Bool { selection?.contains(name) ?? true }

    private func write(_ name: NameTable.Name, _ value: ArraySlice<UInt8>, to out: inout JSONWriter) {
        out.raw(name.key)
        out.continueMember()
        switch name.text {
        case "owner" where form == .list, "coOwner" where form == .list: writeUser(value, to: &out)
        case "roles" where form == .list: writeRoles(value, to: &out)
        case "_currency" where form != .bare && state.switches.currency == .object: writeCurrency(value, to: &out)
        default: out.raw(value)
        }
    }

    private func writeUser(_ value: ArraySlice<UInt8>, to out: inout JSONWriter) {
        guard let number = state[.users].number(id: JSONText.inner(value)), let user = state[.users][number] else {
            return out.raw(value)
        }
        out.open("{")
        out.member("_id", raw: value)
        if let nickName = user.value(.nickName) { out.member("nickName", raw: nickName) }
        out.close("}")
    }

    /// Roles cannot be read over the API, so their names are made up.
    private func writeRoles(_ value: ArraySlice<UInt8>, to out: inout JSONWriter) {
        out.open("[")
        for role in JSONText.elements(value) {
            out.open("{")
            out.member("_id", raw: role)
            out.member("name", "Role " + JSONText.plain(role[...]).suffix(4))
            out.close("}")
        }
        out.close("]")
    }

    private func writeCurrency(_ value: ArraySlice<UInt8>, to out: inout JSONWriter) {
        out.open("{")
        out.member("_id", raw: value)
        out.member("symbol", raw: value)
        out.member("rate", 1)
        out.member("isBase", raw: "false".utf8)
        out.member("overrides", raw: "{}".utf8)
        out.close("}")
    }

    private func writeCustom(_ record: StoredRecord, _ hasCustom: Bool, to out: inout JSONWriter) {
        let picked = selection.map { $0.contains("custom") ? nil : $0.filter { $0.hasPrefix("custom.") } } ?? nil
        guard picked == nil || picked?.isEmpty == false else { return }
        guard hasCustom || form != .bare else { return }
        out.name("custom")
        out.open("{")
        record.forEachField { name, value in
            let entry = state.names.names[Int(name)]
            guard entry.isCustom, picked?.contains("custom." + entry.text) ?? true else { return }
            out.raw(entry.key)
            out.continueMember()
            out.raw(shown(name, value))
        }
        out.close("}")
    }

    private func shown(_ name: UInt16, _ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        dates.contains(name) ? Self.time(value) : value
    }

    /// A point of time as Planhat answers it; what is none stays as it is.
    static func time(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        ISOTime.micros(value).map { ArraySlice("\"\(timestamp($0))\"".utf8) } ?? value
    }

    private func writeCompany(_ record: StoredRecord, to out: inout JSONWriter) {
        guard record.company > 0, let property = rules.company else { return }
        if wants(property.text) {
            out.member(property.text, raw: RecordID.quoted(.companies, Int(record.company) - 1))
        }
        if form != .bare, let shown = rules.companyName, wants(shown),
            let name = state[.companies][record.company - 1]?.value(.name)
        {
            out.member(shown, raw: name)
        }
    }

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ` of microseconds since 1970.
    static func timestamp(_ micros: Int64) -> String {
        let (days, rest) = Calendar.split(micros)
        let thousandths = String(rest / 1_000 % 1_000 + 1_000).dropFirst()
        return "\(Calendar.dateText(days))T\(Calendar.timeText(rest / 1_000_000 * 1_000_000)).\(thousandths)Z"
    }
}
