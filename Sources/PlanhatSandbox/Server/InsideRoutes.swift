internal import Hummingbird
internal import NIOCore

/// What Planhat does not have: the pages, and `/_sandbox` for looking in from other processes. No token; only for this
/// machine, under a loopback name (so that a page from elsewhere cannot reach it by pointing its own name here).
struct InsideRoutes: Sendable {
    let sandbox: Sandbox

    /// Nil where the path belongs to the API.
    func answer(_ target: RequestTarget, _ request: Request, _ channel: any Channel) -> Response? {
        let isInside = target.parts.first == "_sandbox"
        guard isInside || target.method == "GET", isInside || Page.isPage(target.path) else { return nil }
        guard isFromHere(request, channel) else {
            return ApiAnswer.message(403, "Only for this machine, by the name localhost or 127.0.0.1").response()
        }
        return isInside ? look(target) : Page(sandbox: sandbox).response(target)
    }

    private func look(_ target: RequestTarget) -> Response {
        switch (target.method, target.parts.count) {
        case ("GET", 2) where target.parts[1] == "state":
            return ApiAnswer(status: 200, body: .bytes(stateJSON())).response()
        case ("POST", 2) where target.parts[1] == "reset":
            sandbox.reset()
            return ApiAnswer(status: 200, body: .bytes(Array(#"{"ok":true}"#.utf8))).response()
        case ("GET", 3) where target.parts[1] == "records":
            guard let model = SandboxModel.named(target.parts[2]) else { break }
            let state = sandbox.store.snapshot()
            let numbers = state.numbers(of: model)
            var response = ApiAnswer(status: 200, body: .stream(RecordStream(state, model, .lines, numbers))).response()
            response.headers[.contentType] = "application/x-ndjson"
            return response
        default: break
        }
        return ApiAnswer.message(404, "Not found").response()
    }

    /// The sandbox in figures. Its form is told in docs/sandbox.md.
    private func stateJSON() -> [UInt8] {
        let state = sandbox.store.snapshot()
        var out = JSONWriter()
        out.open("{")
        out.name("counts")
        out.open("{")
        for model in SandboxModel.allCases { out.member(model.path, state.count(of: model)) }
        out.close("}")
        out.name("rows")
        out.open("{")
        for model in SandboxModel.allCases {
            out.name(model.path)
            write(state.totals[model.rawValue], to: &out)
        }
        out.close("}")
        out.name("created_again")
        out.open("{")
        for (key, times) in state.createdAgain.sorted(by: { $0.key < $1.key }) { out.member(key, times) }
        out.close("}")
        out.member("requests", sandbox.log.total)
        out.name("requests_by_kind")
        out.open("{")
        for (kind, times) in sandbox.log.counts.sorted(by: { $0.key < $1.key }) { out.member(kind, times) }
        out.close("}")
        out.close("}")
        return out.bytes
    }

    private func write(_ totals: RowTotals, to out: inout JSONWriter) {
        out.open("{")
        out.member("received", totals.received)
        out.member("created", totals.created)
        out.member("updated", totals.updated)
        out.member("unchanged", totals.unchanged)
        out.member("failed", totals.failed)
        out.member("dropped", totals.dropped)
        out.member("deleted", totals.deleted)
        out.member("created_again", totals.createdAgain)
        out.close("}")
    }

    private func isFromHere(_ request: Request, _ channel: any Channel) -> Bool {
        let site = request.headers.first { $0.name.canonicalName == "sec-fetch-site" }?.value ?? "none"
        guard site == "same-origin" || site == "none" || request.method == .get else { return false }
        guard let address = channel.remoteAddress?.ipAddress else { return false }
        guard address.hasPrefix("127.") || address == "::1" else { return false }
        let authority = request.head.authority ?? "localhost"
        let host = authority.hasPrefix("[") ? "::1" : String(authority.prefix { $0 != ":" })
        return ["localhost", "127.0.0.1", "::1"].contains(host)
    }
}
