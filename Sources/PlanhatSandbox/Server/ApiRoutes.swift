/// Planhat's main API, after authentication: which call a request is, and its answer.
struct ApiRoutes: Sendable {
    let store: SandboxStore

    func answer(_ target: RequestTarget, _ body: [UInt8], _ refusal: RowRefusal?) -> ApiAnswer {
        if target.parts == ["leancompanies"], target.method == "GET" { return lean(target) }
        if target.parts == ["dimensiondata"], target.method == "GET" {
            return ApiAnswer(status: 200, body: .bytes(MetricList(store.snapshot(), target.parameters).answer()))
        }
        guard let first = target.parts.first, let model = SandboxModel.named(first), target.parts.count <= 2 else {
            return .message(404, "Not found")
        }
        do throws(PayloadError) {
            if target.parts.count == 2 {
                return try single(target, model, target.parts[1], body, refusal)
            }
            let calls = model.rules.calls
            switch target.method {
            case "GET" where calls.contains(.list): return list(target, model)
            case "POST" where calls.contains(.create):
                return ApiAnswer(try store.write(model, id: nil, body, refuse: refusal))
            case "PUT" where calls.contains(.bulk):
                return ApiAnswer(try store.upsert(model, body, refuse: refusal))
            default: return .message(404, "Not found")
            }
        } catch {
            return .message(400, error.message)
        }
    }

    private func single(
        _ target: RequestTarget,
        _ model: SandboxModel,
        _ id: String,
        _ body: [UInt8],
        _ refusal: RowRefusal?
    ) throws(PayloadError) -> ApiAnswer {
        let calls = model.rules.calls
        switch target.method {
        case "GET" where calls.contains(.read): return read(model, id)
        case "PUT" where calls.contains(.change), "PATCH" where calls.contains(.change):
            return ApiAnswer(try store.write(model, id: id, body, refuse: refusal))
        case "DELETE" where calls.contains(.delete): return ApiAnswer(store.delete(model, id: id))
        case "POST" where model == .timeEntries && id == "duplicate": return ApiAnswer(try store.duplicate(body))
        default: return .message(404, "Not found")
        }
    }

    private func read(_ model: SandboxModel, _ id: String) -> ApiAnswer {
        let state = store.snapshot()
        guard let number = state.find(JSONText.inner(of: id), model), let record = state[model][number] else {
            return .message(404, "Not found")
        }
        var out = JSONWriter()
        RecordWriter(model, .single, state).write(Int(number), record, to: &out)
        return ApiAnswer(status: 200, body: .bytes(out.bytes))
    }

    private func list(_ target: RequestTarget, _ model: SandboxModel) -> ApiAnswer {
        let state = store.snapshot()
        let query = ListQuery(model, target.parameters, ignoresOwners: state.switches.filters == .ignore)
        if query.isOverLimit, state.switches.overLimit == .refuse {
            return .message(400, "limit must be at most \(model.rules.listLimits.max)")
        }
        let numbers = query.records(state)
        let writer = RecordWriter(model, .list, state, selection: query.selection)
        var out = JSONWriter(capacity: 64 + numbers.count * 256)
        out.open("[")
        for number in numbers {
            if let record = state[model][UInt32(number)] { writer.write(number, record, to: &out) }
        }
        out.close("]")
        return ApiAnswer(status: 200, body: .bytes(out.bytes))
    }

    private func lean(_ target: RequestTarget) -> ApiAnswer {
        let state = store.snapshot()
        if state.switches.lean == .refuse { return .message(404, "Not found") }
        let numbers = ListQuery(.companies, target.parameters, isLean: true).records(state)
        return ApiAnswer(status: 200, body: .stream(RecordStream(state, .companies, .leanArray, numbers)))
    }
}
