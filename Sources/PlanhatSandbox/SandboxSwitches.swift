/// How the sandbox behaves where Planhat's pages are silent. Each switch's first case is the default.
package struct SandboxSwitches: Sendable, Equatable {
    package enum Errors: String, CaseIterable, Sendable { case object, string, anonymous, index }
    package enum Custom: String, CaseIterable, Sendable { case merge, replace }
    package enum Nulls: String, CaseIterable, Sendable { case clear, ignore }
    package enum UnknownCustom: String, CaseIterable, Sendable { case keep, drop }
    package enum RetryAfter: String, CaseIterable, Sendable { case send, omit }
    package enum NoCompany: String, CaseIterable, Sendable { case drop, error }
    package enum Keys: String, CaseIterable, Sendable { case echo, id }
    package enum KeyOrder: String, CaseIterable, Sendable { case payload, reverse }
    package enum UnknownID: String, CaseIterable, Sendable { case ignore, create, error }
    package enum Window: String, CaseIterable, Sendable { case fixed, sliding }
    package enum Formula: String, CaseIterable, Sendable { case ignore, refuse, write }
    package enum Locked: String, CaseIterable, Sendable { case write, ignore, refuse }
    package enum ListValues: String, CaseIterable, Sendable { case keep, refuse }
    package enum Choices: String, CaseIterable, Sendable { case refuse, keep }
    package enum Types: String, CaseIterable, Sendable { case cast, strict }
    package enum CompanyIDs: String, CaseIterable, Sendable { case refuse, resolve }
    package enum Lean: String, CaseIterable, Sendable { case keys, names, refuse }
    package enum TaskPeople: String, CaseIterable, Sendable { case objects, ids }
    package enum Scope: String, CaseIterable, Sendable { case company, account, strict }
    package enum Repeats: String, CaseIterable, Sendable { case error, apply, refuse }
    package enum ErrorStatus: String, CaseIterable, Sendable {
        case split
        case partial = "206"
        case bad = "400"
    }
    package enum AbsentDelete: String, CaseIterable, Sendable {
        case notFound = "not-found"
        case zero
    }
    package enum DeleteByKey: String, CaseIterable, Sendable { case allow, refuse }
    package enum OverLimit: String, CaseIterable, Sendable { case clamp, refuse }
    package enum Currency: String, CaseIterable, Sendable { case text, object }
    package enum UnsureKeys: String, CaseIterable, Sendable { case match, create }
    package enum Dropped: String, CaseIterable, Sendable { case uncounted, nonupdates }
    package enum Filters: String, CaseIterable, Sendable { case apply, ignore }
    package enum CustomDay: String, CaseIterable, Sendable { case both, text, number }
    package enum UnknownSender: String, CaseIterable, Sendable { case create, ignore }
    package enum Names: String, CaseIterable, Sendable { case keep, change }
    package enum Bodies: String, CaseIterable, Sendable { case message, error, text, empty }
    package enum LimitHeaders: String, CaseIterable, Sendable { case both, new, old, none }
    package enum Analytics: String, CaseIterable, Sendable { case json, text, empty }
    package enum AnalyticsStatus: String, CaseIterable, Sendable { case ok, bad }
    package enum Processed: String, CaseIterable, Sendable { case taken, kept, all }
    package enum UnknownTenant: String, CaseIterable, Sendable {
        case notFound = "not-found"
        case unauthorized, errors, ignore
    }
    package enum UnknownMetric: String, CaseIterable, Sendable { case error, ignore }
    package enum MetricTime: String, CaseIterable, Sendable { case keep, day }

    /// `errors`: an entry of `createdErrors` and its kin is an object with message, keys and the row; the bare message;
    /// an object with the message only; or an object with message and the row's index.
    package var errors = Errors.object
    /// `custom`: a sent `custom` object changes only the names in it, or takes the place of the whole.
    package var custom = Custom.merge
    /// `nulls`: null clears a field, or is passed over.
    package var nulls = Nulls.clear
    /// `unknown-custom`: a custom name that the account does not define is kept, or dropped without a word.
    package var unknownCustom = UnknownCustom.keep
    /// `retry-after`: whether a 429 says how long to wait.
    package var retryAfter = RetryAfter.send
    /// `no-company`: a new end user that maps to no company is dropped without a word, or an error.
    package var noCompany = NoCompany.drop
    /// `keys`: `insertsKeys` and `updatesKeys` hold the sent keys beside `_id`, or `_id` alone.
    package var keys = Keys.echo
    /// `key-order`: `insertsKeys` and its kin follow the rows, or run against them.
    package var keyOrder = KeyOrder.payload
    /// `unknown-id`: a row whose only match would be an `_id` that does not exist is passed over (counted in
    /// `nonupdates`), makes a new record, or is an error.
    package var unknownID = UnknownID.ignore
    /// `unsure-keys`: a key of which Planhat's pages do not say that bulk writes match it finds a record, or makes a
    /// second one.
    package var unsureKeys = UnsureKeys.match
    /// `dropped`: a row that is dropped without a word is in no count, or counted in `nonupdates`.
    package var dropped = Dropped.uncounted
    /// `filters`: lists are filtered by `companyId` and `email`, or give every record whatever these say.
    package var filters = Filters.apply
    /// `custom-day`: a custom field of type day takes dates and numbers of days, texts of dates only, or numbers only.
    package var customDay = CustomDay.both
    /// `window`: the minute of the rate limit starts with its first request, or ends now.
    package var window = Window.fixed
    /// `formula`: a value for a formula field is dropped without a word, refused, or written.
    package var formula = Formula.ignore
    /// `locked`: a value for a custom field that is locked in the app is written, dropped without a word, or refused.
    package var locked = Locked.write
    /// `list-values`: a value outside a custom field's choices is kept, or refused.
    package var listValues = ListValues.keep
    /// `choices`: a value outside the choices that Planhat's pages name (`status` and its kin) is refused, or kept.
    package var choices = Choices.refuse
    /// `types`: a value of another type is turned into the field's where it can be, or refused.
    package var types = Types.cast
    /// `company-ids`: `extid-` and `srcid-` in the `companyIds` of an issue are refused, or resolved.
    package var companyIDs = CompanyIDs.refuse
    /// `lean`: `/leancompanies` tells names and keys, names alone, or is not found.
    package var lean = Lean.keys
    /// `task-people`: the `users` and `endusers` of a task hold objects with an `id`; or ids, of which an object's `_id`
    /// counts as one.
    package var taskPeople = TaskPeople.objects
    /// `scope`: an external id is looked for in the row's company, and everywhere where the row names none; everywhere
    /// always; or only in the row's company.
    package var scope = Scope.company
    /// `repeats`: of two rows for one record the second is an error; it is applied as well; or the request is refused.
    package var repeats = Repeats.error
    /// `error-status`: 206 where some rows failed and 400 where all did; always 206; always 400.
    package var errorStatus = ErrorStatus.split
    /// `absent-delete`: deleting what is not there answers 404, or that nothing was deleted.
    package var absentDelete = AbsentDelete.notFound
    /// `delete-by-key`: `extid-` and `srcid-` delete a record, or are not found.
    package var deleteByKey = DeleteByKey.allow
    /// `over-limit`: a list's `limit` over the largest is cut down to it, or refused.
    package var overLimit = OverLimit.clamp
    /// `currency`: `_currency` is answered as it was sent, or as an object.
    package var currency = Currency.text
    /// `unknown-sender`: a ticket's unknown sender becomes an end user, or not.
    package var unknownSender = UnknownSender.create

    /// `names`: people's names are kept as sent, or get the letter case that Planhat finds right.
    package var names = Names.keep
    /// `bodies`: 401, 403, 404 and 429 say `{"message": …}`, `{"error": …}`, plain text, or nothing.
    package var bodies = Bodies.message
    /// `limit-headers`: how the headers of the rate limit are spelled.
    package var limitHeaders = LimitHeaders.both
    /// `analytics`: the analytics API answers JSON, a bare text whatever became of the rows, or nothing.
    package var analytics = Analytics.json
    /// `analytics-status`: 200 also where rows are refused, or 400.
    package var analyticsStatus = AnalyticsStatus.ok
    /// `processed`: counts what was not refused, what was kept, or everything.
    package var processed = Processed.taken
    /// `unknown-tenant`: another tenant is answered 404, 401, 200 with an error, or 200 and nothing kept.
    package var unknownTenant = UnknownTenant.notFound
    /// `unknown-metric`: a metric of a record that is not there is an error, or left out without a word.
    package var unknownMetric = UnknownMetric.error
    /// `metric-time`: metrics keep their time, or the day alone.
    package var metricTime = MetricTime.keep

    package init() {}

    /// What can be said on the command line, as `name=value|value` lines.
    package static let forms = table.map(\.form)

    /// Reads `name=value` texts, one switch each.
    /// - Throws: `switch_invalid`, with what was expected.
    package init(_ texts: [String]) throws(SandboxError) {
        for text in texts { try set(text) }
    }

    private struct Entry: Sendable {
        let name: String
        let values: [String]
        /// False where there is no such value.
        let set: @Sendable (inout SandboxSwitches, String) -> Bool

        init<Choice: RawRepresentable & CaseIterable & Sendable>(
            _ name: String,
            _ path: any WritableKeyPath<SandboxSwitches, Choice> & Sendable
        ) where Choice.RawValue == String {
            self.name = name
            values = Choice.allCases.map(\.rawValue)
            set = { switches, value in
                guard let choice = Choice(rawValue: value) else { return false }
                switches[keyPath: path] = choice
                return true
            }
        }

        var form: String { name + "=" + values.joined(separator: "|") }
    }

    private static let table = [
        Entry("errors", \.errors), Entry("custom", \.custom), Entry("nulls", \.nulls),
        Entry("unknown-custom", \.unknownCustom), Entry("retry-after", \.retryAfter),
        Entry("no-company", \.noCompany), Entry("keys", \.keys), Entry("key-order", \.keyOrder),
        Entry("unknown-id", \.unknownID), Entry("window", \.window), Entry("formula", \.formula),
        Entry("locked", \.locked), Entry("list-values", \.listValues), Entry("choices", \.choices),
        Entry("types", \.types), Entry("company-ids", \.companyIDs), Entry("task-people", \.taskPeople),
        Entry("lean", \.lean), Entry("scope", \.scope),
        Entry("repeats", \.repeats), Entry("error-status", \.errorStatus), Entry("absent-delete", \.absentDelete),
        Entry("delete-by-key", \.deleteByKey), Entry("over-limit", \.overLimit), Entry("currency", \.currency),
        Entry("unknown-sender", \.unknownSender), Entry("names", \.names), Entry("bodies", \.bodies),
        Entry("limit-headers", \.limitHeaders), Entry("analytics", \.analytics),
        Entry("analytics-status", \.analyticsStatus), Entry("processed", \.processed),
        Entry("unknown-tenant", \.unknownTenant), Entry("unknown-metric", \.unknownMetric),
        Entry("metric-time", \.metricTime), Entry("unsure-keys", \.unsureKeys),
        Entry("dropped", \.dropped), Entry("filters", \.filters), Entry("custom-day", \.customDay),
    ]

    private mutating func set(_ text: String) throws(SandboxError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let list = Self.forms.joined(separator: ", ")
        guard parts.count == 2 else {
            throw SandboxError(.switchInvalid, "\"\(text)\" is not a switch", hint: "write it as name=value: \(list)")
        }
        guard let entry = Self.table.first(where: { $0.name == parts[0] }) else {
            throw SandboxError(.switchInvalid, "there is no switch \"\(parts[0])\"", hint: "the switches are \(list)")
        }
        guard entry.set(&self, parts[1]) else {
            let choices = entry.values.joined(separator: ", ")
            throw SandboxError(.switchInvalid, "switch \"\(text)\": no such value", hint: "it takes \(choices)")
        }
    }
}
