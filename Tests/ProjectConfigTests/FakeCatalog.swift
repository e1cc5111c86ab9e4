import ConnectorKit
import Records

/// A source and a destination that exist only as declarations.
enum FakeCatalog {
    static let source = SourceType(
        ConnectorDeclaration(
            type: "filedb", displayName: "FileDB",
            settings: [
                SettingDeclaration(
                    "path", .path, isRequired: true, help: "The database file.", example: "data/acme.db"),
                SettingDeclaration("busy_seconds", .integer(1...600), defaultValue: "5", help: "Seconds to wait."),
                SettingDeclaration("immutable", .boolean, help: "Whether nobody else writes the file."),
            ])
    ) { _ throws(ConnectorError) in throw refusal }

    static let server = SourceType(
        ConnectorDeclaration(
            type: "server", displayName: "Server",
            settings: [
                SettingDeclaration("host", .text, isRequired: true, help: "The address.", example: "127.0.0.1"),
                SettingDeclaration("port", .integer(1...65_535), defaultValue: "5432", help: "The port."),
                SettingDeclaration("password", .secret, help: "The password."),
                SettingDeclaration("tls", .choice(["disable", "require", "verify-full"]), help: "How to encrypt."),
            ])
    ) { _ throws(ConnectorError) in throw refusal }

    static let destination = DestinationType(
        ConnectorDeclaration(
            type: "crm", displayName: "CRM",
            settings: [
                SettingDeclaration("api_key", .secret, isRequired: true, help: "The key from the settings page."),
                SettingDeclaration("region", .text, defaultValue: "default", help: "The region."),
                SettingDeclaration("visit_token", .secret, help: "The token from the page of visits."),
            ]),
        objects: [company, person, event, visit]
    ) { settings, _ throws(ConnectorError) in
        guard settings.text("region") == "nowhere" else { throw refusal }
        throw ConnectorError(
            code: "region_not_understood", message: "The region is not understood.", hint: "Write `us3`.",
            disposition: .fixConfiguration, setting: "region")
    }

    static let catalog = ConnectorCatalog(sources: [source, server], destinations: [destination])

    private static let refusal = ConnectorError(
        code: "not_made", message: "a declaration only", hint: "", disposition: .stop)

    static let company = DestinationObject(
        name: "company", displayName: "Company", path: "companies",
        keys: [KeyField("externalId"), KeyField("sourceId", aliases: ["srcId"]), KeyField("_id", canCreate: false)],
        behaviors: [.updateOrCreate, .updateOnly, .createOnly, .mirror],
        fields: [
            DestinationField("name", .text, isRequiredOnCreate: true),
            DestinationField("status", .choice(["prospect", "customer", "lost"])),
            DestinationField(
                "owner",
                .reference(
                    to: "user",
                    forms: [
                        ReferenceForm(lookup: nil, prefix: ""),
                        ReferenceForm(lookup: "email", matchField: "email", ignoresCase: true),
                    ])),
            DestinationField(
                "team",
                .referenceList(
                    to: "user",
                    forms: [
                        ReferenceForm(lookup: nil, prefix: ""), ReferenceForm(lookup: "email", matchField: "email"),
                        ReferenceForm(lookup: "nickname", matchField: "nickName"),
                    ])),
            DestinationField("products", .choiceList(["mail", "chat"])),
            DestinationField("phone", .text, aliases: ["phoneNumber"]),
            DestinationField("seats", .integer),
            DestinationField("mrr", .number),
            DestinationField("active", .boolean),
            DestinationField("renewal", .date),
            DestinationField("contact", .email),
            DestinationField("tags", .textList),
            DestinationField("health", .number, isWritable: false),
        ],
        acceptsUnknownFieldsUnder: "custom", batchItemsMax: 5_000, batchBytesMax: 1 << 20, repeatable: .byKey)

    static let person = DestinationObject(
        name: "person", displayName: "Person", path: "people",
        keys: [
            KeyField("sourceId"), KeyField("email", ignoresCase: true),
            KeyField("externalId", uniqueWithin: "companyId"),
        ],
        behaviors: [.updateOrCreate, .updateOnly],
        fields: [
            DestinationField("email", .email),
            DestinationField("firstName", .text),
            DestinationField(
                "companyId",
                .reference(
                    to: "company",
                    forms: [
                        ReferenceForm(lookup: "externalId", prefix: "extid-"),
                        ReferenceForm(lookup: "sourceId", prefix: "srcid-"),
                    ]), isRequiredOnCreate: true),
        ],
        acceptsUnknownFieldsUnder: "custom", batchItemsMax: 5_000, batchBytesMax: 1 << 20, repeatable: .byKey)

    private static let amount = {
        var field = DestinationField("value", .number, isRequiredOnCreate: true)
        field.orElse = ["share"]
        return field
    }()

    private static let remark = {
        var field = DestinationField("remark", .text)
        field.reservedValues = ["system"]
        return field
    }()

    static let event = DestinationObject(
        name: "event", displayName: "Event", path: "events", keys: [KeyField("externalId")], behaviors: [.send],
        fields: [
            DestinationField("externalId", .text), amount, DestinationField("share", .number),
            remark,
        ],
        batchItemsMax: 100, batchBytesMax: 1 << 20, repeatable: .never)

    /// An object that needs a setting of its own, and has a key that only the destination gives out.
    static var visit: DestinationObject {
        var object = event
        object.name = "visit"
        object.displayName = "Visit"
        object.requiredSettings = ["visit_token", "region"]
        object.keys.append(KeyField("_id", canCreate: false))
        return object
    }
}
