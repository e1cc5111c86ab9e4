/// The kinds of record that the sandbox keeps. What Planhat's pages say of each is data: `rules`.
package enum SandboxModel: Int, CaseIterable, Sendable {
    // The order makes the ids: new models come last.
    case companies, endusers, users, customFields
    case assets, campaigns, churn, conversations, deals, invoices, issues, licenses, lineItems, nps, objectives
    case opportunities, products, projects, sales, tasks, tickets, timeEntries, timesheets, workflows, workspaces

    var rules: ModelRules { ModelRules.table[rawValue] }

    /// The first part of the path.
    package var path: String { rules.path }

    package static func named(_ path: String) -> SandboxModel? { byPath[path] }

    /// Where the records are: tickets are conversations of one type.
    var storage: SandboxModel { self == .tickets ? .conversations : self }

    private static let byPath = Dictionary(
        allCases.map { ($0.rules.path, $0) }, uniquingKeysWith: { first, _ in first })
}
