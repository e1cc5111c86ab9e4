/// The properties that Planhat fills in, as far as the sandbox computes them.
extension RecordWriter {
    /// Stored properties of which a computed value takes the place: those of a deal with line items.
    func computedInstead(_ number: Int) -> [UInt16] {
        guard model == .deals, related.lineItems[UInt32(number)] != nil else { return [] }
        return [Property.mrr, .total].map(\.rawValue)
    }

    func writeComputed(_ number: Int, _ record: StoredRecord, to out: inout JSONWriter) {
        if let id = record.value(.ownerId), let owner = state[.users].number(id: JSONText.inner(id)) {
            if let name = state[.users][owner]?.personName { add("ownerName", text: name, to: &out) }
        }
        switch model {
        case .endusers: writePersonName(record, to: &out)
        case .licenses: writeLicense(record, to: &out)
        case .lineItems: writeTerms(record, to: &out)
        case .products: writeProduct(record, to: &out)
        case .deals: writeDeal(number, record, to: &out)
        case .invoices:
            add("invoiceNo", raw: String(number + 1).utf8, to: &out)
            add("lastUpdated", text: Self.timestamp(record.updatedAt), to: &out)
        case .conversations, .tickets: writeConversation(record, to: &out)
        case .issues:
            writeNamed("companies", record.ids(.companyIds), .companies, to: &out)
            writeNamed("endusers", record.ids(.enduserIds), .endusers, to: &out)
        case .tasks:
            writeSnippet(record, to: &out)
            add("isArchived", raw: (record.value(.dateDone) == nil ? "false" : "true").utf8, to: &out)
        case .timeEntries: writeTimeEntry(number, record, to: &out)
        default: break
        }
    }

    private func add(_ name: String, raw json: some Collection<UInt8>, to out: inout JSONWriter) {
        if wants(name) { out.member(name, raw: json) }
    }

    private func add(_ name: String, text: String, to out: inout JSONWriter) {
        if wants(name) { out.member(name, text) }
    }

    /// A number that nobody has written.
    private func add(_ property: Property, _ value: Double?, _ record: StoredRecord, to out: inout JSONWriter) {
        guard let value, record.value(property) == nil else { return }
        add(property.text, raw: JSONText.number(value), to: &out)
    }

    private func writePersonName(_ record: StoredRecord, to out: inout JSONWriter) {
        let parts = [record.text(.firstName), record.text(.lastName)].compactMap { $0 }
        guard record.value(.name) == nil, !parts.isEmpty else { return }
        add("name", text: parts.joined(separator: " "), to: &out)
    }

    private func writeLicense(_ record: StoredRecord, to out: inout JSONWriter) {
        writeTerms(record, to: &out)
        if record.value(.fixedPeriod) == nil {
            add("fixedPeriod", raw: (record.value(.value) == nil ? "false" : "true").utf8, to: &out)
        }
        if let end = record.value(.toDate) { add("renewalDate", raw: Self.time(end), to: &out) }
    }

    private func writeTerms(_ record: StoredRecord, to out: inout JSONWriter) {
        let terms = RevenueTerms(record)
        add(.length, terms.length, record, to: &out)
        add(.mrr, terms.mrr, record, to: &out)
        add(.arr, terms.arr, record, to: &out)
        add(.value, terms.value, record, to: &out)
    }

    private func writeProduct(_ record: StoredRecord, to out: inout JSONWriter) {
        add(.arr, record.number(.mrr).map { $0 * 12 }, record, to: &out)
        if let renewal = record.number(.renewalMrr) {
            add("renewalArr", raw: JSONText.number(renewal * 12), to: &out)
        }
    }

    /// With line items a deal's figures and dates are theirs, whatever was written.
    private func writeDeal(_ number: Int, _ record: StoredRecord, to out: inout JSONWriter) {
        guard let items = related.lineItems[UInt32(number)] else {
            return add(.arr, record.number(.mrr).map { $0 * 12 }, record, to: &out)
        }
        let terms = items.map { RevenueTerms($0) }
        let mrr = terms.compactMap(\.mrr).reduce(0, +)
        add("mrr", raw: JSONText.number(mrr), to: &out)
        add("arr", raw: JSONText.number(mrr * 12), to: &out)
        add("total", raw: JSONText.number(terms.compactMap(\.value).reduce(0, +)), to: &out)
        let starts = items.compactMap { $0.value(.fromDate).flatMap(ISOTime.micros) }
        let ends = items.compactMap { $0.value(.toDate).flatMap(ISOTime.micros) }
        if let first = starts.min() { add("startDate", text: Self.timestamp(first), to: &out) }
        if let last = ends.max() { add("endDate", text: Self.timestamp(last), to: &out) }
        if let next = ends.min() { add("renewalDate", text: Self.timestamp(next), to: &out) }
    }

    private func writeConversation(_ record: StoredRecord, to out: inout JSONWriter) {
        writeSnippet(record, to: &out)
        let created = Self.timestamp(record.createdAt)
        if record.value(.date) == nil { add("date", text: created, to: &out) }
        add("createDate", text: created, to: &out)
        guard wants("userIds") else { return }
        out.name("userIds")
        out.open("[")
        for id in record.ids(.users) { out.string(id) }
        out.close("]")
    }

    /// The start of the description, without markup.
    private func writeSnippet(_ record: StoredRecord, to out: inout JSONWriter) {
        guard wants("snippet"), let html = record.text(.description) else { return }
        var text = ""
        var isTag = false
        for character in html {
            switch character {
            case "<": isTag = true
            case ">" where isTag: isTag = false
            default: if !isTag { text.append(character) }
            }
        }
        out.member("snippet", String(text.prefix(200)))
    }

    private func writeNamed(_ name: String, _ ids: [String], _ other: SandboxModel, to out: inout JSONWriter) {
        guard wants(name) else { return }
        out.name(name)
        out.open("[")
        for id in ids {
            guard let number = state[other].number(id: ArraySlice(id.utf8)), let record = state[other][number] else {
                continue
            }
            out.open("{")
            out.member("_id", id)
            if let name = record.personName { out.member("name", name) }
            out.close("}")
        }
        out.close("]")
    }

    private func writeTimeEntry(_ number: Int, _ record: StoredRecord, to out: inout JSONWriter) {
        let hours = record.number(.hours) ?? 0
        if let rate = record.number(.billableRate) {
            add("totalBilled", raw: JSONText.number(hours * rate), to: &out)
        }
        if let rate = record.number(.costRate) { add("totalCost", raw: JSONText.number(hours * rate), to: &out) }
        let sheet = related.timesheets[UInt32(number)]
        add("timesheetStatus", raw: sheet?.status ?? Array("\"draft\"".utf8), to: &out)
        if let sheet { add("timesheetId", raw: RecordID.quoted(.timesheets, sheet.number), to: &out) }
    }
}
