internal import Records

/// What Planhat does with a metric: it keeps every value of a record that is there.
struct MetricRules {
    /// Microseconds since 1970.
    let now: Int64

    func write(_ sent: EventFields, in state: inout StoreState) -> EventResult {
        guard let dimension = sent.text("dimensionId") else { return .failed("dimensionId is required") }
        guard let value = sent["value"] else { return .failed("value is required") }
        guard let number = Double(JSONText.plain(value)), number.isFinite,
            JSONText.isNumber(value) || state.switches.types == .cast
        else { return .failed("value must be a number") }
        let asset = sent.key("assetExtId")
        guard let key = sent.key("externalId") ?? asset ?? sent.key("companyExternalId") else {
            return .failed("externalId is required")
        }
        let word = sent.text("model") ?? (sent.key("externalId") == nil && asset != nil ? "Asset" : "Company")
        guard let place = MetricTable.models.firstIndex(where: { $0.name.lowercased() == word.lowercased() }) else {
            return .failed("model must be one of " + MetricTable.models.map(\.name).joined(separator: ", "))
        }
        var time: Int64?
        if let date = sent["date"] {
            guard let micros = ISOTime.micros(date) else { return .failed("date must be an ISO 8601 date") }
            time = micros
        }
        guard let record = state[MetricTable.models[place].model].records(.externalId, key).first else {
            if state.switches.unknownMetric == .ignore { return .dropped }
            return .failed("\(word) \(JSONText.plain(key)) does not exist")
        }
        var row = MetricRow(
            dimension: state.events.dimension(dimension), record: record, value: number, time: time ?? now,
            model: UInt8(place), hasTime: time != nil)
        if state.switches.metricTime == .day { row.time = Calendar.split(row.time).days * Calendar.microsPerDay }
        state.events.addMetric(row)
        if Self.note(row, in: &state) { state.events.metrics.sentAgain += 1 }
        return .kept
    }

    /// Puts back a line of a file.
    static func restore(_ line: EventFields, in state: inout StoreState) -> Bool {
        guard let dimension = line.text("dimensionId"), let word = line.text("model"),
            let place = MetricTable.models.firstIndex(where: { $0.name == word }),
            let value = line.text("value").flatMap({ Double($0) }),
            let time = line.text("micros").flatMap({ Int64($0) }),
            let record = line.text("record").flatMap({ UInt32($0) })
        else { return false }
        let row = MetricRow(
            dimension: state.events.dimension(dimension), record: record, value: value, time: time,
            model: UInt8(place), hasTime: line["hasTime"]?.elementsEqual("true".utf8) == true)
        state.events.addMetric(row)
        note(row, in: &state)
        return true
    }

    static func writeLine(_ row: MetricRow, _ table: MetricTable, to out: inout JSONWriter) {
        out.member("dimensionId", table.name(of: row))
        out.member("model", MetricTable.models[Int(row.model)].name)
        out.member("record", Int(row.record))
        out.member("value", raw: JSONText.exact(row.value))
        out.member("micros", Int(row.time))
        out.member("hasTime", raw: (row.hasTime ? "true" : "false").utf8)
    }

    @discardableResult
    private static func note(_ row: MetricRow, in state: inout StoreState) -> Bool {
        let table = state.events.metricTable
        let time = row.hasTime ? String(row.time) : ""
        let text = "\(table.name(of: row))\0\(row.model)\0\(row.record)\0\(row.value)\0\(time)"
        let model = MetricTable.models[Int(row.model)]
        let key = state[model.model][row.record]?.text(.externalId) ?? ""
        return state.events.note(KeyHash.of(Array(text.utf8)[...], seed: 2)) {
            let shown = row.hasTime ? " date=" + RecordWriter.timestamp(row.time) : ""
            return "metrics \(model.name) externalId=\(key) dimensionId=\(table.name(of: row))\(shown)"
        }
    }
}

/// Metrics as `GET /dimensiondata` shows them.
struct MetricList {
    static let rowsMax = 10_000

    let state: StoreState
    private var companies: Set<UInt32>?
    private var dimension: String?
    private var from: Int64 = .min
    private var to: Int64 = .max
    private var limit = 100
    private var offset = 0

    init(_ state: StoreState, _ parameters: [(String, String)]) {
        self.state = state
        for (name, value) in parameters {
            switch name {
            case "cId", "cid":
                companies = Set(ListFilter.parts(value).compactMap { state.company(JSONText.inner(of: $0)) })
            case "dimid": dimension = value
            case "from": from = Int64(value) ?? from
            case "to": to = Int64(value) ?? to
            case "limit": limit = min(max(Int(value) ?? limit, 0), Self.rowsMax)
            case "offset": offset = max(Int(value) ?? 0, 0)
            default: break
            }
        }
    }

    /// The rows asked for, oldest first, as a JSON array.
    func answer() -> [UInt8] {
        var out = JSONWriter(capacity: 4_096)
        out.open("[")
        let table = state.events.metricTable
        let number = dimension.map { table.number(of: $0) ?? .max }
        var passed = 0
        var written = 0
        for (index, row) in table.rows.enumerated() where written < limit {
            if let number, row.dimension != number { continue }
            let day = Calendar.split(row.time).days
            guard day >= from, day <= to, let company = company(of: row), companies?.contains(company) ?? true else {
                continue
            }
            passed += 1
            guard passed > offset else { continue }
            write(index, row, company, table, to: &out)
            written += 1
        }
        out.close("]")
        return out.bytes
    }

    /// The number of the company that the measured record is, or belongs to. Nil where either is gone.
    private func company(of row: MetricRow) -> UInt32? {
        let model = MetricTable.models[Int(row.model)].model
        guard let record = state[model][row.record] else { return nil }
        if model == .companies { return row.record }
        return record.company > 0 ? record.company - 1 : nil
    }

    private func write(
        _ index: Int, _ row: MetricRow, _ company: UInt32, _ table: MetricTable, to out: inout JSONWriter
    ) {
        let model = MetricTable.models[Int(row.model)]
        let (day, _) = Calendar.split(row.time)
        let time = RecordWriter.timestamp(row.time)
        out.open("{")
        out.member("_id", RecordID.metric(index))
        out.member("dimensionId", table.name(of: row))
        out.member("companyId", raw: RecordID.quoted(.companies, Int(company)))
        if let name = state[.companies][company]?.value(.name) { out.member("companyName", raw: name) }
        out.member("parentId", raw: RecordID.quoted(model.model, Int(row.record)))
        out.member("model", model.name)
        out.member("value", raw: JSONText.exact(row.value))
        out.member("time", time)
        out.member("day", Int(day))
        out.member("date", time)
        out.name("timestamp")
        out.open("{")
        out.member("value", time)
        out.close("}")
        out.close("}")
    }

    /// Every metric as a line of JSON, in pieces.
    static func line(_ index: Int, _ state: StoreState) -> [UInt8] {
        var list = MetricList(state, [])
        list.limit = 1
        let row = state.events.metricTable.rows[index]
        var out = JSONWriter()
        let model = MetricTable.models[Int(row.model)].model
        let record = state[model][row.record]
        out.open("{")
        out.member("_id", RecordID.metric(index))
        if let key = record?.value(.externalId) { out.member("externalId", raw: key) }
        out.member("dimensionId", state.events.metricTable.name(of: row))
        out.member("model", MetricTable.models[Int(row.model)].name)
        out.member("parentId", raw: RecordID.quoted(model, Int(row.record)))
        if let company = list.company(of: row) {
            out.member("companyId", raw: RecordID.quoted(.companies, Int(company)))
        }
        out.member("value", raw: JSONText.exact(row.value))
        out.member("time", RecordWriter.timestamp(row.time))
        out.close("}")
        return out.bytes
    }
}
