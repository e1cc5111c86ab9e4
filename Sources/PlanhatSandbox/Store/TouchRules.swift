/// What a company and its people say.
extension ModelRules {
    static let nps = ModelRules(
        path: "nps", parentName: "nps",
        keyables: [.sourceId],
        required: [.email, .score],
        properties: [
            .email: .text, .score: .integer(0...10), .comment: .text, .campaignId: .text, .cId: .companyReference,
            .dateSent: .date, .dateAnswered: .date, .source: .text, .sourceId: .text,
        ],
        company: .cId, needsCompany: false, companyName: nil,
        listLimits: (100, 10_000),
        filters: ["enduserId": .texts(.euId)],
        title: [.email])

    static let issues = ModelRules(
        path: "issues", parentName: "issue",
        keyables: [.sourceId],
        required: [.title],
        properties: [
            .title: .text, .companyIds: .list, .enduserIds: .idList, .conversationIds: .idList, .description: .text,
            .status: .text, .priority: .text, .source: .text, .sourceId: .text, .sourceUrl: .text, .archived: .flag,
            .followers: .idList,
        ],
        company: nil, needsCompany: false, companyName: nil,
        standards: [
            ("companyIds", "[]"), ("enduserIds", "[]"), ("conversationIds", "[]"), ("followers", "[]"),
            ("archived", "false"), ("mrrCombined", "0"), ("arrCombined", "0"),
        ],
        title: [.title])

    static let conversations = ModelRules(
        path: "conversations", parentName: "conversation",
        keyables: [.externalId],
        properties: [
            .companyId: .companyReference, .companyExternalId: .text, .subject: .text, .description: .text,
            .date: .date, .outDate: .date, .type: .text, .users: .list, .endusers: .list, .activityTags: .list,
            .starred: .flag, .pinned: .flag, .archived: .flag, .externalId: .text,
            // Of tickets, which may be written here too.
            .source: .text, .url: .text, .status: .text, .severity: .text, .product: .text, .timeSpent: .number(nil),
            .subType: .text, .email: .text, .agentEmail: .text,
        ],
        listLimits: (30, 2_000),
        filters: ["type": .texts(.type)],
        standards: conversationStandards,
        answersDeleted: true,
        title: [.subject])

    /// A view of the conversations of type `ticket`, with names of its own.
    static let tickets = ModelRules(
        path: "tickets", parentName: "ticket",
        keyables: [.externalId],
        isScoped: false,
        required: [.externalId],
        properties: [
            .sourceId: .text, .email: .text, .companyId: .companyReference, .companyExternalId: .text,
            .domains: .list, .source: .text, .title: .text, .description: .text, .url: .text, .tags: .list,
            .type: .text, .severity: .text, .product: .text, .timeSpent: .number(nil), .status: .text,
            .history: .list, .name: .text, .agentEmail: .text, .createdAt: .date, .updatedAt: .date,
        ],
        listLimits: (500, 10_000),
        filters: [
            "status": .texts(.status), "s": .texts(.status), "email": .text(.email),
            "search": .search([.subject, .description]),
        ],
        calls: [.list, .read, .bulk, .delete],
        renamed: [.title: .subject, .sourceId: .externalId, .type: .subType],
        standards: conversationStandards,
        title: [.subject])

    private static let conversationStandards: [Standard] = [
        ("users", "[]"), ("endusers", "[]"), ("activityTags", "[]"), ("starred", "false"), ("pinned", "false"),
        ("archived", "false"), ("tags", "[]"), ("emailTemplateIds", "[]"), ("timeBucket", "[]"), ("isOpen", "false"),
        ("numberOfParts", "1"), ("waitsToBeFiltered", "false"), ("history", "[]"),
    ]
}
