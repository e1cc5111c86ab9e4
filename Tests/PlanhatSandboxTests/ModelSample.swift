import PlanhatSandbox
import Testing

/// One model as the tests write it: a row that is enough to make a record, and a change to it.
struct ModelSample: Sendable, CustomTestStringConvertible {
    let path: String
    /// Name and JSON value of each property of the row; all are required unless listed in `optional`.
    let row: [String: String]
    /// A property that is not in the row, and its JSON value.
    let change: (name: String, value: String)
    /// The keys after `_id`.
    var keys = ["sourceId", "externalId"]
    var optional: Set<String> = []
    /// Whether the keys come back in `insertsKeys`.
    var echoes = true

    var testDescription: String { path }

    /// The row as JSON, with `more` laid over it; nil takes a property out.
    func json(_ more: [String: String?] = [:]) -> String {
        var members: [String: String] = row
        for (name, value) in more { members[name] = value }
        let texts = members.sorted { $0.key < $1.key }.map { name, value in "\"\(name)\":\(value)" }
        return "{" + texts.joined(separator: ",") + "}"
    }

    private static let company = ["companyId": "\"extid-one\""]
    private static let named = ["companyId": "\"extid-one\"", "name": "\"N\""]
    static let deal = "5a6b8c0d0e09000000000000"

    static let all = [
        ModelSample(path: "assets", row: named, change: ("serialNumber", "\"7\"")),
        ModelSample(path: "campaigns", row: named, change: ("campaignPurpose", "\"upsell\"")),
        ModelSample(
            path: "churn", row: ["companyId": "\"extid-one\"", "value": "100"], change: ("reasons", "[\"price\"]")),
        ModelSample(path: "conversations", row: company, change: ("subject", "\"S\""), keys: ["externalId"]),
        ModelSample(path: "deals", row: company, change: ("stage", "\"Closed Won\"")),
        ModelSample(
            path: "invoices", row: ["cId": "\"extid-one\"", "currency": "\"EUR\""], change: ("invoiceDate", "20000"),
            keys: ["sourceId", "extId"]),
        ModelSample(path: "issues", row: ["title": "\"T\""], change: ("priority", "\"high\""), keys: ["sourceId"]),
        ModelSample(
            path: "licenses",
            row: [
                "companyId": "\"extid-one\"", "_currency": "\"EUR\"", "fromDate": "\"2026-01-01\"", "mrr": "100",
            ],
            change: ("product", "\"Pro\""), echoes: false),
        ModelSample(
            path: "lineitems", row: ["dealId": "\"\(deal)\"", "fromDate": "\"2026-01-01\"", "mrr": "100"],
            change: ("currency", "\"EUR\"")),
        ModelSample(
            path: "nps", row: ["email": "\"a@one.example\"", "score": "9"], change: ("comment", "\"good\""),
            keys: ["sourceId"]),
        ModelSample(path: "objectives", row: named, change: ("health", "7")),
        ModelSample(path: "opportunities", row: company, change: ("salesStage", "\"Demo\"")),
        ModelSample(path: "products", row: ["name": "\"N\""], change: ("mrr", "50")),
        ModelSample(path: "projects", row: named, change: ("startDate", "\"2026-01-01\"")),
        ModelSample(
            path: "sales",
            row: [
                "companyId": "\"extid-one\"", "_currency": "\"EUR\"", "salesDate": "\"2026-01-01\"", "value": "5",
            ],
            change: ("product", "\"Setup\"")),
        ModelSample(
            path: "tasks", row: ["companyId": "\"extid-one\"", "mainType": "\"task\""],
            change: ("action", "\"Call\"")),
        ModelSample(
            path: "tickets",
            row: ["companyId": "\"extid-one\"", "email": "\"a@one.example\"", "sourceId": "\"t0\""],
            change: ("status", "\"open\""), keys: ["sourceId"], optional: ["email"]),
        ModelSample(
            path: "timeentries", row: ["date": "\"2026-01-01\"", "hours": "1.5"], change: ("billingCode", "\"B\""),
            keys: []),
        ModelSample(path: "timesheets", row: [:], change: ("dateFrom", "20000"), keys: []),
        ModelSample(
            path: "users",
            row: [
                "email": "\"u@x.example\"", "nickName": "\"U\"", "firstName": "\"U\"", "lastName": "\"V\"",
            ],
            change: ("tzOffset", "60"), keys: ["externalId", "email"]),
        ModelSample(path: "workspaces", row: named, change: ("ownerId", "\"5a6b8c0d0e03000000000000\"")),
        ModelSample(path: "companies", row: ["name": "\"N\""], change: ("phase", "\"P\"")),
        ModelSample(
            path: "endusers", row: ["companyId": "\"extid-one\"", "email": "\"b@one.example\""],
            change: ("position", "\"CEO\""), keys: ["sourceId", "externalId", "email"],
            optional: ["companyId", "email"]),
    ]

    /// Those that belong to one company each.
    static let ofCompanies = all.filter { $0.row["companyId"] != nil || $0.row["cId"] != nil }

    /// A sandbox with two companies, an end user of the first, and a deal.
    static func fixture(_ switches: String...) throws -> SandboxFixture {
        let fixture = try SandboxFixture(all: switches)
        fixture.upsert(
            #"{"externalId":"one","sourceId":"s-one","name":"One","domains":["one.example"]},"#
                + #"{"externalId":"two","name":"Two"}"#)
        fixture.upsert(#"{"email":"a@one.example","firstName":"Ann","companyId":"extid-one"}"#, to: "/endusers")
        fixture.upsert(#"{"name":"D","companyId":"extid-one"}"#, to: "/deals")
        return fixture
    }
}
