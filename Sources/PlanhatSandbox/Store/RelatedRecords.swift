/// What other records say of a model's own, gathered once for many documents.
struct RelatedRecords {
    /// The line items of each deal.
    private(set) var lineItems: [UInt32: [StoredRecord]] = [:]
    /// The timesheet that each time entry stands in, and its status as JSON.
    private(set) var timesheets: [UInt32: (number: Int, status: [UInt8])] = [:]

    init() {}

    init(of model: SandboxModel, _ state: StoreState) {
        switch model {
        case .deals:
            for case let item? in state[.lineItems].records {
                guard let id = item.value(.dealId), let deal = state[.deals].number(id: JSONText.inner(id)) else {
                    continue
                }
                lineItems[deal, default: []].append(item)
            }
        case .timeEntries:
            for (number, sheet) in state[.timesheets].records.enumerated() {
                guard let sheet else { continue }
                let status = sheet.value(.status).map { Array($0) } ?? Array("\"submitted\"".utf8)
                for id in sheet.ids(.timeEntries) {
                    guard let entry = state[.timeEntries].number(id: ArraySlice(id.utf8)) else { continue }
                    timesheets[entry] = (number, status)
                }
            }
        default: break
        }
    }
}

/// The money and time of a license or a line item, each computed from the others where it is not written.
struct RevenueTerms {
    let length: Double?
    let mrr: Double?
    let value: Double?

    var arr: Double? { mrr.map { $0 * 12 } }

    init(_ record: StoredRecord) {
        var length = record.number(.length)
        if length == nil, let from = record.value(.fromDate).flatMap(ISOTime.micros),
            let to = record.value(.toDate).flatMap(ISOTime.micros), to > from
        {
            // Whole months, of 30.4375 days on the average.
            length = max(1, (Double(to - from) / 86_400_000_000 / 30.4375).rounded())
        }
        var mrr = record.number(.mrr) ?? record.number(.arr).map { $0 / 12 }
        if mrr == nil, let value = record.number(.value), let length, length > 0 { mrr = value / length }
        self.length = length
        self.mrr = mrr
        value = record.number(.value) ?? mrr.flatMap { mrr in length.map { mrr * $0 } }
    }
}
