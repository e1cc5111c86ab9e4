/// What is done with and for a company.
extension ModelRules {
    static let assets = ModelRules(
        path: "assets", parentName: "asset",
        required: [.name],
        properties: [
            .name: .text, .companyId: .companyReference, .externalId: .text, .sourceId: .text, .serialNumber: .text,
            .value: .number(nil), ._currency: .text, .installDate: .date, .status: .text, .ownerId: .userID,
            .followers: .idList,
        ],
        standards: [("followers", "[]"), ("usage", "{}")])

    static let campaigns = ModelRules(
        path: "campaigns", parentName: "campaign",
        required: [.name],
        properties: [
            .name: .text, .companyId: .companyReference, .campaignPurpose: .text, .externalId: .text, .sourceId: .text,
        ])

    static let objectives = ModelRules(
        path: "objectives", parentName: "objective",
        required: [.name],
        properties: [
            .name: .text, .companyId: .companyReference, .health: .number(nil), .externalId: .text, .sourceId: .text,
        ])

    static let projects = ModelRules(
        path: "projects", parentName: "project",
        required: [.name],
        properties: [
            .name: .text, .companyId: .companyReference, .currency: .text, .startDate: .date, .endDate: .date,
            .mrr: .number(nil), .arr: .number(nil), .nrr: .number(nil), .externalId: .text, .sourceId: .text,
        ])

    static let workspaces = ModelRules(
        path: "workspaces", parentName: "workspace",
        required: [.name],
        properties: [
            .name: .text, .companyId: .companyReference, .ownerId: .userID, .externalId: .text, .sourceId: .text,
        ])

    static let tasks = ModelRules(
        path: "tasks", parentName: "task",
        unsureKeys: [.externalId],
        required: [.mainType],
        properties: [
            .mainType: .choice(["task", "event"]), .companyId: .companyReference, .action: .text,
            .description: .text, .startTime: .date, .endTime: .date, .dateDone: .date,
            .repeat: .choice(["daily", "weekly", "monthly", "quarterly", "yearly", "custom"]), .repeatDays: .list,
            .type: .text, .ownerId: .userID, .status: .text, .checklist: .list, .users: .list, .endusers: .list,
            .noSpecificTime: .flag, .shared: .flag, .activityTags: .list, .sourceId: .text, .externalId: .text,
        ],
        listLimits: (500, 10_000),
        filters: ["isArchived": .isPresent(.dateDone), "enduserIds": .members(.endusers)],
        standards: [("overdueNotified", "false")],
        title: [.action])

    static let timeEntries = ModelRules(
        path: "timeentries", parentName: "timeentry",
        keyables: [],
        isScoped: false,
        required: [.date, .hours],
        properties: [
            .date: .date, .hours: .number(0.1...24), .companyId: .companyReference, .isTimeOff: .flag,
            .description: .text, .isBillable: .flag, .billingCode: .text, .currency: .text,
            .billableRate: .number(nil), .costRate: .number(nil),
        ],
        needsCompany: false,
        standards: [("isTimeOff", "false"), ("isBillable", "false")],
        title: [.description])

    static let timesheets = ModelRules(
        path: "timesheets", parentName: "timesheet",
        keyables: [],
        isScoped: false,
        properties: [
            .status: .choice(["submitted", "approved", "returned"]), .timeEntries: .idList,
            .assignedModel: .choice(["User"]), .assignedId: .userID, .dateFrom: .day, .dateTo: .day,
            .approvedBy: .userID, .dateOfApproval: .date,
        ],
        company: nil, needsCompany: false, companyName: nil,
        hasValidationErrors: true,
        standards: [("status", "\"submitted\""), ("timeEntries", "[]")],
        title: [.status])

    static let workflows = ModelRules(
        path: "workflows", parentName: "workflow",
        keyables: [], needsCompany: false, calls: .list)
}
