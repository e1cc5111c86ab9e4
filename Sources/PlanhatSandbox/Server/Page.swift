internal import Hummingbird
internal import NIOCore

/// The pages that show what arrived: plain HTML, no script, read from a snapshot.
struct Page: Sendable {
    static let rowsMax = 50

    let sandbox: Sandbox

    static func isPage(_ path: String) -> Bool {
        path == "/" || path == "/style.css" || model(path) != nil || events(path) != nil
    }

    func response(_ target: RequestTarget) -> Response {
        if target.path == "/style.css" { return Self.respond(PageStyle.text, type: "text/css; charset=utf-8") }
        if let kind = Self.events(target.path) { return html(EventPage(sandbox: sandbox).rows(kind)) }
        return html(Self.model(target.path).map { records($0, target) } ?? overview())
    }

    /// The model that a path such as `/licenses-page` shows.
    private static func model(_ path: String) -> SandboxModel? {
        guard path.hasPrefix("/"), path.hasSuffix("-page") else { return nil }
        return SandboxModel.named(String(path.dropFirst().dropLast(5)))
    }

    /// `/activities-page` and `/metrics-page`.
    private static func events(_ path: String) -> EventStream.Kind? {
        guard path.hasPrefix("/"), path.hasSuffix("-page") else { return nil }
        return EventStream.Kind(rawValue: String(path.dropFirst().dropLast(5)))
    }

    private func html(_ page: PageWriter) -> Response {
        Self.respond(page.finished, type: "text/html; charset=utf-8")
    }

    private static func respond(_ text: String, type: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        headers[.xContentTypeOptions] = "nosniff"
        headers[.cacheControl] = "no-store"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func overview() -> PageWriter {
        let state = sandbox.store.snapshot()
        var page = PageWriter(title: "Planhat sandbox")
        page.paragraph("A local Planhat. This page shows what arrived; load it again to see more.")
        // What holds something or was asked to; the two that most accounts start with always.
        let models = SandboxModel.allCases.filter { model in
            [.companies, .endusers].contains(model) || state.totals[model.rawValue].received > 0
                || state.count(of: model) > 0
        }
        page.table(
            "Records",
            head: [
                "Object", "Records", "Received", "Created", "Updated", "Unchanged", "Refused", "Dropped", "Deleted",
            ],
            rows: models.map { model in
                let totals = state.totals[model.rawValue]
                let numbers = [
                    state.count(of: model), totals.received, totals.created, totals.updated, totals.unchanged,
                    totals.failed, totals.dropped, totals.deleted,
                ]
                return [.link(model.path, "/\(model.path)-page")] + numbers.map { .number($0) }
            })
        EventPage(sandbox: sandbox).overview(state, to: &page)
        for model in models where model != .users && model != .customFields {
            let numbers = state[model].records.indices.reversed().lazy.filter {
                state.isMember(UInt32($0), of: model)
            }
            table("Newest \(model.path)", Array(numbers.prefix(10)), model, state, to: &page)
        }
        page.table(
            "Last requests",
            head: ["Time", "Request", "Status", "Rows", "Created", "Updated", "Unchanged", "Refused", "Milliseconds"],
            rows: sandbox.log.newest.prefix(20).map { entry in
                let rows = entry.rows
                return [
                    .text(RecordWriter.timestamp(entry.at)), .text("\(entry.method) \(entry.path)"),
                    .text(entry.status == 0 ? "closed without answer" : String(entry.status)), .number(rows.received),
                    .number(rows.created), .number(rows.updated), .number(rows.unchanged), .number(rows.failed),
                    .number(Int(entry.microseconds / 1_000)),
                ]
            })
        return page
    }

    private func records(_ model: SandboxModel, _ target: RequestTarget) -> PageWriter {
        let state = sandbox.store.snapshot()
        let numbers = state.numbers(of: model)
        let last = max(1, (numbers.count + Self.rowsMax - 1) / Self.rowsMax)
        let number = min(max(target.parameter("page").flatMap { Int($0) } ?? 1, 1), last)
        var page = PageWriter(title: "Planhat sandbox: \(model.path)")
        page.paragraph("\(numbers.count) records, page \(number) of \(last).")
        let shown = numbers.dropFirst((number - 1) * Self.rowsMax).prefix(Self.rowsMax)
        table("Page \(number)", Array(shown), model, state, to: &page)
        var links = [("All objects", "/")]
        if number > 1 { links.append(("Previous page", "/\(model.path)-page?page=\(number - 1)")) }
        if number < last { links.append(("Next page", "/\(model.path)-page?page=\(number + 1)")) }
        page.navigation(links)
        return page
    }

    private func table(
        _ title: String,
        _ numbers: [Int],
        _ model: SandboxModel,
        _ state: StoreState,
        to page: inout PageWriter
    ) {
        let rows = numbers.compactMap { number -> [PageWriter.Cell]? in
            guard let record = state[model][UInt32(number)] else { return nil }
            var custom: [String] = []
            record.forEachField { name, value in
                let entry = state.names.names[Int(name)]
                if entry.isCustom { custom.append("\(entry.text): \(JSONText.plain(value))") }
            }
            let rules = model.rules
            let title = rules.title.lazy.compactMap { record.text($0) }.first ?? record.personName ?? ""
            let id = String(decoding: RecordID.text(model, number), as: UTF8.self)
            return [
                .text(title), .text(record.text(.sourceId) ?? ""),
                .text(record.text(rules.ownID) ?? ""), .text(record.text(.email) ?? ""), .text(id),
                .text(custom.joined(separator: "; ")), .text(RecordWriter.timestamp(record.updatedAt)),
            ]
        }
        page.table(
            title, head: ["Name", "Source ID", "External ID", "Email", "_id", "Custom fields", "Written"], rows: rows)
    }
}
