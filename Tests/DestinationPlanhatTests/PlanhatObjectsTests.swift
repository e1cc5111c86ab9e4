import ConnectorKit
import DestinationPlanhat
import Testing

struct PlanhatObjectsTests {
    @Test func companyHasItsKeysAndBehaviors() {
        let company = PlanhatObjects.company
        #expect(company.keys.map(\.name) == ["externalId", "sourceId", "_id"])
        #expect(company.key("_id")?.canCreate == false)
        #expect(company.behaviors == [.updateOrCreate, .updateOnly])
        #expect(company.field("name")?.isRequiredOnCreate == true)
        #expect(company.batchItemsMax == 5_000 && company.batchBytesMax == 8 * 1_024 * 1_024)
    }

    @Test func endUserHasItsKeysAndReferences() {
        let user = PlanhatObjects.endUser
        #expect(user.keys.map(\.name) == ["sourceId", "externalId", "email", "_id"])
        #expect(user.key("externalId")?.uniqueWithin == "companyId")
        #expect(user.key("email")?.ignoresCase == true)
        guard case .reference(to: "company", let forms)? = user.field("companyId")?.type else {
            Issue.record("companyId is no reference")
            return
        }
        #expect(forms.map(\.prefix) == ["", "extid-", "srcid-"])
        #expect(forms.map(\.lookup) == [nil, "externalId", "sourceId"])
    }

    @Test(arguments: PlanhatObjects.all) func noFieldIsDeclaredTwice(_ object: DestinationObject) {
        let names = object.fields.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: PlanhatObjects.all) func whatPlanhatComputesCannotBeMapped(_ object: DestinationObject) {
        for name in ["updatedAt", "createdAt", "nps", "usage", "_id"] {
            #expect(object.field(name)?.isWritable == false)
        }
    }

    @Test func typeIsTheOneOfTheProjectFile() {
        let declaration = PlanhatDestination.type.declaration
        #expect(declaration.type == "planhat" && declaration.displayName == "Planhat")
        #expect(declaration.settings.filter(\.isSecret).map(\.name) == ["api_key", "tenant_uuid"])
        #expect(declaration.settings.filter(\.isRequired).map(\.name) == ["api_key"])
        #expect(PlanhatDestination.type.objects == PlanhatObjects.all)
    }
}
