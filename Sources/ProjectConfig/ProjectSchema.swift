package import ConnectorKit

/// The JSON Schema of the project file, for editors that complete and check it.
package enum ProjectSchema {
    /// Draft 2020-12, indented, keys in a fixed order.
    package static func json(catalog: ConnectorCatalog) -> String {
        let text = SchemaNode.object([
            ("$schema", "https://json-schema.org/draft/2020-12/schema"),
            ("title", "Sluice project file"),
            ("type", "object"),
            ("required", ["version"]),
            ("additionalProperties", false),
            ("properties", projectProperties),
            ("$defs", definitions(catalog)),
        ]).rendered()
        return text + "\n"
    }

    private static var projectProperties: SchemaNode {
        [
            "version": ["const": 1, "description": "The version of this format."],
            "include": [
                "description": "Further files, merged section by section. Patterns with *, ? and ** are allowed.",
                "anyOf": [["type": "string"], ["type": "array", "items": ["type": "string"]]],
            ],
            "sources": named("source", "Systems that are read."),
            "destinations": named("destination", "Systems that are written."),
            "datasets": named("dataset", "Tables and queries of sources."),
            "syncs": named("sync", "What goes where, how and when."),
            "notify": ["$ref": "#/$defs/notify"],
            "environments": [
                "description": "Overrides that --env NAME picks.", "type": ["object", "null"],
                "additionalProperties": [
                    "type": ["object", "null"], "additionalProperties": false,
                    "properties": [
                        "sources": overrides, "destinations": overrides, "datasets": overrides, "syncs": overrides,
                        "notify": ["anyOf": [["$ref": "#/$defs/notify"], ["type": "null"]]],
                    ],
                ],
            ],
        ]
    }

    private static var overrides: SchemaNode {
        ["type": ["object", "null"], "additionalProperties": ["type": "object"]]
    }

    private static func named(_ definition: String, _ description: String) -> SchemaNode {
        [
            "description": .text(description), "type": ["object", "null"],
            "propertyNames": ["$ref": "#/$defs/name"],
            "additionalProperties": ["$ref": .text("#/$defs/\(definition)")],
        ]
    }

    private static func definitions(_ catalog: ConnectorCatalog) -> SchemaNode {
        .object(
            [
                ("name", ["type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"]),
                ("reference", reference),
                ("source", connection(catalog.sources.map(\.declaration), prefix: "source")),
                ("destination", connection(catalog.destinations.map(\.declaration), prefix: "destination")),
                ("dataset", dataset),
                ("sync", SyncSchema.sync(catalog)),
                ("key", SyncSchema.key),
                ("mapping", SyncSchema.mapping),
                ("schedule", SyncSchema.schedule),
                ("notify", SyncSchema.notify),
            ] + catalog.sources.map { ("source_\($0.declaration.type)", settings($0.declaration)) }
                + catalog.destinations.map { ("destination_\($0.declaration.type)", settings($0.declaration)) })
    }

    private static var reference: SchemaNode {
        [
            "description": "A value kept elsewhere: in a file, or as a secret of the server.",
            "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            "properties": [
                "file": ["type": "string", "description": "A path from the file that says it."],
                "secret": ["type": "string", "description": "The name of a secret that the server keeps."],
            ],
        ]
    }

    private static func connection(_ declarations: [ConnectorDeclaration], prefix: String) -> SchemaNode {
        let choices = declarations.map { declaration -> SchemaNode in
            [
                "if": ["properties": ["type": ["const": .text(declaration.type)]], "required": ["type"]],
                "then": ["$ref": .text("#/$defs/\(prefix)_\(declaration.type)")],
            ]
        }
        return [
            "type": "object", "required": ["type"],
            "properties": ["type": ["enum": .list(declarations.map { .text($0.type) })]],
            "allOf": .list(choices),
        ]
    }

    private static func settings(_ declaration: ConnectorDeclaration) -> SchemaNode {
        var properties: [(String, SchemaNode)] = [("type", ["const": .text(declaration.type)])]
        for setting in declaration.settings { properties.append((setting.name, schema(of: setting))) }
        let required = declaration.settings.filter { $0.isRequired && $0.defaultValue == nil }.map(\.name)
        return [
            "title": .text(declaration.displayName), "type": "object", "additionalProperties": false,
            "required": .list((["type"] + required).map { .text($0) }), "properties": .object(properties),
        ]
    }

    private static func schema(of setting: SettingDeclaration) -> SchemaNode {
        var members: [(String, SchemaNode)] = [("description", .text(setting.help))]
        if let fallback = setting.defaultValue { members.append(("default", .text(fallback))) }
        if !setting.example.isEmpty { members.append(("examples", [.text(setting.example)])) }
        let variable: SchemaNode = ["type": "string", "pattern": #"\$\{"#]
        let kept: SchemaNode = ["$ref": "#/$defs/reference"]
        let forms: SchemaNode =
            switch setting.kind {
            case .text, .path: [["type": ["string", "number", "boolean"]], kept]
            case .secret: [["type": ["string", "number"]], kept]
            case .integer(let range):
                [
                    ["type": "integer", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)],
                    variable, kept,
                ]
            case .boolean: [["type": "boolean"], variable, kept]
            case .choice(let choices): [["enum": .list(choices.map { .text($0) })], variable, kept]
            }
        return .object(members + [("anyOf", forms)])
    }

    private static var dataset: SchemaNode {
        [
            "type": "object", "required": ["source"], "additionalProperties": false,
            "properties": [
                "source": ["type": "string", "description": "The name of a source."],
                "table": ["type": "string", "description": "name or schema.name; quotes are allowed."],
                "sql": ["type": "string", "description": "One SELECT statement."],
                "incremental": [
                    "description": "Between complete scans reads only rows whose column grew.",
                    "type": "object", "required": ["column"], "additionalProperties": false,
                    "properties": ["column": ["type": "string"], "overlap": ["type": ["string", "integer"]]],
                ],
                "complete_scan": [
                    "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
                    "properties": ["every": ["type": "string"], "runs": ["type": "integer", "minimum": 1]],
                ],
            ],
            "oneOf": [["required": ["table"]], ["required": ["sql"]]],
        ]
    }
}

/// The schema's part for syncs.
enum SyncSchema {
    static func sync(_ catalog: ConnectorCatalog) -> SchemaNode {
        let objects = Set(catalog.destinations.flatMap { $0.objects.map(\.name) }).sorted()
        return [
            "type": "object", "required": ["from", "to", "behavior", "key"],
            "additionalProperties": false,
            "properties": [
                "from": [
                    "description": "A dataset, by name or inline.",
                    "anyOf": [["type": "string"], ["$ref": "#/$defs/dataset"]],
                ],
                "to": [
                    "description": .text("destination.object; objects: \(objects.joined(separator: ", "))"),
                    "type": "string", "pattern": #"^[^.]+\..+$"#,
                ],
                "behavior": ["enum": .list(Behavior.allCases.map { .text($0.rawValue) })],
                "key": ["$ref": "#/$defs/key"],
                "mappings": [
                    "description": "field: column", "type": "object", "maxProperties": 1_000,
                    "additionalProperties": ["$ref": "#/$defs/mapping"],
                ],
                "schedule": ["$ref": "#/$defs/schedule"],
                "guards": guards,
                "notify": ["$ref": "#/$defs/notify"],
                "paused": ["type": "boolean"],
                "allow_unknown_custom": ["type": "boolean"],
                "allow_unknown_choices": ["type": "boolean"],
                "first_run": ["enum": words(SyncDefinition.FirstRun.self)],
                "on_change": ["enum": words(SyncDefinition.OnChange.self)],
                "removal": ["enum": words(Removal.self)],
                "renamed_from": ["$ref": "#/$defs/name"],
            ],
        ]
    }

    static let key: SchemaNode = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "column": column, "columns": ["type": "array", "minItems": 1, "maxItems": 16, "items": ["type": "string"]],
            "field": ["type": "string", "description": "The destination's field that the key is written to."],
            "within": ["type": "string", "description": "The column that names the parent of a key unique within it."],
        ],
        "oneOf": [["required": ["column"]], ["required": ["columns"]]],
    ]

    static let mapping: SchemaNode = [
        "anyOf": [
            column,
            [
                "type": "object", "required": ["column"], "additionalProperties": false,
                "properties": [
                    "column": column, "lookup": ["type": "string"],
                    "nulls": ["enum": words(MappingDefinition.Nulls.self)],
                ],
            ],
            [
                "type": "object", "required": ["constant"], "additionalProperties": false,
                "properties": ["constant": true],
            ],
        ]
    ]

    static let schedule: SchemaNode = [
        "anyOf": [
            [
                "type": "object", "required": ["cron"], "additionalProperties": false,
                "properties": ["cron": ["type": "string"], "timezone": ["type": "string"]],
            ],
            [
                "type": "object", "required": ["every"], "additionalProperties": false,
                "properties": ["every": ["type": "string", "pattern": "^([0-9]+[smhd])+$"]],
            ],
            [
                "type": "object", "required": ["after"], "additionalProperties": false,
                "properties": [
                    "after": ["anyOf": [["type": "string"], ["type": "array", "items": ["type": "string"]]]]
                ],
            ],
        ]
    ]

    static let notify: SchemaNode = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "webhook": secretText, "command": secretText,
            "on": ["type": "array", "items": ["enum": words(NotifyDefinition.Event.self)]],
            "form": ["enum": words(NotifyDefinition.Form.self)],
            "signing_secret": secretText, "allow_private": ["type": "boolean"],
            "send_for": ["enum": words(NotifyDefinition.Frequency.self)],
            "not_arrived_percent_min": ["type": "number", "minimum": 0, "maximum": 100],
            "stale_after": ["type": "string", "pattern": "^([0-9]+[smhd])+$"],
        ],
        "oneOf": [["required": ["webhook"]], ["required": ["command"]]],
    ]

    private static var column: SchemaNode { ["type": ["string", "number", "boolean"]] }
    private static var secretText: SchemaNode { ["anyOf": [["type": "string"], ["$ref": "#/$defs/reference"]]] }

    private static var guards: SchemaNode {
        let percent: SchemaNode = ["type": "number", "minimum": 0, "maximum": 100]
        return [
            "type": "object", "additionalProperties": false,
            "properties": [
                "removed_percent_max": percent, "removed_rows_min": ["type": "integer", "minimum": 0],
                "invalid_percent_max": percent, "schema_change_percent_max": percent,
                "cleared_percent_max": percent,
            ],
        ]
    }

    private static func words<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> SchemaNode
    where Choice.RawValue == String {
        .list(Choice.allCases.map { .text($0.rawValue) })
    }
}

/// JSON with keys in the order in which they were written down.
indirect enum SchemaNode: Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([SchemaNode])
    case object([(String, SchemaNode)])

    init(stringLiteral text: String) { self = .text(text) }
    init(arrayLiteral items: SchemaNode...) { self = .list(items) }
    init(dictionaryLiteral members: (String, SchemaNode)...) { self = .object(members) }
    init(integerLiteral number: Int) { self = .number(number) }
    init(booleanLiteral flag: Bool) { self = .flag(flag) }

    func rendered(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .text(let text): return JSONText.quoted(text)
        case .number(let number): return String(number)
        case .flag(let flag): return flag ? "true" : "false"
        case .list(let items):
            if items.isEmpty { return "[]" }
            if items.allSatisfy(\.isSmall) { return "[" + items.map { $0.rendered() }.joined(separator: ", ") + "]" }
            return "[\n" + items.map { inner + $0.rendered(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            if members.count == 1, members[0].1.isSmall {
                return "{\(JSONText.quoted(members[0].0)): \(members[0].1.rendered())}"
            }
            let lines = members.map { "\(inner)\(JSONText.quoted($0.0)): \($0.1.rendered(indent: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    private var isSmall: Bool {
        switch self {
        case .text, .number, .flag: true
        default: false
        }
    }
}
