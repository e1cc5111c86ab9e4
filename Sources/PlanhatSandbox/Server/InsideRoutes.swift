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
            let state = sandbox.store.snapshot()
            if let kind = EventStream.Kind(rawValue: target.parts[2]) {
                return lines(ApiAnswer(status: 200, body: .events(EventStream(state, kind))))
            }
            guard let model = SandboxModel.named(target.parts[2]) else { break }
            let numbers = state.numbers(of: model)
            return lines(ApiAnswer(status: 200, body: .stream(RecordStream(state, model, .lines, numbers))))
        default: break
        }
        return ApiAnswer.message(404, "Not found").response()
    }

    private func lines(_ answer: ApiAnswer) -> Response {
        var response = answer.response()
        response.headers[.contentType] = "application/x-ndjson"
        return response
    }

    /// The sandbox in figures. Its form is told in docs/sandbox.md.
    private func stateJSON() -> [UInt8] {
        let state = sandbox.store.snapshot()
        var out = JSONWriter()
        out.open("{")
        out.name("counts")
        out.open("{")
        for model in SandboxModel.allCases { out.member(model.path, state.count(of: model)) }
        out.member("activities", state.events.activities.created)
        out.member("metrics", state.events.metrics.created)
        out.close("}")
        out.name("rows")
        out.open("{")
        for model in SandboxModel.allCases {
            out.name(model.path)
            write(state.totals[model.rawValue], to: &out)
        }
        for (name, totals) in [("activities", state.events.activities), ("metrics", state.events.metrics)] {
            out.name(name)
            write(totals, to: &out)
        }
        out.close("}")
        write("created_again", state.createdAgain, to: &out)
        write("sent_again", state.events.sentAgain, to: &out)
        out.member("requests", sandbox.log.total)
        write("requests_by_kind", sandbox.log.counts, to: &out)
        out.close("}")
        return out.bytes
    }

    private func write(_ name: String, _ counts: [String: Int], to out: inout JSONWriter) {
        out.name(name)
        out.open("{")
        for (key, times) in counts.sorted(by: { $0.key < $1.key }) { out.member(key, times) }
        out.close("}")
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
        out.member("sent_again", totals.sentAgain)
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
