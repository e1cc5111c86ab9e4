/// The kinds of record that the sandbox keeps, each with what Planhat's pages say of it, as data.
package enum SandboxModel: Int, CaseIterable, Sendable {
    case companies, endusers, users, customFields

    /// The first part of the path.
    package var path: String {
        switch self {
        case .companies: "companies"
        case .endusers: "endusers"
        case .users: "users"
        case .customFields: "customfields"
        }
    }

    package static func named(_ path: String) -> SandboxModel? { allCases.first { $0.path == path } }

    /// What a custom field's `parent` says.
    var parentName: String {
        switch self {
        case .companies: "company"
        case .endusers: "enduser"
        case .users: "user"
        case .customFields: "customfield"
        }
    }

    /// Properties that find a record, after `_id`, in the order in which they are asked.
    var keyables: [Property] {
        switch self {
        case .companies: [.sourceId, .externalId]
        case .endusers: [.sourceId, .externalId, .email]
        case .users: [.externalId, .email]
        case .customFields: []
        }
    }

    /// Properties a record cannot be made or left without. (An end user's company has rules of its own.)
    var required: [Property] {
        switch self {
        case .companies: [.name]
        case .endusers: []
        case .users: [.email]
        case .customFields: [.name, .type, .parent]
        }
    }

    /// A list's size where `limit` is absent, and the largest `limit`; more is cut down to it.
    var listLimits: (standard: Int, max: Int) {
        switch self {
        case .companies: (100, 5_000)
        case .endusers: (100, 2_000)
        case .users: (10_000, 10_000)
        case .customFields: (100, 2_000)
        }
    }

    var hasBulkUpsert: Bool { self != .customFields }
    var hasCustom: Bool { self == .companies || self == .endusers }

    /// Properties that may be written. Everything else is dropped without a word, as a schema-bound store does;
    /// so are the properties that Planhat computes.
    var properties: [Property: PropertyType] {
        switch self {
        case .companies: Self.companyProperties
        case .endusers: Self.enduserProperties
        case .users: Self.userProperties
        case .customFields: Self.customFieldProperties
        }
    }

    private static let companyProperties: [Property: PropertyType] = [
        .name: .text, .owner: .userID, .coOwner: .userID, .externalId: .text, .sourceId: .text, .phase: .text,
        .status: .choice(["prospect", "coming", "customer", "canceled", "lost"]), .description: .text,
        .address: .text, .country: .text, .city: .text, .zip: .text, .phonePrimary: .text, .web: .text,
        .tags: .list, .slug: .text, .csmScore: .number(1...5), .domains: .list,
    ]

    private static let enduserProperties: [Property: PropertyType] = [
        .email: .text, .companyId: .companyReference, .firstName: .text, .lastName: .text, .name: .text,
        .externalId: .text, .sourceId: .text, .position: .text, .phone: .text, .tags: .list, .featured: .flag,
        .primary: .flag, .archived: .flag, .otherEmails: .list, .npsUnsubscribed: .flag,
        .sharedNotificationsPrefs: .anything, .createDate: .date, .lastActive: .date,
    ]

    private static let userProperties: [Property: PropertyType] = [
        .email: .text, .nickName: .text, .firstName: .text, .lastName: .text, .externalId: .text, .roles: .list,
        .inactive: .flag, .isHidden: .flag, .tzOffset: .number(nil),
    ]

    private static let customFieldProperties: [Property: PropertyType] = [
        .name: .text, .type: .choice(PropertyType.customTypes), .parent: .text, .listValues: .list, .isHidden: .flag,
        .isFeatured: .flag, .isShared: .flag, .isLocked: .flag, .isMandatory: .flag, .isFormula: .flag, .formula: .text,
    ]
}

/// The top-level properties that the sandbox knows, of all models together.
package enum Property: UInt16, CaseIterable, Sendable {
    case id, sourceId, externalId, email, companyId, name, custom
    case owner, coOwner, phase, status, description, address, country, city, zip, phonePrimary, web, tags, slug
    case csmScore, domains
    case firstName, lastName, position, phone, featured, primary, archived, otherEmails, npsUnsubscribed
    case sharedNotificationsPrefs, createDate, lastActive
    case nickName, roles, inactive, isHidden, tzOffset
    case type, parent, listValues, isFeatured, isShared, isLocked, isMandatory, isFormula, formula

    package var text: String { self == .id ? "_id" : String(describing: self) }
}
