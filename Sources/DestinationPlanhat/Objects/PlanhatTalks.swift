package import ConnectorKit

/// What customers say and are told (pages Conversation, Note, Ticket, Issue and NPS).
extension PlanhatObjects {
    package static let conversation = upserted(
        "conversation", "Conversation", path: "conversations", keys: [externalIdKey, idKey],
        fields: [idField, externalIdField] + conversationFields + computed(conversationComputed)
    ).withRepeatedLabels().labeled(
        "subject", help: "A talk of a type of your own: email, chat, ticket and call are Planhat's.")

    /// Notes are conversations of one type; Planhat has no path of their own.
    package static let note = upserted(
        "note", "Note", path: "conversations", keys: [idKey],
        fields: [
            idField, companyField.or("companyExternalId"),
            DestinationField(
                "type", .choice(["note"]), isRequiredOnCreate: true, help: "Always note: write {constant: note}."),
            DestinationField("subject", .text),
            DestinationField("description", .richText, help: "HTML."),
            DestinationField("date", .dateTime),
            activityTags, talkUsers, talkEndUsers,
            DestinationField("companyExternalId", .text, help: "Another way to name the company.").naming("company"),
            DestinationField(
                "externalId", .text,
                help: "The id in your own system. No note is changed by it; one that may have arrived is found by it."),
        ] + computed(conversationComputed)
    ).madeOnce().withRepeatedLabels().labeled(
        "subject",
        help:
            "Planhat finds notes by its own id only: `send` makes each once, and by `_id` they can be updated and deleted. "
            + "For talks that follow their rows by an id of your own, write `conversation`.")

    package static let ticket = upserted(
        "ticket", "Ticket", path: "tickets", keys: [sourceIdKey, idKey],
        fields: [idField, sourceIdField.needed()] + ticketFields
    ).with(requiredInEachRow: [["email"]]).withRepeatedLabels().labeled(
        "title", help: "A ticket of your help desk. Planhat drops a ticket without an email address."
    ).foundByList("sourceId")

    package static let issue = upserted(
        "issue", "Issue", path: "issues", keys: [sourceIdKey, idKey],
        fields: [idField, sourceIdField] + issueFields
            + computed(["companies", "endusers", "mrrCombined", "arrCombined", "createdAt", "updatedAt"])
    ).labeled("title", help: "A bug or wish that any number of companies have: `companyIds` is a list.")

    package static let nps = upserted(
        "nps", "NPS Response", path: "nps", keys: [sourceIdKey, idKey],
        fields: [idField, sourceIdField] + npsFields + computed(["euId"])
    ).withRepeatedLabels().labeled(
        "email", help: "One answer of one person, who is found by email. The last answer counts for the company.")

    private static let activityTags = DestinationField(
        "activityTags", .textList, help: "Planhat's ids of tags. Replaces the whole list.")
    private static let talkUsers = DestinationField(
        "users", people("user", as: "id"),
        help: #"Replaces the whole list. Objects are written as they are: [{"id": "ID", "isOwner": true}]."#)
    private static let talkEndUsers = DestinationField(
        "endusers", people("end_user", as: "id"),
        help: #"Replaces the whole list. Objects are written as they are: [{"id": "ID"}]."#)

    private static let conversationFields: [DestinationField] = [
        companyField,
        DestinationField("subject", .text),
        DestinationField("description", .richText, help: "HTML."),
        DestinationField("date", .dateTime),
        DestinationField("outDate", .dateTime),
        DestinationField(
            "type", .text, help: "A type of your account; one that it does not have becomes note."
        ).reserving("email", "chat", "ticket", "call"),
        talkUsers, talkEndUsers, activityTags,
        DestinationField("starred", .boolean),
        DestinationField("pinned", .boolean),
        DestinationField("archived", .boolean),
    ]

    private static let conversationComputed = [
        "snippet", "companyName", "createDate", "userIds", "numberOfParts", "timeBucket", "isOpen", "tags",
        "emailTemplateIds", "sender", "history", "waitsToBeFiltered",
    ]

    private static let ticketFields: [DestinationField] = [
        DestinationField(
            "email", .email, isRequiredOnCreate: true, help: "Who wrote it; Planhat may create an unknown person."
        ).naming("end_user"),
        // The sender's address may tell the company too.
        companyField.or("companyExternalId", "domains", "email"),
        DestinationField("companyExternalId", .text, help: "Another way to name the company.").naming("company"),
        DestinationField("domains", .textList, help: "A third way to find the company.").naming("company"),
        DestinationField("source", .text),
        DestinationField("title", .text),
        DestinationField("description", .richText),
        DestinationField("url", .text),
        DestinationField("tags", .textList, help: "Replaces the whole list."),
        DestinationField("type", .text),
        DestinationField("severity", .text),
        DestinationField("product", .text),
        DestinationField("timeSpent", .number, help: "Minutes."),
        DestinationField("status", .text),
        DestinationField("history", .any, help: #"As a JSON list: [{"status": "STATUS", "time": "TIME"}]."#),
        DestinationField("name", .text, help: "The name of who wrote it."),
        DestinationField("agentEmail", .email).naming("user"),
        DestinationField("createdAt", .dateTime),
        DestinationField("updatedAt", .dateTime),
    ]

    private static let issueFields: [DestinationField] = [
        DestinationField("title", .text, isRequiredOnCreate: true),
        DestinationField(
            "companyIds", companiesReference, help: "The companies that have it. Replaces the whole list."),
        DestinationField("enduserIds", endUsersReference, help: "The people who have it. Replaces the whole list."),
        DestinationField(
            "conversationIds",
            .referenceList(to: "conversation", forms: [ReferenceForm(lookup: nil, prefix: "")]),
            help: "Replaces the whole list."),
        DestinationField("description", .text),
        DestinationField("status", .text),
        DestinationField("priority", .text),
        DestinationField("source", .text),
        DestinationField("sourceUrl", .text),
        DestinationField("archived", .boolean),
        followersField,
    ]

    private static let npsFields: [DestinationField] = [
        DestinationField("email", .email, isRequiredOnCreate: true, help: "The end user who answered.")
            .naming("end_user"),
        DestinationField("score", .integer, isRequiredOnCreate: true, help: "0 to 10.").within(0...10),
        DestinationField("comment", .text),
        DestinationField("campaignId", campaignReference, help: "The campaign that asked; some accounts need it."),
        DestinationField(
            "cId", companyReference, aliases: ["companyId"], help: "The company of the end user (companyId)."),
        DestinationField("dateSent", .dateTime),
        DestinationField("dateAnswered", .dateTime),
        DestinationField("source", .text),
    ]
}
