import ConnectorKit
import DestinationPlanhat
import ProjectConfig
import Records

/// One object of the account with one key and one behavior: what a history of the real connector is about.
struct AccountCase: Sendable, Hashable {
    let object: DestinationObject
    let behavior: Behavior
    /// The key's field; nil where rows are sent.
    let key: String?

    var sample: AccountSample { AccountSample.all[object.name] ?? AccountSample(path: object.path, label: "name") }

    /// Under which name the account keeps the key.
    var storedKey: String { object.name == "ticket" && key == "sourceId" ? "externalId" : key ?? "" }

    /// Whether it makes records, each once, that are found by the account's own id alone; events are none.
    var isMadeOnce: Bool { behavior == .send && object.behaviors != [.send] }

    /// The field that tells records that are made once from each other.
    var mark: String { object.name == "note" ? "externalId" : "billingCode" }

    /// What the seeds play, one after the other: every case, and those again that come upon more open questions.
    static let played: [AccountCase] = {
        let richer = ["company", "end_user", "churn", "issue", "ticket"]
        let (made, others) = (all.filter(\.isMadeOnce), all.filter { !$0.isMadeOnce })
        let sent = others.filter { $0.behavior == .send }
        return others + others.filter { richer.contains($0.object.name) } + (0..<11).flatMap { _ in sent }
            + (0..<4).flatMap { _ in made }
    }()

    /// Every behavior of every object with each of its keys.
    static let all: [AccountCase] = PlanhatObjects.all.flatMap { object in
        object.behaviors.flatMap { behavior -> [AccountCase] in
            if behavior == .send { return [AccountCase(object: object, behavior: .send, key: nil)] }
            let makes = [.updateOrCreate, .createOnly, .mirror].contains(behavior)
            return object.keys.filter { $0.canCreate || !makes }.map {
                AccountCase(object: object, behavior: behavior, key: $0.name)
            }
        }
    }
}

extension AccountCase {
    /// The sync of the case, with the mapping of its sample.
    func definition() -> SyncDefinition {
        let here = Definitions.here
        let dataset = DatasetDefinition(
            name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
            sourceLocation: here)
        var sync = SyncDefinition(
            name: "things", dataset: dataset, destination: "crm", object: object.name, behavior: behavior,
            key: KeyDefinition(columns: ["id"], field: key, location: here),
            mappings: behavior == .delete ? [] : sample.mappings(key), location: here)
        sync.allowUnknownCustom = true
        if isMadeOnce {
            sync.mappings.append(
                MappingDefinition(field: mark, source: .column("dimension", lookup: nil, nulls: .clear), location: here)
            )
        }
        return sync
    }
}

/// What rows of an object are made of.
struct AccountSample: Sendable {
    enum Part: Sendable {
        case column(String, String, lookup: String? = nil)
        /// A null in the column leaves the field alone.
        case seldom(String, String, lookup: String? = nil)
        case constant(String, String)
        case flag(String)
    }

    var path: String
    /// The field that the column `name` is written to.
    var label: String
    /// Under which name the account shows it.
    var storedLabel: String?
    /// The field that names the company.
    var company: String?
    var needsCompany = true
    var parts: [Part] = []

    static let all: [String: AccountSample] = [
        "company": AccountSample(
            path: "companies", label: "name",
            parts: [
                .column("custom.Seats", "seats"), .seldom("custom.Locked", "spice"), .seldom("custom.Plan", "choice"),
                .seldom("status", "choice"), .seldom("custom.Undefined", "spice"),
            ]),
        "end_user": AccountSample(
            path: "endusers", label: "lastName", company: "companyId",
            parts: [.column("email", "email"), .column("custom.Seats", "seats"), .seldom("custom.Plan", "choice")]),
        "license": AccountSample(
            path: "licenses", label: "product", company: "companyId",
            parts: [
                .constant("_currency", "EUR"), .column("fromDate", "day"), .column("toDate", "day"),
                .flag("fixedPeriod"), .column("value", "amount"),
            ]),
        "sale": AccountSample(
            path: "sales", label: "product", company: "companyId",
            parts: [.constant("_currency", "EUR"), .column("salesDate", "day"), .column("value", "amount")]),
        "invoice": AccountSample(
            path: "invoices", label: "product", company: "cId",
            parts: [
                .constant("currency", "EUR"), .column("invoiceDate", "day"), .column("amountTotal", "amount"),
                .seldom("status", "choice"),
            ]),
        "opportunity": AccountSample(
            path: "opportunities", label: "title", company: "companyId",
            parts: [
                .column("mrr", "amount"), .constant("_currency", "EUR"), .seldom("ownerId", "owner", lookup: "email"),
            ]),
        "deal": AccountSample(path: "deals", label: "name", company: "companyId", parts: [.column("mrr", "amount")]),
        "churn": AccountSample(
            path: "churn", label: "description", company: "companyId",
            parts: [.column("value", "amount"), .column("churnDate", "day")]),
        "asset": AccountSample(
            path: "assets", label: "name", company: "companyId", parts: [.column("value", "amount")]),
        "project": AccountSample(
            path: "projects", label: "name", company: "companyId", parts: [.column("startDate", "day")]),
        "objective": AccountSample(
            path: "objectives", label: "name", company: "companyId", parts: [.column("health", "amount")]),
        "workspace": AccountSample(path: "workspaces", label: "name", company: "companyId"),
        "campaign": AccountSample(path: "campaigns", label: "name", company: "companyId"),
        "task": AccountSample(
            path: "tasks", label: "action", company: "companyId",
            parts: [.constant("mainType", "task"), .column("startTime", "day")]),
        "time_entry": AccountSample(
            path: "timeentries", label: "description", parts: [.column("date", "day"), .column("hours", "score")]),
        "conversation": AccountSample(
            path: "conversations", label: "subject", company: "companyId", parts: [.column("date", "day")]),
        "note": AccountSample(
            path: "conversations", label: "subject", company: "companyId", parts: [.constant("type", "note")]),
        "ticket": AccountSample(
            path: "tickets", label: "title", storedLabel: "subject", company: "companyId",
            parts: [.column("email", "sender")]),
        "issue": AccountSample(
            path: "issues", label: "title", parts: [.seldom("companyIds", "companies", lookup: "externalId")]),
        "nps": AccountSample(
            path: "nps", label: "comment", company: "cId", needsCompany: false,
            parts: [.column("email", "person"), .column("score", "score")]),
        "user": AccountSample(
            path: "users", label: "nickName",
            parts: [.column("email", "email"), .constant("firstName", "F"), .constant("lastName", "L")]),
        "activity": AccountSample(
            path: "activities", label: "",
            parts: [.column("email", "person"), .column("action", "dimension"), .column("date", "day")]),
        "metric": AccountSample(
            path: "metrics", label: "",
            parts: [
                .column("externalId", "company"), .column("dimensionId", "dimension"), .column("value", "amount"),
                .column("date", "day"),
            ]),
    ]

    /// The mapping of a sync with that key.
    func mappings(_ key: String?) -> [MappingDefinition] {
        let here = Definitions.here
        func column(_ field: String, _ column: String, _ lookup: String?, skips: Bool) -> MappingDefinition {
            MappingDefinition(
                field: field, source: .column(column, lookup: lookup, nulls: skips ? .skip : .clear), location: here)
        }
        var lines = parts.map { part in
            switch part {
            case .column(let field, let name, let lookup): column(field, name, lookup, skips: false)
            case .seldom(let field, let name, let lookup): column(field, name, lookup, skips: true)
            case .constant(let field, let text):
                MappingDefinition(field: field, source: .constant(.text(text)), location: here)
            case .flag(let field):
                MappingDefinition(field: field, source: .constant(.boolean(true)), location: here)
            }
        }
        if !label.isEmpty { lines.append(column(label, "name", nil, skips: false)) }
        if let company { lines.append(column(company, "company", "externalId", skips: false)) }
        return lines.filter { $0.field != key }
    }

    /// Whether the mapping reads a column.
    func reads(_ name: String) -> Bool {
        parts.contains { part in
            switch part {
            case .column(_, let column, _), .seldom(_, let column, _): column == name
            case .constant, .flag: false
            }
        }
    }
}
