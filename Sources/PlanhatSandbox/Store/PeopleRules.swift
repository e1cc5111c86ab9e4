extension ModelRules {
    static let companies = ModelRules(
        path: "companies", parentName: "company",
        isScoped: false,
        required: [.name],
        properties: [
            .name: .text, .owner: .userID, .coOwner: .userID, .externalId: .text, .sourceId: .text, .phase: .text,
            .status: .choice(["prospect", "coming", "customer", "canceled", "lost"]), .description: .text,
            .address: .text, .country: .text, .city: .text, .zip: .text, .phonePrimary: .text, .web: .text,
            .tags: .list, .slug: .text, .csmScore: .number(1...5), .domains: .list,
        ],
        company: nil, needsCompany: false, companyName: nil,
        listLimits: (100, 5_000),
        filters: ["status": .texts(.status), "s": .texts(.status)])

    static let endusers = ModelRules(
        path: "endusers", parentName: "enduser",
        keyables: [.sourceId, .externalId, .email],
        properties: [
            .email: .text, .companyId: .companyReference, .firstName: .text, .lastName: .text, .name: .text,
            .externalId: .text, .sourceId: .text, .position: .text, .phone: .text, .tags: .list, .featured: .flag,
            .primary: .flag, .archived: .flag, .otherEmails: .list, .npsUnsubscribed: .flag,
            .sharedNotificationsPrefs: .anything, .createDate: .date, .lastActive: .date,
        ],
        filters: ["email": .text(.email), "archived": .flag(.archived)],
        standards: [
            ("featured", "false"), ("primary", "false"), ("archived", "false"), ("npsUnsubscribed", "false"),
            ("tags", "[]"), ("otherEmails", "[]"), ("beats", "0"), ("beatsTotal", "0"), ("beatTrend", "0"),
            ("convs14", "0"), ("convsTotal", "0"), ("experience", "0"), ("personas", "[]"),
            ("relatedEndusers", "[]"), ("lastActivities", "[]"),
        ])

    static let users = ModelRules(
        path: "users", parentName: "user",
        keyables: [.externalId, .email],
        unsureKeys: [.email],
        isScoped: false,
        required: [.email, .nickName, .firstName, .lastName],
        properties: [
            .email: .text, .nickName: .text, .firstName: .text, .lastName: .text, .externalId: .text, .roles: .idList,
            .inactive: .flag, .isHidden: .flag, .tzOffset: .number(nil), .notificationsEnabled: .flag,
            .managers: .idList, .teams: .idList, .isExposedAsSenderOption: .flag,
        ],
        company: nil, needsCompany: false, companyName: nil,
        listLimits: (10_000, 10_000),
        filters: ["email": .text(.email)],
        standards: [("inactive", "true"), ("isHidden", "false"), ("roles", "[]")],
        title: [.nickName])

    static let customFields = ModelRules(
        path: "customfields", parentName: "customfield",
        keyables: [],
        isScoped: false,
        required: [.name, .type, .parent],
        properties: [
            .name: .text, .type: .choice(PropertyType.customTypes), .parent: .text, .listValues: .list,
            .isHidden: .flag, .isFeatured: .flag, .isShared: .flag, .isLocked: .flag, .isMandatory: .flag,
            .isFormula: .flag, .formula: .text,
        ],
        company: nil, needsCompany: false, companyName: nil,
        calls: Calls.all.subtracting(.bulk),
        hasCustom: false)
}
