internal import Records

/// Writes records as JSON documents.
struct RecordWriter {
    /// Where a document is shown decides what stands in it.
    enum Form {
        /// An answer about one record: with computed properties and defaults.
        case single
        /// As `single`, with users as objects.
        case list
        /// Only what was written, for comparing with a source.
        case bare
    }

    let model: SandboxModel
    let form: Form
    /// The properties asked for by `select`; nil for all. `_id` always comes.
    var selection: Set<String>?
    let state: StoreState

    func write(_ number: Int, _ record: StoredRecord, to out: inout JSONWriter) {
        out.open("{")
        out.name("_id")
        out.raw([UInt8(ascii: "\"")] + RecordID.text(model, number) + [UInt8(ascii: "\"")])
        var hasCustom = false
        record.forEachField { name, value in
            let entry = state.names.names[Int(name)]
            if entry.isCustom {
                hasCustom = true
            } else if wants(entry.text) {
                write(entry, value, to: &out)
            }
        }
        if model == .endusers { writeCompany(record, to: &out) }
        if model == .endusers, form != .bare { writeDefaults(record, to: &out) }
        if model.hasCustom { writeCustom(record, hasCustom, to: &out) }
        for (name, time) in [("createdAt", record.createdAt), ("updatedAt", record.updatedAt)] where wants(name) {
            out.member(name, Self.timestamp(time))
        }
        if form != .bare, wants("__v") { out.member("__v", 0) }
        out.close("}")
    }

    private func wants(_ name: String) -> Bool { selection?.contains(name) ?? true }

    private func write(_ name: NameTable.Name, _ value: ArraySlice<UInt8>, to out: inout JSONWriter) {
        out.raw(name.key)
        out.continueMember()
        if form == .list, name.text == "owner" || name.text == "coOwner",
            let number = state[.users].number(id: JSONText.inner(value)), let user = state[.users][number]
        {
            out.open("{")
            out.member("_id", raw: value)
            if let nickName = user.value(.nickName) { out.member("nickName", raw: nickName) }
            out.close("}")
        } else {
            out.raw(value)
        }
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
            out.raw(value)
        }
        out.close("}")
    }

    private func writeCompany(_ record: StoredRecord, to out: inout JSONWriter) {
        guard record.company > 0 else { return }
        if wants("companyId") {
            out.name("companyId")
            out.raw([UInt8(ascii: "\"")] + RecordID.text(.companies, Int(record.company) - 1) + [UInt8(ascii: "\"")])
        }
        if form != .bare, wants("companyName"), let name = state[.companies][record.company - 1]?.value(.name) {
            out.member("companyName", raw: name)
        }
    }

    /// What Planhat fills in on an end user that nobody has written to.
    private func writeDefaults(_ record: StoredRecord, to out: inout JSONWriter) {
        if wants("name"), record.value(.name) == nil {
            let parts = [record.text(.firstName), record.text(.lastName)].compactMap { $0 }
            if !parts.isEmpty { out.member("name", parts.joined(separator: " ")) }
        }
        for property in [Property.featured, .primary, .archived, .npsUnsubscribed]
        where record.value(property) == nil && wants(property.text) {
            out.member(property.text, raw: "false".utf8)
        }
        for property in [Property.tags, .otherEmails] where record.value(property) == nil && wants(property.text) {
            out.member(property.text, raw: "[]".utf8)
        }
        for name in ["beats", "beatsTotal", "beatTrend", "convs14", "convsTotal", "experience"] where wants(name) {
            out.member(name, 0)
        }
        for name in ["personas", "relatedEndusers", "lastActivities"] where wants(name) {
            out.member(name, raw: "[]".utf8)
        }
    }

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ` of microseconds since 1970.
    static func timestamp(_ micros: Int64) -> String {
        let (days, rest) = Calendar.split(micros)
        let thousandths = String(rest / 1_000 % 1_000 + 1_000).dropFirst()
        return "\(Calendar.dateText(days))T\(Calendar.timeText(rest / 1_000_000 * 1_000_000)).\(thousandths)Z"
    }
}
