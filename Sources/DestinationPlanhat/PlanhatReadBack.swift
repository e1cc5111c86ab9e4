package import ConnectorKit
package import Records

/// Whether metrics that were in doubt have arrived, by reading Planhat's dimension data. Notes with an external id are
/// found by it (`NoteReadBack`). Activities and time entries cannot be told from others.
extension PlanhatDestination: ReadBack {
    /// So many pairs of company and dimension are asked for by themselves; more are looked for in all that the
    /// dimensions hold for those days.
    static let pairsMax = 20

    package func haveArrived(
        _ batch: OperationBatch, object: DestinationObject
    ) async throws(DestinationError) -> [Bool?] {
        if object.name == PlanhatObjects.note.name { return try await haveArrived(notes: batch) }
        guard AnalyticsEndpoint(object) == .metrics else { return batch.entries.map { _ in nil } }
        let sent = batch.entries.map { SentMetric(Array(batch.bytes[$0.payload])) }
        let records = try await measuredRecords(sent.compactMap(\.self))
        var sought: [SoughtMetric?] = []
        for metric in sent {
            sought.append(metric.flatMap { metric in records[metric.record].map { SoughtMetric(metric, $0) } })
        }
        var found = try await stored(sought.compactMap(\.self))
        return sought.map { metric -> Bool? in
            guard let metric, let left = found[metric], left > 0 else { return nil }
            // Of two equal rows one that is there proves one.
            found[metric] = left - 1
            return true
        }
    }

    /// The records that the metrics are about, as far as one alone has the external id.
    private func measuredRecords(
        _ metrics: [SentMetric]
    ) async throws(DestinationError) -> [MeasuredRecord: MeasuredPlace] {
        var places: [MeasuredRecord: MeasuredPlace] = [:]
        for model in Set(metrics.map(\.record.model)).sorted() {
            guard let object = Self.measured[model] else { continue }
            let keys = Set(metrics.map(\.record).filter { $0.model == model }.map(\.externalId)).sorted()
            let isCompany = object.name == PlanhatObjects.company.name
            // An external id may stand in several companies: who has it is looked for in the whole list then.
            if isCompany, keys.count <= PlanhatSearch.singleReadsMax {
                let search = PlanhatSearch(destination: self, object: object, keyField: "externalId")
                for (key, found) in zip(keys, try await search.find(keys)) {
                    guard case .one(let id) = found else { continue }
                    places[MeasuredRecord(model: model, externalId: key)] = MeasuredPlace(id: id, company: id)
                }
                continue
            }
            var found: [String: Set<MeasuredPlace>] = [:]
            let wanted = Set(keys)
            let fields = ["externalId", "_id"] + (isCompany ? [] : ["companyId"])
            try await eachPage(of: object, fields: fields) { rows in
                for row in rows where wanted.contains(row[0]) {
                    found[row[0], default: []].insert(
                        MeasuredPlace(id: row[1], company: row.count > 2 ? row[2] : row[1]))
                }
            }
            for (key, candidates) in found where candidates.count == 1 {
                places[MeasuredRecord(model: model, externalId: key)] = candidates.first
            }
        }
        return places
    }

    private static let measured = [
        "company": PlanhatObjects.company, "enduser": PlanhatObjects.endUser, "asset": PlanhatObjects.asset,
        "project": PlanhatObjects.project,
    ]

    /// How often each metric is there.
    private func stored(_ sought: [SoughtMetric]) async throws(DestinationError) -> [SoughtMetric: Int] {
        let wanted = Set(sought)
        var counts: [SoughtMetric: Int] = [:]
        for query in MetricQuery.queries(for: wanted, pairsMax: Self.pairsMax) {
            var pages = RecordPages(client: client, path: "dimensiondata", filters: query.filters)
            pages.sort = nil
            pages.limit = MetricQuery.rowsMax
            while let rows = try await pages.next() {
                for metric in rows.compactMap({ SoughtMetric(row: $0) }) where wanted.contains(metric) {
                    counts[metric, default: 0] += 1
                }
            }
        }
        return counts
    }
}

/// The record that a metric names.
struct MeasuredRecord: Sendable, Hashable {
    /// In lower case; `company` where the metric names none.
    var model: String
    var externalId: String
}

/// Where Planhat keeps that record's metrics.
struct MeasuredPlace: Sendable, Hashable {
    var id: String
    var company: String
}

/// A metric as it was sent. Nil where it cannot be told from others that arrived: without a date it has the time of
/// its receipt.
struct SentMetric: Sendable, Hashable {
    var record: MeasuredRecord
    var dimension: String
    var value: Double
    /// Milliseconds since 1970.
    var time: Int64

    init?(_ payload: [UInt8]) {
        guard let json = JSONReader.valueIfAny(payload), let key = json["externalId"]?.scalarText, !key.isEmpty,
            let dimension = json["dimensionId"]?.scalarText, !dimension.isEmpty,
            case .number(let digits)? = json["value"], let value = Double(digits),
            let time = json["date"]?.scalarText.flatMap(MetricTime.milliseconds)
        else { return nil }
        record = MeasuredRecord(model: json["model"]?.scalarText?.lowercased() ?? "company", externalId: key)
        self.dimension = dimension
        self.value = value
        self.time = time
    }
}

/// A metric by Planhat's own ids, for holding against what Planhat lists.
struct SoughtMetric: Sendable, Hashable {
    var recordID: String
    var company: String
    var dimension: String
    var value: Double
    var time: Int64

    init(_ metric: SentMetric, _ place: MeasuredPlace) {
        recordID = place.id
        company = place.company
        dimension = metric.dimension
        value = metric.value
        time = metric.time
    }

    var day: Int64 { MetricTime.day(time) }

    /// A listed row; `parentId` names the record where it is not the company itself. Nil where the row does not say
    /// enough.
    init?(row: JSONValue) {
        guard let dimension = row["dimensionId"]?.scalarText, let company = row["companyId"]?.scalarText,
            case .number(let digits)? = row["value"], let value = Double(digits),
            let time = row["time"]?.scalarText.flatMap(MetricTime.milliseconds)
        else { return nil }
        let model = row["model"]?.scalarText?.lowercased() ?? "company"
        guard let record = row["parentId"]?.scalarText ?? (model == "company" ? company : nil) else { return nil }
        recordID = record
        self.company = company
        self.dimension = dimension
        self.value = value
        self.time = time
    }
}

/// One list request, page by page.
struct MetricQuery: Sendable, Hashable {
    static let rowsMax = 10_000

    var company: String?
    var dimension: String
    var days: ClosedRange<Int64>

    var filters: [(String, String)] {
        (company.map { [("cId", $0)] } ?? [])
            + [("dimid", dimension), ("from", String(days.lowerBound)), ("to", String(days.upperBound))]
    }

    static func queries(for wanted: Set<SoughtMetric>, pairsMax: Int) -> [MetricQuery] {
        let pairs = grouped(wanted) { [$0.company, $0.dimension] }
        let isFew = pairs.count <= pairsMax
        let groups = isFew ? pairs : grouped(wanted) { ["", $0.dimension] }
        return groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, days in
            MetricQuery(company: isFew ? key[0] : nil, dimension: key[1], days: days)
        }
    }

    private static func grouped(
        _ wanted: Set<SoughtMetric>, by key: (SoughtMetric) -> [String]
    ) -> [[String]: ClosedRange<Int64>] {
        var groups: [[String]: ClosedRange<Int64>] = [:]
        for metric in wanted {
            let days = groups[key(metric)] ?? metric.day...metric.day
            groups[key(metric)] = min(days.lowerBound, metric.day)...max(days.upperBound, metric.day)
        }
        return groups
    }
}

/// Points of time as metrics have them.
enum MetricTime {
    static func day(_ milliseconds: Int64) -> Int64 { Calendar.split(milliseconds * 1_000).days }

    /// Milliseconds since 1970 of an ISO 8601 date or instant.
    static func milliseconds(_ text: String) -> Int64? {
        let micros = unsafe Array(text.utf8).withUnsafeBytes { unsafe ISOInstant($0)?.micros }
        return micros.map { Calendar.split($0).days * 86_400_000 + Calendar.split($0).micros / 1_000 }
    }
}
