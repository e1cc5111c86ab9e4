import ConnectorKit
import DestinationPlanhat
import NIOCore
import Records
import Testing

/// What a row of each object looks like on the wire.
struct GoldenBody: Sendable {
    var object: DestinationObject
    var behavior: Behavior
    var keyField: String
    var path: String
    var row: String

    init(
        _ object: DestinationObject, _ behavior: Behavior, by keyField: String, _ path: String, _ row: String
    ) {
        self.object = object
        self.behavior = behavior
        self.keyField = keyField
        self.path = path
        self.row = row
    }

    struct NotAnObject: Error {}

    /// The properties of the row, `custom` left out.
    func properties() throws -> [String: JSONValue] {
        guard case .object(let members)? = JSONReader.valueIfAny(Array(row.utf8)) else {
            throw NotAnObject()
        }
        var properties: [String: JSONValue] = [:]
        for member in members where member.name != "custom" { properties[member.name] = member.value }
        return properties
    }
}

struct PlanhatBodiesTests {
    private static let company = #""companyId":"extid-a1""#

    static let creating: [GoldenBody] = [
        GoldenBody(
            PlanhatObjects.company, .updateOrCreate, by: "externalId", "/companies",
            #"{"externalId":"1","name":"Å","status":"customer","csmScore":5,"custom":{"Days in Phase":3}}"#),
        GoldenBody(
            PlanhatObjects.endUser, .updateOrCreate, by: "sourceId", "/endusers",
            #"{"sourceId":"1",\#(company),"email":"a@x.se","custom":{"Role":"CFO"}}"#),
        GoldenBody(
            PlanhatObjects.license, .updateOrCreate, by: "externalId", "/licenses",
            #"{"externalId":"1",\#(company),"_currency":"EUR","fromDate":"2026-01-01","value":100.5,"#
                + #""fixedPeriod":true,"product":"Base"}"#),
        GoldenBody(
            PlanhatObjects.churn, .updateOrCreate, by: "sourceId", "/churn",
            #"{"sourceId":"1",\#(company),"value":12,"churnDate":"2026-01-01","reasons":["price"]}"#),
        GoldenBody(
            PlanhatObjects.nps, .updateOrCreate, by: "sourceId", "/nps",
            #"{"sourceId":"1","email":"a@x.se","score":9,"cId":"extid-a1","dateAnswered":"2026-01-01T00:00:00.000Z"}"#),
        GoldenBody(
            PlanhatObjects.asset, .updateOrCreate, by: "sourceId", "/assets",
            #"{"sourceId":"1",\#(company),"name":"Pump","_currency":"SEK","custom":{"Site":null}}"#),
        GoldenBody(
            PlanhatObjects.campaign, .updateOrCreate, by: "externalId", "/campaigns",
            #"{"externalId":"1",\#(company),"name":"Spring","campaignPurpose":"Upsell"}"#),
        GoldenBody(
            PlanhatObjects.conversation, .updateOrCreate, by: "externalId", "/conversations",
            #"{"externalId":"1",\#(company),"type":"visit","subject":"Hello","description":"<p>Hi</p>"}"#),
        GoldenBody(
            PlanhatObjects.deal, .updateOrCreate, by: "externalId", "/deals",
            #"{"externalId":"1",\#(company),"mrr":10,"currency":"EUR"}"#),
        GoldenBody(
            PlanhatObjects.invoice, .updateOrCreate, by: "externalId", "/invoices",
            #"{"extId":"1","cId":"srcid-a1","currency":"EUR","invoiceDate":20454,"amountTotal":99.9,"status":"paid"}"#),
        GoldenBody(
            PlanhatObjects.issue, .updateOrCreate, by: "sourceId", "/issues",
            #"{"sourceId":"1","title":"Crash","companyIds":["extid-a1","extid-a2"],"archived":false}"#),
        GoldenBody(
            PlanhatObjects.objective, .updateOrCreate, by: "externalId", "/objectives",
            #"{"externalId":"1",\#(company),"name":"Adopt","health":4}"#),
        GoldenBody(
            PlanhatObjects.opportunity, .updateOrCreate, by: "sourceId", "/opportunities",
            #"{"sourceId":"1",\#(company),"title":"More","status":"active","arr":1200,"closeDate":"2026-02-01"}"#),
        GoldenBody(
            PlanhatObjects.project, .updateOrCreate, by: "externalId", "/projects",
            #"{"externalId":"1",\#(company),"name":"Start","startDate":"2026-01-01","currency":"EUR"}"#),
        GoldenBody(
            PlanhatObjects.sale, .updateOrCreate, by: "externalId", "/sales",
            #"{"externalId":"1",\#(company),"_currency":"EUR","salesDate":"2026-01-01","value":50}"#),
        GoldenBody(
            PlanhatObjects.task, .updateOrCreate, by: "sourceId", "/tasks",
            #"{"sourceId":"1",\#(company),"mainType":"task","action":"Call","repeat":"weekly"}"#),
        GoldenBody(
            PlanhatObjects.ticket, .updateOrCreate, by: "sourceId", "/tickets",
            #"{"sourceId":"1",\#(company),"email":"a@x.se","title":"Help","agentEmail":null}"#),
        GoldenBody(
            PlanhatObjects.user, .updateOrCreate, by: "email", "/users",
            #"{"email":"c@x.se","nickName":"Cy","firstName":"Cy","lastName":"Ek","inactive":false}"#),
        GoldenBody(
            PlanhatObjects.workspace, .updateOrCreate, by: "externalId", "/workspaces",
            #"{"externalId":"1",\#(company),"name":"Room","ownerId":"65a000000000000000000001"}"#),
    ]

    /// An update carries the key and what changed, nothing else.
    static let updating: [GoldenBody] =
        creating.filter { $0.object.behaviors.contains(.updateOnly) }.map { golden in
            GoldenBody(
                golden.object, .updateOnly, by: "_id", golden.path,
                #"{"_id":"65a000000000000000000009","custom":{"Note":"x"}}"#)
        } + [
            GoldenBody(
                PlanhatObjects.note, .updateOnly, by: "_id", "/conversations",
                #"{"_id":"65a000000000000000000009","subject":"New","description":"<b>x</b>"}"#),
            GoldenBody(
                PlanhatObjects.timeEntry, .updateOnly, by: "_id", "/timeentries",
                #"{"_id":"65a000000000000000000009","date":"2026-01-01","hours":7.5,"isBillable":true}"#),
        ]

    static let sending: [GoldenBody] = [
        GoldenBody(
            PlanhatObjects.activity, .send, by: "", "/analytics/bulk/{tenant}",
            #"{"email":"a@x.se","action":"Login","date":"2026-01-01T00:00:00.000Z","info":{"page":1}}"#),
        GoldenBody(
            PlanhatObjects.metric, .send, by: "externalId", "/dimensiondata/{tenant}",
            #"{"externalId":"a1","dimensionId":"seats","value":12.5,"model":"Company","date":"2026-01-01T00:00:00.000Z"}"#
        ),
    ]

    /// A row looks the same whether what is there is read before or not.
    static let guarded: [GoldenBody] = creating.flatMap { golden in
        [Behavior.createOnly, .mirror].map {
            GoldenBody(golden.object, $0, by: golden.keyField, golden.path, golden.row)
        }
    }

    /// A record goes by Planhat's own id, without a body.
    static let deleting: [GoldenBody] = (creating + updating.suffix(2)).map { golden in
        GoldenBody(golden.object, .delete, by: "_id", golden.path + "/65a000000000000000000009", "")
    }

    static let written = creating + guarded + updating + sending
    static let all = written + deleting

    @Test(arguments: deleting) func deletionNamesTheRecordAndHasNoBody(_ golden: GoldenBody) {
        let request = PlanhatRequest.delete(golden.object.path, id: "65a000000000000000000009")
        #expect(request.method.rawValue == "DELETE" && request.path == golden.path && request.body == nil)
        #expect(request.isWrite && request.host == .main)
    }

    @Test(arguments: written) func bodyAndPathAreThoseOfPlanhat(_ golden: GoldenBody) {
        let batch = batch(payloads: [("1", golden.row), ("2", golden.row)], keyField: golden.keyField)
        let endpoint = AnalyticsEndpoint(golden.object)
        let request =
            endpoint.map { PlanhatRequest.send(batch, to: $0) }
            ?? PlanhatRequest.bulkUpsert(batch, object: golden.object)
        #expect((endpoint != nil) == (golden.behavior == .send))
        #expect(request.method == (endpoint == nil ? .put : .post) && request.path == golden.path)
        #expect(request.body.map { String(buffer: $0) } == "[\(golden.row),\(golden.row)]")
    }

    /// The rows above are what the declarations lead to: names as they are sent, all that is needed, nothing computed.
    @Test(arguments: written) func rowIsMadeOfDeclaredFields(_ golden: GoldenBody) throws {
        let properties = try golden.properties()
        let key = golden.object.key(golden.keyField)?.name
        #expect(key.map { properties[$0] != nil } ?? golden.object.keys.isEmpty)
        for name in properties.keys where name != key {
            let field = golden.object.field(name)
            #expect(field?.name == name && field?.isWritable == true, "\(golden.object.name): \(name)")
        }
        guard golden.behavior != .updateOnly else { return }
        for field in golden.object.fields where field.isRequiredOnCreate {
            #expect(properties[field.name] != nil, "\(golden.object.name) needs \(field.name)")
        }
    }

    @Test(arguments: written) func choicesAndBoundsAreKept(_ golden: GoldenBody) throws {
        for (name, value) in try golden.properties() {
            guard let field = golden.object.field(name) else { continue }
            if case .choice(let choices) = field.type { #expect(choices.contains(value.scalarText ?? "")) }
            if let range = field.range { #expect(range.contains(Double(value.scalarText ?? "") ?? .nan)) }
        }
    }

    @Test func everyObjectAndBehaviorHasARow() {
        let shown = Set(Self.all.map { "\($0.object.name) \($0.behavior.rawValue)" })
        let declared = Set(
            PlanhatObjects.all.flatMap { object in object.behaviors.map { "\(object.name) \($0.rawValue)" } })
        #expect(shown == declared)
    }
}
