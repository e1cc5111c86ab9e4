/// What Planhat's pages say of one model, as data.
struct ModelRules: Sendable {
    /// The calls that a model answers.
    struct Calls: OptionSet, Sendable {
        let rawValue: Int

        static let list = Calls(rawValue: 1)
        static let read = Calls(rawValue: 2)
        static let create = Calls(rawValue: 4)
        static let change = Calls(rawValue: 8)
        static let delete = Calls(rawValue: 16)
        static let bulk = Calls(rawValue: 32)
        static let all: Calls = [.list, .read, .create, .change, .delete, .bulk]
    }

    /// A property and what is shown where nobody has written it, as JSON.
    typealias Standard = (property: String, json: String)

    let path: String
    /// What a custom field's `parent` says.
    let parentName: String
    /// Properties that find a record, after `_id`, in the order in which they are asked.
    var keyables: [Property] = [.sourceId, .externalId]
    /// Those of them of which it is only assumed that bulk writes match them.
    var unsureKeys: [Property] = []
    /// The own id: unique within one company, or in the account where records belong to none.
    var ownID = Property.externalId
    /// Whether the own id is looked for within the row's company.
    var isScoped = true
    /// Properties a record cannot be made or left without. (Companies and alternatives have rules of their own.)
    var required: [Property] = []
    /// Properties that may be written. Everything else is dropped without a word, as a schema-bound store does; so are
    /// the properties that Planhat computes.
    var properties: [Property: PropertyType] = [:]
    /// Under which name a record says its company; nil where it says none.
    var company: Property? = .companyId
    var needsCompany = true
    /// Under which name the company's name is shown.
    var companyName: String? = "companyName"
    /// A list's size where `limit` is absent, and the largest `limit`.
    var listLimits = (standard: 100, max: 2_000)
    /// Filters of lists, beside those of all models.
    var filters: [String: ListFilter] = [:]
    var calls = Calls.all
    var hasCustom = true
    /// Whether `insertsKeys` and `updatesKeys` hold the keys beside `_id`.
    var echoesKeys = true
    /// Whether the envelope has `validationErrors`.
    var hasValidationErrors = false
    /// Sent names that are stored under others.
    var renamed: [Property: Property] = [:]
    var standards: [Standard] = []
    /// Whether deleting answers the document.
    var answersDeleted = false
    /// What a record is called on the page: the first of these that it has.
    var title: [Property] = [.name]

    /// The numbers of the names of the properties that are points of time.
    var dates: Set<UInt16> { Set(properties.lazy.filter { $0.value == .date }.map(\.key.rawValue)) }

    static let table = SandboxModel.allCases.map(of)

    /// The keys that find a record in a bulk write.
    func matched(_ switches: SandboxSwitches) -> [Property] {
        switches.unsureKeys == .match ? keyables : keyables.filter { !unsureKeys.contains($0) }
    }

    /// Under which name a stored property is sent.
    func sent(_ stored: Property) -> Property { renamed.first { $0.value == stored }?.key ?? stored }

    private static func of(_ model: SandboxModel) -> ModelRules {
        switch model {
        case .companies: companies
        case .endusers: endusers
        case .users: users
        case .customFields: customFields
        case .assets: assets
        case .campaigns: campaigns
        case .churn: churn
        case .conversations: conversations
        case .deals: deals
        case .invoices: invoices
        case .issues: issues
        case .licenses: licenses
        case .lineItems: lineItems
        case .nps: nps
        case .objectives: objectives
        case .opportunities: opportunities
        case .products: products
        case .projects: projects
        case .sales: sales
        case .tasks: tasks
        case .tickets: tickets
        case .timeEntries: timeEntries
        case .timesheets: timesheets
        case .workflows: workflows
        case .workspaces: workspaces
        }
    }
}
