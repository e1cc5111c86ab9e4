/// The answer to a request that wrote.
struct WriteAnswer {
    let status: Int
    let body: [UInt8]
    /// What the request did, for the log.
    var totals = RowTotals()
}

/// Elements of a JSON array that may be told forwards or backwards.
private struct ElementList {
    var writer: JSONWriter
    private var ends: [Int] = []

    init(capacity: Int = 0) { writer = JSONWriter(capacity: capacity) }

    /// Says that an element has been written.
    mutating func close() { ends.append(writer.bytes.count) }

    func write(to out: inout JSONWriter, isReversed: Bool) {
        out.open("[")
        if isReversed {
            for index in ends.indices.reversed() {
                // Each element but the first starts with its comma.
                let start = index == 0 ? 0 : ends[index - 1] + 1
                out.raw(writer.bytes[start..<ends[index]])
            }
        } else if !writer.bytes.isEmpty {
            out.raw(writer.bytes)
        }
        out.close("]")
    }
}

/// `PUT /{model}` with an array: writes the rows and tells about them in Planhat's envelope.
struct BulkUpsert {
    let model: SandboxModel
    let switches: SandboxSwitches
    private let rules: ModelRules
    private let echoesKeys: Bool
    private var totals = RowTotals()
    private var createdErrors = JSONWriter(capacity: 0)
    private var updatedErrors = JSONWriter(capacity: 0)
    private var permissionErrors = JSONWriter(capacity: 0)
    private var validationErrors = JSONWriter(capacity: 0)
    private var insertsKeys = ElementList(capacity: 64 << 10)
    private var updatesKeys = ElementList(capacity: 64 << 10)
    private var modified = ElementList(capacity: 64 << 10)
    private var upsertedIds = ElementList(capacity: 64 << 10)

    init(_ model: SandboxModel, _ switches: SandboxSwitches) {
        self.model = model
        self.switches = switches
        rules = model.rules
        echoesKeys = switches.keys == .echo && rules.echoesKeys
    }

    mutating func run(_ payload: Payload, _ writer: inout RowWriter, _ state: inout StoreState) -> WriteAnswer {
        totals.received = payload.rows.count
        for (index, row) in payload.rows.enumerated() {
            switch writer.write(row, of: payload, in: &state) {
            case .created(let number, let draft):
                totals.created += 1
                append(number, to: &upsertedIds)
                appendKeys(number, draft, to: &insertsKeys)
            case .updated(let number, let draft):
                totals.updated += 1
                append(number, to: &modified)
                appendKeys(number, draft, to: &updatesKeys)
            case .unchanged: totals.unchanged += 1
            case .dropped: totals.dropped += 1
            case .failed(let failure, let isMatched):
                totals.failed += 1
                appendError(failure, isMatched: isMatched, payload.sent(row), index)
            }
        }
        return WriteAnswer(status: status, body: envelope(), totals: totals)
    }

    /// The answer to a request that is refused as a whole for its repeated rows: the errors alone.
    mutating func refused(_ payload: Payload) -> WriteAnswer {
        totals = RowTotals()
        totals.received = payload.rows.count
        totals.failed = payload.rows.count
        insertsKeys = ElementList()
        updatesKeys = ElementList()
        modified = ElementList()
        upsertedIds = ElementList()
        return WriteAnswer(status: 400, body: envelope(), totals: totals)
    }

    /// 403 where a row was not permitted, 400 where every row failed, 206 where some did.
    private var status: Int {
        if !permissionErrors.bytes.isEmpty { return 403 }
        if totals.failed == 0 { return 200 }
        switch switches.errorStatus {
        case .split: return totals.failed == totals.received ? 400 : 206
        case .partial: return 206
        case .bad: return 400
        }
    }

    private func append(_ number: UInt32, to list: inout ElementList) {
        list.writer.raw(RecordID.quoted(model, Int(number)))
        list.close()
    }

    private func appendKeys(_ number: UInt32, _ draft: Draft, to list: inout ElementList) {
        list.writer.open("{")
        list.writer.name("_id")
        list.writer.raw(RecordID.quoted(model, Int(number)))
        if echoesKeys, !draft.isNote {
            for property in rules.keyables where draft.key(property) != nil {
                if let value = draft.field(property)?.value {
                    list.writer.member(rules.sent(property).text, raw: value)
                }
            }
        }
        list.writer.close("}")
        list.close()
    }

    private mutating func appendError(
        _ failure: RowFailure,
        isMatched: Bool,
        _ sent: ArraySlice<UInt8>,
        _ index: Int
    ) {
        if failure.isPermission {
            write(failure, sent, index, to: &permissionErrors)
        } else if failure.isValue, rules.hasValidationErrors {
            write(failure, sent, index, to: &validationErrors)
        } else if isMatched {
            write(failure, sent, index, to: &updatedErrors)
        } else {
            write(failure, sent, index, to: &createdErrors)
        }
    }

    private func write(_ failure: RowFailure, _ sent: ArraySlice<UInt8>, _ index: Int, to list: inout JSONWriter) {
        if switches.errors == .string { return list.string(failure.message) }
        list.open("{")
        list.member("message", failure.message)
        switch switches.errors {
        case .object:
            list.name("keys")
            list.open("[")
            for key in failure.keys { list.string(key.text) }
            list.close("]")
            list.member("item", raw: sent)
        case .index: list.member("index", index)
        case .anonymous, .string: break
        }
        list.close("}")
    }

    private func envelope() -> [UInt8] {
        let size = insertsKeys.writer.bytes.count + updatesKeys.writer.bytes.count
        var out = JSONWriter(capacity: 4_096 + size * 2)
        out.open("{")
        out.member("created", totals.created)
        Self.list("createdErrors", createdErrors, &out)
        list("insertsKeys", insertsKeys, &out)
        out.member("updated", totals.updated)
        Self.list("updatedErrors", updatedErrors, &out)
        list("updatesKeys", updatesKeys, &out)
        out.member("nonupdates", totals.unchanged + (switches.dropped == .nonupdates ? totals.dropped : 0))
        list("modified", modified, &out)
        list("upsertedIds", upsertedIds, &out)
        Self.list("permissionErrors", permissionErrors, &out)
        if rules.hasValidationErrors { Self.list("validationErrors", validationErrors, &out) }
        out.close("}")
        return out.bytes
    }

    private func list(_ name: String, _ elements: ElementList, _ out: inout JSONWriter) {
        out.name(name)
        elements.write(to: &out, isReversed: switches.keyOrder == .reverse)
    }

    private static func list(_ name: String, _ elements: JSONWriter, _ out: inout JSONWriter) {
        out.name(name)
        out.open("[")
        if !elements.bytes.isEmpty { out.raw(elements.bytes) }
        out.close("]")
    }
}
