package import ConnectorKit

/// What customers pay for, and what they stop paying for (pages License, Sale, Invoice, Opportunity, Deal and Churn).
extension PlanhatObjects {
    package static let license = upserted(
        "license", "License", path: "licenses", keys: [assumed(sourceIdKey), assumed(externalIdKey), idKey],
        fields: keyFields + licenseFields + computed(licenseComputed)
    ).withRepeatedLabels().labeled(
        "product",
        help: "A subscription. A license of a fixed period needs `value`; an open-ended one needs `mrr`.")

    package static let sale = upserted(
        "sale", "Sale", path: "sales", keys: usualKeys,
        fields: keyFields + [
            companyField, currencyField.needed(),
            DestinationField("salesDate", .date, isRequiredOnCreate: true),
            DestinationField("value", .number, isRequiredOnCreate: true, help: "More than zero.").aboveZero(),
            DestinationField("product", .text),
        ] + computed(["companyName"])
    ).withRepeatedLabels().labeled("product", help: "Revenue that does not recur.")

    /// Invoices spell their company, their own id and nothing else in their own way.
    package static let invoice = upserted(
        "invoice", "Invoice", path: "invoices",
        keys: [
            assumed(
                KeyField("extId", aliases: ["externalId"], uniqueWithin: "cId", note: externalIdNote("companyId"))),
            sourceIdKey, idKey,
        ],
        fields: [
            idField, sourceIdField,
            DestinationField("extId", .text, aliases: ["externalId"], help: "The id in your own system (externalId)."),
        ] + invoiceFields + computed(["invoiceNo", "lastUpdated", "lineItems", "emails"])
    ).withRepeatedLabels().labeled(
        "product", help: "Planhat's API calls externalId `extId` and companyId `cId` here; both names are taken.")

    package static let opportunity = upserted(
        "opportunity", "Opportunity", path: "opportunities", keys: usualKeys,
        fields: keyFields + opportunityFields + computed(["companyName", "stageHistory"])
    ).labeled(
        "title",
        help: "A deal in the making. It has no `value`: use mrr, arr or nrr. One that is won may make a license.")

    package static let deal = upserted(
        "deal", "Deal", path: "deals", keys: usualKeys,
        fields: keyFields + dealFields + computed(["companyName", "arr", "fromDate", "toDate", "renewalDate"])
    ).labeled("name", help: "Planhat computes a deal's dates, and its amounts where it has line items.")

    package static let churn = upserted(
        "churn", "Churn", path: "churn", keys: [sourceIdKey, idKey],
        fields: [idField, sourceIdField] + churnFields + computed(["companyName", "arr", "createdAt", "updatedAt"])
    ).withRepeatedLabels().labeled("description", help: "An entry of the churn log. It changes no figure of revenue.")

    private static let licenseFields: [DestinationField] = [
        companyField, currencyField.needed(),
        DestinationField("fromDate", .date, isRequiredOnCreate: true),
        DestinationField("toDate", .date),
        DestinationField("product", .text),
        DestinationField(
            "fixedPeriod", .boolean, help: "True: `value` is that of the whole term. False: `mrr` is needed."
        ).neverCleared(),
        DestinationField("value", .number, help: "More than zero; needed where the period is fixed.")
            .aboveZero().neverCleared().needed().or("mrr"),
        DestinationField("mrr", .number, help: "Needed where the license is open-ended.").neverCleared(),
        DestinationField("renewalStatus", .choice(["ongoing", "renewed", "lost"])),
        DestinationField("autoRenews", .boolean),
        DestinationField("renewalPeriod", .number),
        DestinationField("renewalUnit", .text, help: "Such as month."),
        DestinationField("noticePeriod", .number),
        DestinationField("noticeUnit", .text, help: "Such as day."),
        DestinationField("toDateIncluded", .boolean),
        DestinationField("invoiceCycle", .text, help: "Such as yearly."),
        DestinationField("invoiceCycleInterval", .number),
        DestinationField("parent", .text, help: "Planhat's id of the license that this one continues."),
    ]

    private static let licenseComputed = [
        "companyName", "arr", "length", "renewalDate", "renewalDaysFromNow", "renewalMrr", "renewalArr", "isOverdue",
        "status", "invoicesGenerated", "invoiceMuted", "fcNewMrr", "fcNewMrrOptimistic", "fcNewMrrPessimistic",
        "fcNewArr", "fcNewArrOptimistic", "fcNewArrPessimistic", "fcNewStartDate", "issues",
    ]

    private static let invoiceFields: [DestinationField] = [
        DestinationField(
            "cId", companyReference, isRequiredOnCreate: true, aliases: ["companyId"],
            help: "The company that it belongs to (companyId)."),
        DestinationField("currency", .text, isRequiredOnCreate: true, help: "An ISO code, such as EUR."),
        DestinationField("product", .text),
        DestinationField("invoiceDate", .dayNumber, help: "Written as days since 1970; some accounts need it."),
        DestinationField("dueDate", .dayNumber, help: "Written as days since 1970."),
        DestinationField("paidDate", .dayNumber, help: "Written as days since 1970."),
        DestinationField("amountTotal", .number),
        DestinationField("status", .choice(["pending", "paid", "overdue"])),
        DestinationField("addressCountry", .text),
        DestinationField("invoiceCycle", .text),
        DestinationField("cName", .any, isWritable: false, aliases: ["companyName"], help: "Computed by Planhat."),
    ]

    private static let opportunityFields: [DestinationField] =
        [
            companyField,
            DestinationField("title", .text),
            DestinationField("salesStage", .text),
            DestinationField("status", .choice(["active", "won", "lost"])),
            currencyField, ownerField,
            DestinationField("contractLength", .number, help: "Months; 12 where it is left out."),
        ] + fields(.date, ["dealDate", "landingDate", "closeDate"]) + fields(.number, ["mrr", "arr", "nrr"])

    /// The page could not be read in full: what it only describes has the spelling that other objects use.
    private static let dealFields: [DestinationField] = [
        companyField,
        DestinationField("name", .text, help: "The spelling is assumed."),
        DestinationField("stage", .text, help: "`Closed Won` and `Closed Lost` are fixed. The spelling is assumed."),
        DestinationField("ownerId", userReference, help: "The Planhat user who owns it. The spelling is assumed."),
        DestinationField("followers", usersReference, help: "Replaces the whole list. The spelling is assumed."),
        DestinationField("mrr", .number),
        DestinationField("currency", .text, help: "An ISO code, such as EUR."),
    ]

    private static let churnFields: [DestinationField] = [
        companyField,
        DestinationField("value", .number, isRequiredOnCreate: true),
        DestinationField("currency", .text, help: "An ISO code, such as EUR."),
        DestinationField("churnDate", .date),
        DestinationField("reasons", .textList, help: "Replaces the whole list."),
        DestinationField("products", .textList, help: "Replaces the whole list."),
        DestinationField("description", .text),
        DestinationField("comment", .text),
        DestinationField("onlyDowngrade", .boolean),
        DestinationField("snoozed", .boolean),
    ]
}
