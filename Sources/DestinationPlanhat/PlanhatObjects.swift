package import ConnectorKit

/// Every object of Planhat that can be written, as data. Names, types and limits are those of Planhat's API pages
/// (`planhat.com/developers/api`).
package enum PlanhatObjects {
    package static let all: [DestinationObject] = [company, endUser]

    /// Documented for every model.
    static let batchItemsMax = 5_000
    /// Planhat names no figure for its main API; this is well below the 32 MB that it names for analytics.
    static let batchBytesMax = 8 << 20

    package static let company = DestinationObject(
        name: "company",
        displayName: "Company",
        path: "companies",
        keys: [
            KeyField("externalId", note: "Unique in the account; usually the id in your own database."),
            KeyField("sourceId", note: "Unique among companies; usually the id in your CRM."),
            KeyField("_id", canCreate: false, note: "Planhat's own id: updates only, it cannot create a company."),
        ],
        behaviors: [.updateOrCreate, .updateOnly],
        fields: keyFields + companyFields + computed(companyComputed),
        acceptsUnknownFieldsUnder: "custom",
        batchItemsMax: batchItemsMax,
        batchBytesMax: batchBytesMax,
        repeatable: .byKey
    )

    package static let endUser = DestinationObject(
        name: "end_user",
        displayName: "End User",
        path: "endusers",
        keys: [
            KeyField("sourceId", note: "Unique among end users; usually the id in your CRM."),
            KeyField(
                "externalId", uniqueWithin: "companyId",
                note: "Unique within one company only: map companyId too and say `within`."),
            KeyField(
                "email", ignoresCase: true,
                note: "Planhat does not enforce that emails are unique; it works as long as they are."),
            KeyField("_id", canCreate: false, note: "Planhat's own id: updates only, it cannot create an end user."),
        ],
        behaviors: [.updateOrCreate, .updateOnly],
        fields: keyFields + endUserFields + computed(endUserComputed),
        acceptsUnknownFieldsUnder: "custom",
        batchItemsMax: batchItemsMax,
        batchBytesMax: batchBytesMax,
        repeatable: .byKey
    )

    private static let keyFields: [DestinationField] = [
        DestinationField(
            "_id", .text, isWritable: false, aliases: ["id"],
            help: "Planhat's own id; it can be the sync key, but it is never written."),
        DestinationField("externalId", .text, help: "The id in your own system."),
        DestinationField("sourceId", .text, help: "The id in another system, such as your CRM."),
    ]

    /// Planhat finds a user by its own id only.
    private static let user = FieldType.reference(to: "user", forms: [ReferenceForm(lookup: nil, prefix: "")])

    /// The three ways to name a company, in bulk rows too.
    private static let companyReference = FieldType.reference(
        to: "company",
        forms: [
            ReferenceForm(lookup: nil, prefix: ""),
            ReferenceForm(lookup: "externalId", prefix: "extid-"),
            ReferenceForm(lookup: "sourceId", prefix: "srcid-"),
        ])

    private static let companyFields: [DestinationField] = [
        DestinationField("name", .text, isRequiredOnCreate: true, help: "The company's name."),
        DestinationField("owner", user, help: "The id of the Planhat user who owns the company."),
        DestinationField("coOwner", user, help: "The id of the Planhat user who is its second owner."),
        DestinationField("phase", .text, help: "The lifecycle phase; a name that is not known yet is saved as it is."),
        DestinationField(
            "status", .choice(["prospect", "coming", "customer", "canceled", "lost"]),
            help: "Planhat may derive it from the licenses and overwrite what was sent."),
        DestinationField("description", .text),
        DestinationField("address", .text),
        DestinationField("country", .text),
        DestinationField("city", .text),
        DestinationField("zip", .text),
        DestinationField("phonePrimary", .text, aliases: ["phone"]),
        DestinationField("web", .text, aliases: ["website"]),
        DestinationField("tags", .textList, help: "Replaces the whole list."),
        DestinationField("slug", .text, help: "Kept for old accounts."),
        DestinationField("csmScore", .integer, help: "1 to 5."),
        DestinationField(
            "domains", .textList, help: "Replaces the whole list; Planhat adds the domains of end users' emails."),
    ]

    private static let endUserFields: [DestinationField] = [
        DestinationField(
            "companyId", companyReference, isRequiredOnCreate: true,
            help: "The company; without it Planhat goes by the email's domain, and drops who fits no company."),
        DestinationField("email", .email, help: "Needed, unless externalId or sourceId is given."),
        DestinationField("firstName", .text),
        DestinationField("lastName", .text),
        DestinationField("position", .text, help: "The title or role in the company."),
        DestinationField("phone", .text),
        DestinationField("tags", .textList, help: "Replaces the whole list."),
        DestinationField("featured", .boolean),
        DestinationField("primary", .boolean, help: "Whether this is the company's main contact."),
        DestinationField("archived", .boolean, help: "Hidden from lists where true."),
        DestinationField("otherEmails", .textList, help: "Replaces the whole list."),
        DestinationField("npsUnsubscribed", .boolean, help: "Whether the person opted out of NPS surveys."),
        DestinationField("sharedNotificationsPrefs", .any),
        DestinationField("createDate", .dateTime, help: "Kept for old accounts."),
        DestinationField("lastActive", .dateTime, help: "Planhat overwrites it when it sees activity."),
    ]

    private static func computed(_ names: [String]) -> [DestinationField] {
        names.map { DestinationField($0, .any, isWritable: false, help: "Computed by Planhat.") }
    }

    private static let companyComputed = [
        "h", "hProfile", "hDiff", "hDiffDate", "mrr", "arr", "mr", "mrTotal", "mrrTotal", "nrr30", "nrrTotal",
        "renewalMrr", "renewalArr", "renewalDate", "renewalDaysFromNow", "customerFrom", "customerTo", "lastRenewal",
        "lastActive", "lastTouch", "lastTouchType", "lastTouchByType", "nextTouch", "phaseSince", "csmScoreLog",
        "alerts", "lastActivities", "usage", "features", "sunits", "licenses", "sales", "nps", "orgRootId", "orgPath",
        "orgLevel", "orgUnits", "orgMrr", "orgArr", "orgMrrTotal", "orgArrTotal", "orgHealthTotal", "createDate",
        "createdAt", "lastUpdated", "updatedAt", "shareable", "followers", "collaborators", "products", "documents",
        "links",
    ]

    private static let endUserComputed = [
        "name", "companyName", "beats", "beatsTotal", "beatTrend", "convs14", "convsTotal", "experience", "lastTouch",
        "lastTouchType", "lastTouchByType", "nps", "npsComment", "npsDate", "npsSent", "relatedEndusers",
        "lastActivities", "relevance", "emailMd5", "personas", "usage", "createdAt", "updatedAt",
    ]
}
