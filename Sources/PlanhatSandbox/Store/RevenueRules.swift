/// Contracts and money.
extension ModelRules {
    static let licenses = ModelRules(
        path: "licenses", parentName: "license",
        unsureKeys: [.sourceId, .externalId],
        required: [._currency, .fromDate],
        properties: [
            .product: .text, ._currency: .text, .companyId: .companyReference, .externalId: .text, .sourceId: .text,
            .fromDate: .date, .toDate: .date, .fixedPeriod: .flag, .mrr: .number(nil), .value: .positive,
            .renewalStatus: .choice(["ongoing", "renewed", "lost"]), .autoRenews: .flag,
            .renewalPeriod: .number(nil), .renewalUnit: .text, .noticePeriod: .number(nil), .noticeUnit: .text,
            .toDateIncluded: .flag, .invoiceCycle: .text, .invoiceCycleInterval: .number(nil), .parent: .text,
        ],
        echoesKeys: false,
        standards: [
            ("renewalStatus", "\"ongoing\""), ("autoRenews", "false"), ("noticePeriod", "30"),
            ("renewalUnit", "\"month\""), ("noticeUnit", "\"day\""), ("toDateIncluded", "false"),
        ],
        title: [.product])

    static let sales = ModelRules(
        path: "sales", parentName: "sale",
        required: [._currency, .salesDate, .value],
        properties: [
            ._currency: .text, .companyId: .companyReference, .salesDate: .date, .value: .positive, .product: .text,
            .externalId: .text, .sourceId: .text,
        ],
        title: [.product])

    static let churn = ModelRules(
        path: "churn", parentName: "churn",
        unsureKeys: [.externalId],
        required: [.value],
        properties: [
            .companyId: .companyReference, .value: .number(nil), .currency: .text, .churnDate: .date,
            .reasons: .list, .products: .list, .description: .text, .comment: .text, .onlyDowngrade: .flag,
            .snoozed: .flag, .sourceId: .text, .externalId: .text,
        ],
        listLimits: (100, 1_000),
        standards: [("reasons", "[]"), ("products", "[]"), ("onlyDowngrade", "false"), ("snoozed", "false")],
        title: [.description])

    static let invoices = ModelRules(
        path: "invoices", parentName: "invoice",
        keyables: [.sourceId, .extId],
        unsureKeys: [.extId],
        ownID: .extId,
        required: [.currency],
        properties: [
            .cId: .companyReference, .currency: .text, .extId: .text, .sourceId: .text, .product: .text,
            .invoiceDate: .day, .dueDate: .day, .paidDate: .day, .amountTotal: .number(nil),
            .status: .choice(["pending", "paid", "overdue"]), .addressCountry: .text, .invoiceCycle: .text,
        ],
        company: .cId, companyName: "cName",
        standards: [("lineItems", "[]"), ("emails", "[]")],
        title: [.product])

    static let opportunities = ModelRules(
        path: "opportunities", parentName: "opportunity",
        properties: [
            .companyId: .companyReference, .title: .text, .salesStage: .text,
            .status: .choice(["active", "won", "lost"]), .dealDate: .date, .landingDate: .date, .closeDate: .date,
            .mrr: .number(nil), .arr: .number(nil), .nrr: .number(nil), ._currency: .text,
            .contractLength: .number(nil), .ownerId: .userID, .externalId: .text, .sourceId: .text,
        ],
        standards: [("status", "\"active\""), ("contractLength", "12"), ("stageHistory", "[]")],
        title: [.title])

    static let deals = ModelRules(
        path: "deals", parentName: "deal",
        properties: [
            .companyId: .companyReference, .name: .text, .stage: .text, .ownerId: .userID, .followers: .idList,
            .mrr: .number(nil), .total: .number(nil), .fees: .number(nil), .currency: .text, .closeDate: .date,
            .externalId: .text, .sourceId: .text,
        ],
        standards: [("followers", "[]")])

    static let lineItems = ModelRules(
        path: "lineitems", parentName: "lineitem",
        required: [.dealId],
        properties: [
            .dealId: .recordID, .productId: .recordID, .name: .text, .externalId: .text, .sourceId: .text,
            .type: .choice(["subscription", "fee"]), .status: .choice(["ongoing", "renewed", "lost"]),
            .fixedPeriod: .flag, .fromDate: .date, .toDate: .date, .length: .number(nil), .mrr: .number(nil),
            .arr: .number(nil), .value: .number(nil), .currency: .text, .autoRenews: .flag,
            .renewalMrr: .number(nil), .renewalPeriod: .number(nil), .noticePeriod: .number(nil), .noticeUnit: .text,
        ],
        needsCompany: false,
        standards: [("type", "\"subscription\""), ("status", "\"ongoing\"")])

    static let products = ModelRules(
        path: "products", parentName: "product",
        isScoped: false,
        required: [.name],
        properties: [
            .name: .text, .externalId: .text, .sourceId: .text, .type: .choice(["subscription", "fee"]),
            .mrr: .number(nil), .value: .number(nil), .currency: .text, .fixedPeriod: .flag, .autoRenews: .flag,
            .length: .number(nil), .renewalMrr: .number(nil), .renewalPeriod: .number(nil),
            .noticePeriod: .number(nil), .noticeUnit: .choice(["day", "week", "month"]), .packages: .list,
            .color: .text,
        ],
        company: nil, needsCompany: false, companyName: nil,
        standards: [("type", "\"subscription\""), ("packages", "[]")])
}
