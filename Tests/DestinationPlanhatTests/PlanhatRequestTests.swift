import ConnectorKit
import DestinationPlanhat
import NIOCore
import Records
import Testing

struct PlanhatRequestTests {
    @Test func companiesGoAsOneArrayOfTheirPayloadsUntouched() {
        let batch = batch(
            payloads: [
                ("A1", #"{"externalId":"A1","name":"Åkers \"Bruk\"","custom":{"Days in Phase":12.50}}"#),
                ("A2", #"{"externalId":"A2","name":null}"#),
            ], keyField: "externalId")
        let request = PlanhatRequest.bulkUpsert(batch, object: PlanhatObjects.company)
        #expect(request.method == .put && request.path == "/companies" && request.isWrite)
        #expect(
            request.body.map { String(buffer: $0) }
                == #"[{"externalId":"A1","name":"Åkers \"Bruk\"","custom":{"Days in Phase":12.50}},"#
                + #"{"externalId":"A2","name":null}]"#)
    }

    @Test func endUsersGoToTheirOwnPath() {
        let batch = batch(
            payloads: [("7", #"{"sourceId":"7","companyId":"extid-A1","email":"x@y.se"}"#)], keyField: "sourceId")
        let request = PlanhatRequest.bulkUpsert(batch, object: PlanhatObjects.endUser)
        #expect(request.path == "/endusers")
        #expect(
            request.body.map { String(buffer: $0) }
                == #"[{"sourceId":"7","companyId":"extid-A1","email":"x@y.se"}]"#)
    }

    @Test func aSliceSendsOnlyItsOwnPayloads() {
        let part = batch(["1", "2", "3"]).slice(1..<2)
        let request = PlanhatRequest.bulkUpsert(part, object: PlanhatObjects.company)
        #expect(request.body.map { String(buffer: $0) } == #"[{"externalId":"2","name":"Company 2"}]"#)
    }

    @Test func keysArePercentEncoded() {
        #expect(
            PlanhatRequest.one("companies", key: "a/b c?d#e%å+&", keyField: "externalId").path
                == "/companies/extid-a%2Fb%20c%3Fd%23e%25%C3%A5%2B%26")
        #expect(PlanhatRequest.one("companies", key: "x", keyField: "sourceId").path == "/companies/srcid-x")
        #expect(PlanhatRequest.one("companies", key: "5f", keyField: "_id").path == "/companies/5f")
        #expect(
            PlanhatRequest.list("endusers", limit: 2, filters: [("email", "a+b@c.se")]).path
                == "/endusers?limit=2&offset=0&email=a%2Bb%40c.se")
    }
}
