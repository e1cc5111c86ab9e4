/// Planhat's analytics API: no token, only the tenant's UUID in the path (in `Authorization` for the Segment dock).
struct AnalyticsRoutes: Sendable {
    enum Call: Sendable, Equatable {
        case activities
        case metrics
        case segment
    }

    let store: SandboxStore
    let tenant: String

    /// Which call of the analytics API a request is, and the tenant in its path; nil for the main API.
    static func call(_ target: RequestTarget) -> (call: Call, tenant: String?)? {
        guard target.method == "POST" else { return nil }
        let parts = target.parts
        switch (parts.first, parts.count) {
        case ("analytics", 2) where parts[1] != "bulk": return (.activities, parts[1])
        case ("analytics", 3) where parts[1] == "bulk": return (.activities, parts[2])
        case ("dimensiondata", 2): return (.metrics, parts[1])
        case ("dock", 2) where parts[1] == "segment": return (.segment, nil)
        // As it was on the main host long ago.
        case (let tenant?, 2) where parts[1] == "dimensiondata": return (.metrics, tenant)
        default: return nil
        }
    }

    /// - Parameter user: the user name of Basic credentials, if there are any.
    /// - Parameter refuse: says why a row is to be refused, where it is.
    func answer(
        _ call: Call, tenant named: String?, user: String?, _ body: [UInt8],
        _ refuse: ((EventFields) -> String?)? = nil
    ) -> ApiAnswer {
        let switches = store.switches
        guard (named ?? user)?.lowercased() == tenant.lowercased() else {
            switch switches.unknownTenant {
            case .notFound: return .message(404, "Not found")
            case .unauthorized: return .message(401, "Unauthorized")
            case .errors: return ApiAnswer(status: 200, body: .bytes(Self.said(0, ["Unknown tenant"])))
            case .ignore: return ApiAnswer(status: 200, body: .bytes(Self.said(0, [])))
            }
        }
        let rows: [EventFields]
        do {
            rows = try EventFields.read(body)
        } catch {
            return .message(400, error.message)
        }
        let (totals, errors) = store.take(rows, as: call, refuse: refuse)
        var answer = ApiAnswer(status: 200, body: .bytes([]))
        switch switches.analytics {
        case .json:
            let status = switches.analyticsStatus == .bad && !errors.isEmpty ? 400 : 200
            let processed = switches.processed == .all ? rows.count : rows.count - totals.failed - dropped(totals)
            answer = ApiAnswer(status: status, body: .bytes(list(processed, errors, rows)))
        case .text: answer = ApiAnswer(status: 200, body: .bytes(Array("OK".utf8)), type: .text)
        case .empty: answer = ApiAnswer(status: 200, body: .bytes([]), type: .text)
        }
        answer.totals = totals
        return answer
    }

    private func dropped(_ totals: RowTotals) -> Int { store.switches.processed == .kept ? totals.dropped : 0 }

    private func list(_ processed: Int, _ errors: [(row: Int, message: String)], _ rows: [EventFields]) -> [UInt8] {
        var out = JSONWriter()
        out.open("{")
        out.member("processed", processed)
        out.name("errors")
        out.open("[")
        for error in errors {
            guard store.switches.errors != .string else {
                out.string(error.message)
                continue
            }
            out.open("{")
            out.member("message", error.message)
            if store.switches.errors == .index { out.member("index", error.row) }
            if store.switches.errors == .object {
                out.name("item")
                out.open("{")
                for member in rows[error.row].members { out.member(member.name, raw: member.value) }
                out.close("}")
            }
            out.close("}")
        }
        out.close("]")
        out.close("}")
        return out.bytes
    }

    private static func said(_ processed: Int, _ errors: [String]) -> [UInt8] {
        var out = JSONWriter()
        out.open("{")
        out.member("processed", processed)
        out.name("errors")
        out.open("[")
        for error in errors { out.string(error) }
        out.close("]")
        out.close("}")
        return out.bytes
    }
}

extension SandboxStore {
    /// Writes the rows of one analytics request. The errors name their row by its place.
    func take(
        _ rows: [EventFields], as call: AnalyticsRoutes.Call, refuse: ((EventFields) -> String?)?
    ) -> (totals: RowTotals, errors: [(row: Int, message: String)]) {
        update { state in
            let now = clock()
            var totals = RowTotals()
            var errors: [(row: Int, message: String)] = []
            totals.received = rows.count
            let path: WritableKeyPath<EventLog, RowTotals> = call == .metrics ? \.metrics : \.activities
            for (index, row) in rows.enumerated() {
                let result = refuse?(row).map { .failed($0) } ?? Self.write(row, as: call, now, &state)
                let isEvent = call != .segment || SegmentRules.isActivity(row)
                if isEvent { state.events[keyPath: path].received += 1 }
                switch result {
                case .kept: totals.created += 1
                case .dropped:
                    totals.dropped += 1
                    if isEvent { state.events[keyPath: path].dropped += 1 }
                case .failed(let message):
                    totals.failed += 1
                    if isEvent { state.events[keyPath: path].failed += 1 }
                    errors.append((index, message))
                }
            }
            state.revision += 1
            return (totals, errors)
        }
    }

    private static func write(
        _ row: EventFields, as call: AnalyticsRoutes.Call, _ now: Int64, _ state: inout StoreState
    ) -> EventResult {
        switch call {
        case .activities: ActivityRules(now: now).write(row, in: &state)
        case .metrics: MetricRules(now: now).write(row, in: &state)
        case .segment: SegmentRules(now: now).write(row, in: &state)
        }
    }
}
