/// The answer to a request that wrote.
struct WriteAnswer {
    let status: Int
    let body: [UInt8]
    /// What the request did, for the log.
    var totals = RowTotals()
}

/// `PUT /{model}` with an array: writes the rows and tells about them in Planhat's envelope.
struct BulkUpsert {
    let model: SandboxModel
    let switches: SandboxSwitches
    private var totals = RowTotals()
    private var createdErrors = JSONWriter(capacity: 0)
    private var updatedErrors = JSONWriter(capacity: 0)
    private var permissionErrors = JSONWriter(capacity: 0)
    private var insertsKeys = JSONWriter(capacity: 64 << 10)
    private var updatesKeys = JSONWriter(capacity: 64 << 10)
    private var modified = JSONWriter(capacity: 64 << 10)
    private var upsertedIds = JSONWriter(capacity: 64 << 10)

    init(_ model: SandboxModel, _ switches: SandboxSwitches) {
        self.model = model
        self.switches = switches
    }

    mutating func run(_ payload: Payload, _ writer: inout RowWriter, _ state: inout StoreState) -> WriteAnswer {
        totals.received = payload.rows.count
        for (index, row) in payload.rows.enumerated() {
            switch writer.write(row, of: payload, in: &state) {
            case .created(let number, let draft):
                totals.created += 1
                Self.append(RecordID.text(model, Int(number)), to: &upsertedIds)
                appendKeys(number, draft, to: &insertsKeys)
            case .updated(let number, let draft):
                totals.updated += 1
                Self.append(RecordID.text(model, Int(number)), to: &modified)
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

    /// 403 where a row was not permitted, 400 where every row failed, 206 where some did.
    private var status: Int {
        if !permissionErrors.bytes.isEmpty { return 403 }
        if totals.failed == 0 { return 200 }
        return totals.failed == totals.received ? 400 : 206
    }

    private static func append(_ id: [UInt8], to list: inout JSONWriter) {
        list.raw([UInt8(ascii: "\"")] + id + [UInt8(ascii: "\"")])
    }

    private func appendKeys(_ number: UInt32, _ draft: Draft, to list: inout JSONWriter) {
        list.open("{")
        list.name("_id")
        Self.append(RecordID.text(model, Int(number)), to: &list)
        if switches.keys == .echo {
            for property in model.keyables where draft.key(property) != nil {
                if let value = draft.field(property)?.value { list.member(property.text, raw: value) }
            }
        }
        list.close("}")
    }

    private mutating func appendError(
        _ failure: RowFailure,
        isMatched: Bool,
        _ sent: ArraySlice<UInt8>,
        _ index: Int
    ) {
        if failure.isPermission {
            write(failure, sent, index, to: &permissionErrors)
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
        var out = JSONWriter(capacity: 4_096 + insertsKeys.bytes.count * 2 + updatesKeys.bytes.count * 2)
        out.open("{")
        out.member("created", totals.created)
        Self.list("createdErrors", createdErrors, &out)
        Self.list("insertsKeys", insertsKeys, &out)
        out.member("updated", totals.updated)
        Self.list("updatedErrors", updatedErrors, &out)
        Self.list("updatesKeys", updatesKeys, &out)
        out.member("nonupdates", totals.unchanged)
        Self.list("modified", modified, &out)
        Self.list("upsertedIds", upsertedIds, &out)
        Self.list("permissionErrors", permissionErrors, &out)
        out.close("}")
        return out.bytes
    }

    private static func list(_ name: String, _ elements: JSONWriter, _ out: inout JSONWriter) {
        out.name(name)
        out.open("[")
        if !elements.bytes.isEmpty { out.raw(elements.bytes) }
        out.close("]")
    }
}
