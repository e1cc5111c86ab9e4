package import ConnectorKit
internal import Records

/// Every object of Planhat that can be written, as data. Names, types and limits are those of Planhat's API pages
/// (`planhat.com/developers/api`); `docs/connectors/planhat.md` says which of them are assumed.
package enum PlanhatObjects {
    package static let all: [DestinationObject] = [
        company, endUser, license, churn, nps, asset, campaign, conversation, deal, invoice, issue, note, objective,
        opportunity, project, sale, task, ticket, user, workspace, timeEntry, activity, metric,
    ]

    /// Documented for every model.
    static let batchItemsMax = 5_000
    /// Planhat names no figure for its main API; this is well below the 32 MB that it names for analytics.
    static let batchBytesMax = 8 << 20
    /// Planhat names no limit for a text. What is longer than this is no name or note of a person, and a row that no
    /// request could carry would be refused (413) in each run.
    static let rowBytesMax = 1 << 20

    /// An object that is written with bulk upserts of its path and has custom fields.
    static func upserted(
        _ name: String, _ displayName: String, path: String, keys: [KeyField], fields: [DestinationField]
    ) -> DestinationObject {
        var object = DestinationObject(
            name: name, displayName: displayName, path: path, keys: keys,
            behaviors: [.updateOrCreate, .updateOnly, .createOnly, .mirror, .delete], fields: fields,
            acceptsUnknownFieldsUnder: "custom", batchItemsMax: batchItemsMax, batchBytesMax: batchBytesMax,
            removalItemsMax: 1, repeatable: .byKey)
        object.rowBytesMax = rowBytesMax
        object.archiveField = fields.first { $0.name == "archived" && $0.isWritable }?.name
        object.removals = object.archiveField == nil ? [.delete, .clear] : [.delete, .archive, .clear]
        return object
    }

    // MARK: Keys

    static let sourceIdKey = KeyField(
        "sourceId", note: "Unique among records of this kind; usually the id in your CRM.")
    static let idKey = KeyField(
        "_id", canCreate: false, note: "Planhat's own id: updates only, it cannot create a record.")

    /// On every model but companies and users.
    static let externalIdKey = KeyField("externalId", uniqueWithin: "companyId", note: externalIdNote("companyId"))

    /// Where neither Planhat's pages nor published programs show that bulk writes find a record by the key.
    static func assumed(_ key: KeyField) -> KeyField {
        var key = key
        key.isMatchAssumed = true
        return key
    }

    static func externalIdNote(_ company: String) -> String {
        "Unique within one company only: map \(company) too and say `within`."
    }

    static let usualKeys = [sourceIdKey, externalIdKey, idKey]

    static let idField = DestinationField(
        "_id", .text, isWritable: false, aliases: ["id"],
        help: "Planhat's own id; it can be the sync key, but it is never written.")
    static let externalIdField = DestinationField("externalId", .text, help: "The id in your own system.")
    static let sourceIdField = DestinationField("sourceId", .text, help: "The id in another system, such as your CRM.")
    static let keyFields = [idField, externalIdField, sourceIdField]

    // MARK: References

    private static let ownID = ReferenceForm(lookup: nil, prefix: "")

    /// Planhat takes a user's own id only, so an email address is looked up among its users.
    static let userForms = [ownID, ReferenceForm(lookup: "email", matchField: "email", ignoresCase: true)]
    static let endUserForms = userForms
    static let userReference = FieldType.reference(to: "user", forms: userForms)
    static let usersReference = FieldType.referenceList(to: "user", forms: userForms)

    /// People in a list that holds an object for each of them.
    static func people(_ object: String, as members: String...) -> FieldType {
        .referenceList(
            to: object,
            forms: userForms.map { form in
                var form = form
                form.members = members
                return form
            })
    }

    static let endUserReference = FieldType.reference(to: "end_user", forms: endUserForms)
    static let endUsersReference = FieldType.referenceList(to: "end_user", forms: endUserForms)

    /// The three ways in which Planhat itself finds a company, in bulk rows too.
    static let companyOwnForms = [
        ownID, ReferenceForm(lookup: "externalId", prefix: "extid-"),
        ReferenceForm(lookup: "sourceId", prefix: "srcid-"),
    ]
    private static let companyReadForms = [
        ReferenceForm(lookup: "name", matchField: "name"),
        ReferenceForm(lookup: "domain", matchField: "domains", ignoresCase: true),
    ]
    static let companyReference = FieldType.reference(to: "company", forms: companyOwnForms + companyReadForms)
    /// That a list takes external and source ids too is documented nowhere, so that Planhat is sent its own ids.
    static let companiesReference = FieldType.referenceList(
        to: "company",
        forms: [
            ownID, ReferenceForm(lookup: "externalId", matchField: "externalId"),
            ReferenceForm(lookup: "sourceId", matchField: "sourceId"),
        ] + companyReadForms)
    static let campaignReference = FieldType.reference(
        to: "campaign", forms: [ownID, ReferenceForm(lookup: "name", matchField: "name")])

    // MARK: Fields that many objects have

    static let companyField = DestinationField(
        "companyId", companyReference, isRequiredOnCreate: true, help: "The company that it belongs to.")
    static let ownerField = DestinationField("ownerId", userReference, help: "The Planhat user who owns it.")
    static let followersField = DestinationField("followers", usersReference, help: "Replaces the whole list.")
    static let requiredNameField = DestinationField("name", .text, isRequiredOnCreate: true)
    /// The API's own spelling has the underscore.
    static let currencyField = DestinationField(
        "_currency", .text, aliases: ["currency"], help: "An ISO code, such as EUR.")

    static func computed(_ names: [String]) -> [DestinationField] {
        names.map { DestinationField($0, .any, isWritable: false, help: "Computed by Planhat.") }
    }

    static func fields(_ type: FieldType, _ names: [String]) -> [DestinationField] {
        names.map { DestinationField($0, type) }
    }
}

extension DestinationField {
    func within(_ range: ClosedRange<Double>) -> DestinationField {
        var field = self
        field.range = range
        return field
    }

    func aboveZero() -> DestinationField {
        var field = within(0...Double.greatestFiniteMagnitude)
        field.excludesZero = true
        return field
    }

    /// A value names a record of these objects.
    func naming(_ objects: String...) -> DestinationField {
        var field = self
        field.pointsTo = objects
        return field
    }

    func neverCleared() -> DestinationField {
        var field = self
        field.isNeverCleared = true
        return field
    }

    /// Values that are Planhat's own.
    func reserving(_ values: String...) -> DestinationField {
        var field = self
        field.reservedValues = values
        return field
    }

    /// Other fields of which one does as well.
    func or(_ others: String...) -> DestinationField {
        var field = self
        field.orElse = others
        return field
    }

    func needed() -> DestinationField {
        var field = self
        field.isRequiredOnCreate = true
        return field
    }
}

extension DestinationObject {
    func labeled(_ field: String, help: String = "") -> DestinationObject {
        var object = self
        object.labelField = field
        object.help = help
        return object
    }

    /// Planhat ignores such rows without a word.
    func passingOver(_ reason: Reason) -> DestinationObject {
        var object = self
        object.passedOver = reason
        return object
    }

    /// Its label is no name of one record.
    func withRepeatedLabels() -> DestinationObject {
        var object = self
        object.labelRepeats = true
        return object
    }

    func foundByList(_ keys: String...) -> DestinationObject {
        var object = self
        object.keysFoundByList = Set(keys)
        return object
    }

    func with(behaviors: [Behavior]) -> DestinationObject {
        var object = self
        object.behaviors = behaviors
        // Only a mirror empties what vanished.
        if !behaviors.contains(.mirror) { object.removals.removeAll { $0 == .clear } }
        return object
    }

    /// Records that only Planhat's own id finds: they can be made, each once and by a request of its own, and those that are
    /// there changed.
    func madeOnce() -> DestinationObject {
        var object = with(behaviors: [.updateOnly, .delete, .send])
        object.sendItemsMax = 1
        return object
    }

    func with(requiredInEachRow groups: [[String]]) -> DestinationObject {
        var object = self
        object.requiredInEachRow = groups
        // The row that empties a record carries the record's own id and nulls, so that Planhat would drop it.
        if !groups.isEmpty { object.removals.removeAll { $0 == .clear } }
        return object
    }
}
