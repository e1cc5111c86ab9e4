package import ConnectorKit

/// What is done for and with a customer (pages Asset, Project, Objective, Workspace, Campaign, Task and Time Entry).
extension PlanhatObjects {
    package static let asset = upserted(
        "asset", "Asset", path: "assets", keys: usualKeys,
        fields: keyFields + [
            companyField, requiredNameField,
            DestinationField("serialNumber", .text),
            DestinationField("value", .number),
            currencyField,
            DestinationField("installDate", .date),
            DestinationField("status", .text),
            ownerField, followersField,
        ] + computed(["companyName", "ownerName", "usage"])
    ).labeled("name", help: "A thing or an installation that a company has.")

    package static let project = upserted(
        "project", "Project", path: "projects", keys: usualKeys,
        fields: keyFields + [
            companyField, requiredNameField,
            DestinationField("currency", .text, help: "An ISO code, such as EUR; some accounts need it."),
        ] + fields(.date, ["startDate", "endDate"]) + fields(.number, ["mrr", "arr", "nrr"])
            + computed(["companyName"])
    ).labeled("name")

    package static let objective = upserted(
        "objective", "Objective", path: "objectives", keys: usualKeys,
        fields: keyFields + [companyField, requiredNameField, DestinationField("health", .number)]
            + computed(["companyName"])
    ).labeled("name")

    package static let workspace = upserted(
        "workspace", "Workspace", path: "workspaces", keys: usualKeys,
        fields: keyFields + [companyField, requiredNameField, ownerField] + computed(["companyName"])
    ).labeled("name")

    package static let campaign = upserted(
        "campaign", "Campaign", path: "campaigns", keys: usualKeys,
        fields: keyFields + [companyField, requiredNameField, DestinationField("campaignPurpose", .text)]
            + computed(["companyName"])
    ).labeled("name")

    package static let task = upserted(
        "task", "Task", path: "tasks", keys: [sourceIdKey, idKey],
        fields: [idField, sourceIdField] + taskFields
            + computed(["companyName", "ownerName", "snippet", "isArchived", "overdueNotified"])
    ).withRepeatedLabels().labeled("action", help: "A task, or an event of the calendar, as `mainType` says.")

    /// Planhat matches time entries on its own id only, so that each is made once and is not followed by its row.
    package static let timeEntry = upserted(
        "time_entry", "Time Entry", path: "timeentries", keys: [idKey],
        fields: [idField] + timeEntryFields
            + computed(["totalBilled", "totalCost", "timesheetStatus", "timesheetId"])
    ).madeOnce().withRepeatedLabels().labeled(
        "description",
        help: "Planhat finds time entries by its own id only: `send` makes each once, and by `_id` they can be updated "
            + "and deleted.")

    private static let taskFields: [DestinationField] = [
        companyField,
        DestinationField(
            "mainType", .choice(["task", "event"]), isRequiredOnCreate: true, help: "`event` stands in the calendar."),
        DestinationField("action", .text, help: "The title."),
        DestinationField("description", .text),
        DestinationField("startTime", .dateTime),
        DestinationField("endTime", .dateTime),
        DestinationField("dateDone", .dateTime),
        DestinationField("repeat", .choice(["daily", "weekly", "monthly", "quarterly", "yearly", "custom"])),
        DestinationField("repeatDays", .any),
        DestinationField("type", .text),
        ownerField,
        DestinationField("status", .text),
        DestinationField("checklist", .any, help: "Written as it is."),
        // Whether these hold objects or ids is not documented. An object with both names is either: where ids are kept, a
        // document's `_id` is taken for it.
        DestinationField("users", people("user", as: "id", "_id"), help: "Replaces the whole list."),
        DestinationField("endusers", people("end_user", as: "id", "_id"), help: "Replaces the whole list."),
        DestinationField("noSpecificTime", .boolean),
        DestinationField("shared", .boolean),
        DestinationField("activityTags", .textList, help: "Planhat's ids of tags. Replaces the whole list."),
    ]

    private static let timeEntryFields: [DestinationField] = [
        DestinationField("date", .date, isRequiredOnCreate: true),
        DestinationField("hours", .number, isRequiredOnCreate: true, help: "0.1 to 24.").within(0.1...24),
        DestinationField("companyId", companyReference, help: "The company that the time was spent on."),
        DestinationField("isTimeOff", .boolean),
        DestinationField("description", .text),
        DestinationField("isBillable", .boolean),
        DestinationField("billingCode", .text),
        DestinationField("currency", .text, help: "An ISO code, such as EUR."),
        DestinationField("billableRate", .number),
        DestinationField("costRate", .number),
    ]
}
