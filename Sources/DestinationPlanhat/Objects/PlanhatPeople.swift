package import ConnectorKit

/// Companies, the people in them, and the users of Planhat itself (pages Company, End User and User).
extension PlanhatObjects {
    package static let company = upserted(
        "company", "Company", path: "companies",
        keys: [
            KeyField("externalId", note: "Unique in the account; usually the id in your own database."),
            KeyField("sourceId", note: "Unique among companies; usually the id in your CRM."),
            KeyField("_id", canCreate: false, note: "Planhat's own id: updates only, it cannot create a company."),
        ],
        fields: keyFields + companyFields + computed(companyComputed)
    ).labeled("name", help: "A customer or prospect. Sync companies before all that belongs to them.")

    package static let endUser = upserted(
        "end_user", "End User", path: "endusers",
        keys: [
            KeyField("sourceId", note: "Unique among end users; usually the id in your CRM."),
            externalIdKey,
            endUserEmailKey,
            KeyField("_id", canCreate: false, note: "Planhat's own id: updates only, it cannot create an end user."),
        ],
        fields: keyFields + endUserFields + computed(endUserComputed)
    ).labeled("email", help: "A person who works at a company.").passingOver(RefusalText.dropped(object: "end_user"))

    package static let user = upserted(
        "user", "User", path: "users",
        keys: [
            assumed(KeyField("email", ignoresCase: true, note: "The address that the user signs in with.")),
            KeyField("externalId", note: "Unique among users; usually the id in your own database."),
            idKey,
        ],
        fields: [idField, externalIdField] + userFields
            + computed(["image", "permissions", "createDate", "createdAt", "updatedAt"])
    ).labeled("email", help: "A colleague who uses Planhat; the owner of companies and other records.")

    private static var endUserEmailKey: KeyField {
        var key = KeyField(
            "email", ignoresCase: true,
            note: "Planhat does not enforce that emails are unique; it works as long as they are.")
        key.mayRepeat = true
        return key
    }

    private static let companyFields: [DestinationField] = [
        DestinationField("name", .text, isRequiredOnCreate: true, help: "The company's name."),
        DestinationField("owner", userReference, help: "The Planhat user who owns the company."),
        DestinationField("coOwner", userReference, help: "The Planhat user who is its second owner."),
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
        DestinationField("csmScore", .integer, help: "The score that the account's manager gives.").within(1...5),
        DestinationField(
            "domains", .textList, help: "Replaces the whole list; Planhat adds the domains of end users' emails."),
    ]

    private static let endUserFields: [DestinationField] = [
        DestinationField(
            "companyId", companyReference, isRequiredOnCreate: true,
            help: "The company; without it Planhat goes by the email's domain, and drops who fits no company."
        ).or("email"),
        // Its domain tells the company where nothing else does.
        DestinationField("email", .email, help: "Needed, unless externalId or sourceId is given.").naming("company"),
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

    private static let userFields: [DestinationField] = [
        DestinationField("email", .email, isRequiredOnCreate: true),
        DestinationField("nickName", .text, isRequiredOnCreate: true),
        DestinationField("firstName", .text, isRequiredOnCreate: true),
        DestinationField("lastName", .text, isRequiredOnCreate: true),
        DestinationField("roles", .textList, help: "Planhat's ids of roles. Replaces the whole list."),
        DestinationField("inactive", .boolean, help: "A user whom nobody may sign in as; the default for a new one."),
        DestinationField("isHidden", .boolean),
        DestinationField("notificationsEnabled", .boolean),
        DestinationField("tzOffset", .number, help: "The offset of the user's time zone."),
        DestinationField("managers", usersReference, help: "Replaces the whole list."),
        DestinationField("teams", .textList, help: "Planhat's ids of teams. Replaces the whole list."),
        DestinationField("isExposedAsSenderOption", .boolean),
    ]

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
