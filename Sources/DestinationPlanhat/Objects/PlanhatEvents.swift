package import ConnectorKit

/// What happened and what was measured (pages User Activities and Metrics). Both go to the analytics host, which adds
/// what it is sent and finds nothing by a key.
extension PlanhatObjects {
    /// What the host once named as its limit, next to bytes; today it names 32 MB alone.
    static let sentItemsMax = 50_000
    static let sentBytesMax = 24 << 20

    package static let activity = sent(
        "activity", "Activity", keys: [],
        fields: [
            DestinationField("email", .email, help: "Who did it; needed unless externalId is given.")
                .naming("end_user"),
            DestinationField("externalId", .text, help: "Who did it, by your own id; needed unless email is given.")
                .naming("end_user"),
            DestinationField("action", .text, help: "What happened; without it nothing shows in the event stream."),
            DestinationField("date", .dateTime, help: "When; the time of receipt where it is left out."),
            DestinationField(
                "companyExternalId", .text,
                help: "The external id of the person's company: with it Planhat creates a person it does not know."
            ).naming("company"),
            DestinationField("weight", .number, help: "1 where it is left out."),
            DestinationField("info", .any, help: "Anything else, as JSON."),
            DestinationField("name", .text, help: "Of a person who is created."),
            DestinationField("firstName", .text, help: "Of a person who is created."),
            DestinationField("lastName", .text, help: "Of a person who is created."),
        ]
    ).with(requiredInEachRow: [["email", "externalId"]]).labeled(
        "action", help: "Something that an end user did. Each row is sent once; any unique id can be its key.")

    package static let metric = sent(
        "metric", "Metric",
        keys: [metricKey],
        fields: [
            dimensionField,
            DestinationField("value", .number, isRequiredOnCreate: true),
            measuredField,
            DestinationField(
                "model", .choice(["Company", "EndUser", "Asset", "Project"]),
                help: "What kind of record externalId names; Company where it is left out."),
            DestinationField("date", .dateTime, help: "When; the time of receipt where it is left out."),
        ]
    ).with(requiredInEachRow: [["dimensionId"], ["value"], ["externalId"]]).labeled(
        "dimensionId",
        help: "A number for a record and a point of time. Planhat keeps every value that it is sent, so each row is "
            + "sent once.")

    /// Planhat's page says that a dimension has neither spaces nor special characters. Spaces are seen to be taken.
    private static var dimensionField: DestinationField {
        var field = DestinationField(
            "dimensionId", .text, isRequiredOnCreate: true,
            help: "The name of what is measured: letters, digits, blanks, and _ - . :")
        field.textForm = TextForm(punctuation: " _-.:")
        return field
    }

    /// A metric of a record that is not there is lost without a word.
    private static var measuredField: DestinationField {
        var field = DestinationField(
            "externalId", .text, isRequiredOnCreate: true,
            help: "The external id of the record that is measured; Planhat must have it.")
        field.requiredRecord = RequiredRecord(
            object: "company", field: "externalId", kindField: "model",
            kinds: ["Company": "company", "EndUser": "end_user", "Asset": "asset", "Project": "project"])
        return field
    }

    /// One record has many metrics on many days.
    private static var metricKey: KeyField {
        var key = KeyField(
            "externalId", note: "The record that is measured; with dimensionId and date it tells one row from another.")
        key.identityFields = ["dimensionId", "date"]
        return key
    }

    private static func sent(
        _ name: String, _ displayName: String, keys: [KeyField], fields: [DestinationField]
    ) -> DestinationObject {
        var object = DestinationObject(
            name: name, displayName: displayName, path: name, keys: keys, behaviors: [.send], fields: fields,
            batchItemsMax: sentItemsMax, batchBytesMax: sentBytesMax, repeatable: .never)
        object.rowBytesMax = rowBytesMax
        object.requiredSettings = ["tenant_uuid"]
        object.isReadable = false
        return object
    }
}
