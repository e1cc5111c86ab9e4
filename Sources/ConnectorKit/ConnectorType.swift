/// One setting that a kind of connector takes. Forms, help, validation and the JSON Schema are made from it.
public struct SettingDeclaration: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case text
        case integer(ClosedRange<Int>)
        case boolean
        case choice([String])
        /// A file, relative to the project file that names it; handed over as an absolute path.
        case path
        case secret
    }

    public var name: String
    public var kind: Kind
    public var isRequired: Bool
    public var defaultValue: String?
    /// Whether another value means another account or database, whose contents say nothing about the old one's. Not read
    /// where `DestinationType.account` tells it.
    public var identifies: Bool
    /// One sentence.
    public var help: String
    public var example: String

    public init(
        _ name: String, _ kind: Kind, isRequired: Bool = false, defaultValue: String? = nil, identifies: Bool = false,
        help: String, example: String = ""
    ) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.defaultValue = defaultValue
        self.identifies = identifies
        self.help = help
        self.example = example
    }

    public var isSecret: Bool { kind == .secret }
}

/// A kind of source or destination as data.
public struct ConnectorDeclaration: Sendable, Hashable {
    /// The word in the project file (`type: postgres`).
    public var type: String
    /// The name people know it by (`PostgreSQL`).
    public var displayName: String
    public var settings: [SettingDeclaration]

    public init(type: String, displayName: String, settings: [SettingDeclaration]) {
        self.type = type
        self.displayName = displayName
        self.settings = settings
    }
}

/// The values of a connection's settings, resolved: references to the environment and files are replaced, paths are
/// absolute, numbers and choices are checked against the declaration.
public struct ConnectorSettings: Sendable {
    /// The connection's name in the project.
    public var name: String
    private var texts: [String: String]
    private var secrets: [String: Secret]
    /// The addresses of hosts that were looked up already, by the host as the setting writes it. A connector connects to
    /// these and to no other, and asks no name service for such a host; the name stays what a certificate has to be for.
    public var addresses: [String: [String]] = [:]

    public init(name: String, texts: [String: String] = [:], secrets: [String: Secret] = [:]) {
        self.name = name
        self.texts = texts
        self.secrets = secrets
    }

    /// The value as given, or the declared default; nil where there is neither.
    public func text(_ setting: String) -> String? { texts[setting] }
    public func integer(_ setting: String) -> Int? { texts[setting].flatMap { Int($0) } }
    /// `true`, `yes`, `on` and `1` are true.
    public func boolean(_ setting: String) -> Bool? {
        texts[setting].map { ["true", "yes", "on", "1"].contains($0.lowercased()) }
    }
    public func secret(_ setting: String) -> Secret? { secrets[setting] }

    public var settingNames: [String] { (Array(texts.keys) + Array(secrets.keys)).sorted() }
}

/// A kind of source: its declaration and how to make one. `make` opens nothing.
public struct SourceType: Sendable {
    public var declaration: ConnectorDeclaration
    public var make: @Sendable (ConnectorSettings) throws(ConnectorError) -> any Source & Discoverable

    public init(
        _ declaration: ConnectorDeclaration,
        make: @escaping @Sendable (ConnectorSettings) throws(ConnectorError) -> any Source & Discoverable
    ) {
        self.declaration = declaration
        self.make = make
    }
}

/// A kind of destination: its declaration, its objects and how to make one. `make` opens nothing.
public struct DestinationType: Sendable {
    public var declaration: ConnectorDeclaration
    public var objects: [DestinationObject]
    /// Text that differs between two accounts that an object may be written to, and is the same however the settings
    /// write the same account; it holds no secret, and a secret may be missing. Nil where the settings that identify
    /// have one spelling each.
    public var account: (@Sendable (ConnectorSettings, DestinationObject) throws(ConnectorError) -> String)?
    /// What all connections that share one rate limit have in common, and no others: the host and the credential, in one
    /// spelling each. Only a digest of it is kept. Nil where nothing tells it: then each state directory counts for itself.
    public var rateLimitKey: (@Sendable (ConnectorSettings) throws(ConnectorError) -> Secret)?
    /// So many requests with one such key may be on their way at once; nil where nobody knows a limit.
    public var requestsAtOnceMax: Int?
    public var make:
        @Sendable (ConnectorSettings, DestinationContext) throws(ConnectorError) -> any ConnectedDestination

    public init(
        _ declaration: ConnectorDeclaration, objects: [DestinationObject],
        account: (@Sendable (ConnectorSettings, DestinationObject) throws(ConnectorError) -> String)? = nil,
        rateLimitKey: (@Sendable (ConnectorSettings) throws(ConnectorError) -> Secret)? = nil,
        requestsAtOnceMax: Int? = nil,
        make:
            @escaping @Sendable (ConnectorSettings, DestinationContext) throws(ConnectorError) ->
            any ConnectedDestination
    ) {
        self.declaration = declaration
        self.objects = objects
        self.account = account
        self.rateLimitKey = rateLimitKey
        self.requestsAtOnceMax = requestsAtOnceMax
        self.make = make
    }
}

/// Every kind of connector this program has; made in one place, the composition root.
public struct ConnectorCatalog: Sendable {
    public var sources: [SourceType]
    public var destinations: [DestinationType]

    public init(sources: [SourceType], destinations: [DestinationType]) {
        self.sources = sources
        self.destinations = destinations
    }

    public func source(_ type: String) -> SourceType? { sources.first { $0.declaration.type == type } }
    public func destination(_ type: String) -> DestinationType? { destinations.first { $0.declaration.type == type } }
}
