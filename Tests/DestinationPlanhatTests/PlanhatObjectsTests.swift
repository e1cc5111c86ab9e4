import ConnectorKit
import DestinationPlanhat
import Testing

struct PlanhatObjectsTests {
    @Test func companyHasItsKeysAndBehaviors() {
        let company = PlanhatObjects.company
        #expect(company.keys.map(\.name) == ["externalId", "sourceId", "_id"])
        #expect(company.key("_id")?.canCreate == false)
        #expect(company.behaviors == [.updateOrCreate, .updateOnly, .createOnly, .mirror, .delete])
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
        #expect(forms.map(\.prefix) == ["", "extid-", "srcid-", "", ""])
        #expect(forms.map(\.lookup) == [nil, "externalId", "sourceId", "name", "domain"])
        #expect(forms.map(\.matchField) == [nil, nil, nil, "name", "domains"])
    }

    static let upserted = PlanhatObjects.all.filter { $0.behaviors != [.send] }

    @Test func objectsHaveTheNamesOfTheProjectFile() {
        #expect(
            PlanhatObjects.all.map(\.name) == [
                "company", "end_user", "license", "churn", "nps", "asset", "campaign", "conversation", "deal",
                "invoice", "issue", "note", "objective", "opportunity", "project", "sale", "task", "ticket", "user",
                "workspace", "time_entry", "activity", "metric",
            ])
    }

    // MARK: Every declaration is whole

    @Test(arguments: PlanhatObjects.all) func noFieldIsDeclaredTwice(_ object: DestinationObject) {
        let names = object.fields.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        let keys = object.keys.flatMap { [$0.name] + $0.aliases }
        #expect(Set(keys).count == keys.count)
    }

    @Test(arguments: PlanhatObjects.all) func whatPlanhatComputesCannotBeMapped(_ object: DestinationObject) {
        let written = object.name == "ticket" ? ["createdAt", "updatedAt"] : []
        for name in ["updatedAt", "createdAt", "companyName", "nps", "usage", "_id"] where !written.contains(name) {
            if let field = object.field(name) { #expect(!field.isWritable) }
        }
        for name in written { #expect(object.field(name)?.isWritable == true) }
    }

    /// A key that may create is a field that is written, with the same name and the same aliases.
    @Test(arguments: PlanhatObjects.all) func everyKeyIsAField(_ object: DestinationObject) {
        for key in object.keys {
            let field = object.field(key.name)
            #expect(field?.name == key.name && field?.isWritable == key.canCreate)
            for alias in key.aliases { #expect(field?.aliases.contains(alias) == true) }
            if let parent = key.uniqueWithin {
                guard case .reference(to: "company", _)? = object.field(parent)?.type else {
                    Issue.record("\(object.name): \(parent) is no company")
                    continue
                }
                #expect(object.field(parent)?.name == parent)
            }
        }
    }

    @Test(arguments: upserted) func ownIDsOnlyUpdate(_ object: DestinationObject) {
        #expect(object.keys.filter { !$0.canCreate }.map(\.name) == ["_id"])
        let creates = object.keys.contains(where: \.canCreate)
        #expect(object.behaviors.contains(.updateOrCreate) == creates)
    }

    /// Users have no company, and the external id of a company is unique by itself.
    @Test(arguments: upserted) func externalIDsAreUniqueWithinACompany(_ object: DestinationObject) {
        guard let key = object.key("externalId") else { return }
        #expect((key.uniqueWithin == nil) == ["company", "user"].contains(object.name))
    }

    @Test(arguments: PlanhatObjects.all) func whatIsNeededCanBeWritten(_ object: DestinationObject) {
        for field in object.fields where field.isRequiredOnCreate { #expect(field.isWritable) }
        for name in object.requiredInEachRow.flatMap(\.self) { #expect(object.field(name)?.isWritable == true) }
        let label = object.labelField ?? ""
        #expect(object.field(label)?.name == label)
    }

    @Test(arguments: PlanhatObjects.all) func referencesPointToWhatIsThere(_ object: DestinationObject) {
        for field in object.fields {
            let target: String
            let forms: [ReferenceForm]
            switch field.type {
            case .reference(to: let name, forms: let found), .referenceList(to: let name, forms: let found):
                (target, forms) = (name, found)
            default: continue
            }
            let other = PlanhatObjects.all.first { $0.name == target }
            #expect(other?.isReadable == true)
            #expect(forms.first?.lookup == nil && Set(forms.map(\.lookup)).count == forms.count)
            for name in forms.compactMap(\.matchField) { #expect(other?.field(name)?.name == name) }
            for form in forms where !form.prefix.isEmpty { #expect(other?.key(form.lookup ?? "") != nil) }
        }
    }

    @Test(arguments: PlanhatObjects.all)
    func keysWithAnotherNameInTheListAreFoundByTheList(_ object: DestinationObject) {
        let renamed = object.keys.map(\.name).filter { object.storedName(of: $0) != nil }
        #expect(object.keysFoundByList == Set(renamed))
    }

    @Test(arguments: upserted) func limitsAreThoseOfBulkUpserts(_ object: DestinationObject) {
        #expect(object.batchItemsMax == 5_000 && object.batchBytesMax == 8 << 20)
        #expect(object.acceptsUnknownFieldsUnder == "custom" && object.repeatable == .byKey)
        #expect(object.requiredSettings.isEmpty)
        // An answer to several need not say which were refused.
        #expect(object.sendItemsMax == (["note", "time_entry"].contains(object.name) ? 1 : nil))
        #expect(object.written(by: .send).repeatable == .never && object.written(by: .mirror) == object)
    }

    // MARK: Single facts

    /// What the two products that write to Planhat already offer.
    @Test(arguments: [
        ("company", ["sourceId", "externalId"], [Behavior.updateOrCreate, .updateOnly]),
        ("license", ["sourceId", "externalId"], [.updateOrCreate]),
        ("asset", ["sourceId", "externalId"], [.updateOrCreate, .updateOnly]),
        ("opportunity", ["sourceId", "externalId"], [.updateOrCreate, .updateOnly]),
        ("sale", ["sourceId", "externalId"], [.updateOrCreate, .updateOnly]),
        ("invoice", ["externalId", "sourceId"], [.updateOrCreate]),
        ("churn", ["sourceId"], [.updateOrCreate]),
        ("nps", ["sourceId"], [.updateOrCreate]),
        ("end_user", ["sourceId"], [.updateOrCreate]),
        ("conversation", ["externalId"], [.updateOrCreate]),
        ("activity", [], [.send]), ("metric", ["externalId"], [.send]),
    ])
    func nothingThatOthersOfferIsMissing(_ name: String, _ keys: [String], _ behaviors: [Behavior]) throws {
        let object = try #require(PlanhatObjects.all.first { $0.name == name })
        for key in keys { #expect(object.key(key)?.canCreate == true) }
        for behavior in behaviors { #expect(object.behaviors.contains(behavior)) }
    }

    @Test func invoicesAreSpelledAsPlanhatDoes() {
        let invoice = PlanhatObjects.invoice
        #expect(invoice.key("externalId")?.name == "extId" && invoice.key("extId")?.name == "extId")
        #expect(invoice.field("companyId")?.name == "cId" && PlanhatObjects.nps.field("companyId")?.name == "cId")
        #expect(invoice.key("externalId")?.uniqueWithin == "cId")
        for name in ["invoiceDate", "dueDate", "paidDate"] { #expect(invoice.field(name)?.type == .dayNumber) }
    }

    @Test func numbersHaveTheirBounds() {
        #expect(PlanhatObjects.nps.field("score")?.range == 0...10)
        #expect(PlanhatObjects.company.field("csmScore")?.range == 1...5)
        #expect(PlanhatObjects.timeEntry.field("hours")?.range == 0.1...24)
        for object in [PlanhatObjects.license, PlanhatObjects.sale] {
            #expect(object.field("value")?.range?.lowerBound == 0 && object.field("value")?.excludesZero == true)
        }
        #expect(PlanhatObjects.asset.field("value")?.range == nil)
    }

    @Test func labelsThatManyRecordsHaveAreNoNames() {
        #expect(
            PlanhatObjects.all.filter(\.labelRepeats).map(\.name) == [
                "license", "churn", "nps", "conversation", "invoice", "note", "sale", "task", "ticket", "time_entry",
            ])
    }

    @Test func aNewLicenseNeedsItsValueOrItsMonthlyRevenue() {
        let value = PlanhatObjects.license.field("value")
        #expect(value?.isRequiredOnCreate == true && value?.orElse == ["mrr"])
        #expect(PlanhatObjects.license.field("mrr")?.isRequiredOnCreate == false)
    }

    /// A row that no request could carry is told before it is sent.
    @Test(arguments: PlanhatObjects.all) func aRowIsFarSmallerThanARequest(_ object: DestinationObject) throws {
        let rowMax = try #require(object.rowBytesMax)
        #expect(rowMax == 1 << 20 && rowMax * 8 <= object.batchBytesMax)
    }

    @Test func whatIsSentIsNeverReadOrSentTwice() {
        for object in [PlanhatObjects.activity, PlanhatObjects.metric] {
            #expect(object.behaviors == [.send] && object.repeatable == .never && !object.isReadable)
            #expect(object.requiredSettings == ["tenant_uuid"] && object.acceptsUnknownFieldsUnder == nil)
            #expect(object.batchItemsMax == 50_000 && object.batchBytesMax == 24 << 20)
            #expect(object.path == object.name && AnalyticsEndpoint(object) != nil)
        }
        let names = Set(PlanhatSettings.declaration.settings.map(\.name))
        for object in PlanhatObjects.all { #expect(names.isSuperset(of: object.requiredSettings)) }
        for object in Self.upserted { #expect(AnalyticsEndpoint(object) == nil && object.isReadable) }
    }

    @Test func aMetricIsKnownByRecordNameAndDate() {
        let metric = PlanhatObjects.metric
        #expect(metric.keys.map(\.name) == ["externalId"])
        let identity = metric.key("externalId")?.identityFields ?? []
        #expect(identity == ["dimensionId", "date"])
        for name in identity { #expect(metric.field(name)?.isWritable == true) }
        #expect(metric.requiredInEachRow == [["dimensionId"], ["value"], ["externalId"]])
        #expect(metric.field("model")?.type == .choice(["Company", "EndUser", "Asset", "Project"]))
        #expect(PlanhatObjects.activity.keys.isEmpty)
        #expect(PlanhatObjects.activity.requiredInEachRow == [["email", "externalId"]])
    }

    @Test func usersAreFoundByEmailToo() {
        let email = ReferenceForm(lookup: "email", matchField: "email", ignoresCase: true)
        for (object, name) in [
            (PlanhatObjects.company, "owner"), (PlanhatObjects.company, "coOwner"),
            (PlanhatObjects.opportunity, "ownerId"), (PlanhatObjects.task, "ownerId"),
        ] as [(DestinationObject, String)] {
            guard case .reference(to: "user", let forms)? = object.field(name)?.type else {
                Issue.record("\(name) is no user")
                continue
            }
            #expect(forms.last == email)
        }
    }

    @Test func rowsThatPlanhatDropsAreKnown() {
        #expect(PlanhatObjects.ticket.requiredInEachRow == [["email"]])
    }

    /// What is found by Planhat's own id alone can be made once, and not kept in step.
    @Test(arguments: upserted) func behaviorsAreThoseThatTheKeysAllow(_ object: DestinationObject) {
        let isOwnIDOnly = object.keys.map(\.name) == ["_id"]
        #expect(isOwnIDOnly == ["note", "time_entry"].contains(object.name))
        #expect(
            object.behaviors
                == (isOwnIDOnly
                    ? [.updateOnly, .delete, .send] : [.updateOrCreate, .updateOnly, .createOnly, .mirror, .delete]))
    }

    @Test(arguments: PlanhatObjects.all) func recordsAreArchivedWhereTheyHaveAFieldForIt(_ object: DestinationObject) {
        guard Self.upserted.contains(object) else {
            #expect(object.removals.isEmpty && object.archiveField == nil)
            return
        }
        let isArchivable = ["end_user", "conversation", "issue"].contains(object.name)
        // `clear` is a mirror's, and Planhat drops the row that would empty a ticket.
        let isMirrored = object.behaviors.contains(.mirror)
        #expect(isMirrored == !["note", "time_entry"].contains(object.name))
        let isClearable = isMirrored && object.name != "ticket"
        #expect(
            object.removals
                == (isArchivable ? [.delete, .archive, .clear] : isClearable ? [.delete, .clear] : [.delete]))
        #expect(object.archiveField == (isArchivable ? "archived" : nil))
        #expect(isArchivable == (object.field("archived")?.type == .boolean))
        #expect(object.removalItemsMax == 1)
    }

    @Test func customFieldsBelongToTheModelOfTheObject() {
        for (parent, object) in [
            ("timeentry", "time_entry"), ("enduser", "end_user"), ("EndUser", "end_user"), ("company", "company"),
            ("Time Entry", "time_entry"), ("conversation", "conversation"), ("conversation", "note"),
            ("conversation", "ticket"), ("ticket", "ticket"),
        ] {
            #expect(CustomField.names(parent, object), "\(parent) of \(object)")
        }
        #expect(!CustomField.names("company", "end_user") && !CustomField.names("note", "conversation"))
        #expect(!CustomField.names("conversation", "task"))
    }

    @Test(arguments: [
        (PlanhatObjects.conversation, ["id"]), (PlanhatObjects.note, ["id"]), (PlanhatObjects.task, ["id", "_id"]),
    ])
    func peopleInListsOfObjectsAreNamedByIDOrEmail(_ object: DestinationObject, _ members: [String]) {
        for (name, other) in [("users", "user"), ("endusers", "end_user")] {
            guard case .referenceList(to: other, let forms)? = object.field(name)?.type else {
                Issue.record("\(object.name): \(name)")
                continue
            }
            #expect(forms.map(\.lookup) == [nil, "email"])
            #expect(forms.map(\.members) == [members, members])
        }
        guard case .referenceList(_, let forms)? = PlanhatObjects.issue.field("enduserIds")?.type else { return }
        #expect(forms.map(\.members) == [[], []])
    }

    @Test func customFieldsHaveTheirTypes() {
        func type(_ word: String, _ choices: String = "[]") -> FieldType? {
            let record = #"{"name":"X","type":"\#(word)","listValues":\#(choices)}"#
            return JSONReader.valueIfAny(Array(record.utf8)).flatMap(CustomField.field)?.type
        }
        #expect(type("rich text") == .richText && type("text") == .text)
        #expect(type("multipicklist", #"["A","B"]"#) == .choiceList(["A", "B"]))
        #expect(type("multipicklist") == .textList && type("list") == .text)
        #expect(type("team member") == PlanhatObjects.company.field("owner")?.type)
        #expect(type("endusers") == PlanhatObjects.issue.field("enduserIds")?.type)
        #expect(type("rating") == .number && type("day") == .date && type("date") == .dateTime)
    }

    @Test func typeIsTheOneOfTheProjectFile() {
        let declaration = PlanhatDestination.type.declaration
        #expect(declaration.type == "planhat" && declaration.displayName == "Planhat")
        #expect(declaration.settings.filter(\.isSecret).map(\.name) == ["api_key", "tenant_uuid"])
        #expect(declaration.settings.filter(\.isRequired).map(\.name) == ["api_key"])
        #expect(PlanhatDestination.type.objects == PlanhatObjects.all)
    }
}
