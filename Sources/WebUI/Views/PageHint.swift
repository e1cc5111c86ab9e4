internal import Records
internal import Runner
internal import StateStore

/// What to do about an error where the pages can do it. Hints are written once, for all who read them; those of these
/// codes name a command, and a reader of a page is told what to do here.
struct PageHint: Sendable {
    /// What an error is about, and who reads of it.
    struct About: Sendable {
        var sync: String?
        var run: Int64?
        /// Whether it is the reason of a row in doubt, whatever code the answer had: its page has the forms.
        var isInDoubt = false
        var visitor: Visitor?

        init(sync: String? = nil, run: Int64? = nil, visitor: Visitor? = nil) {
            (self.sync, self.run, self.visitor) = (sync, run, visitor)
        }

        init(_ run: RunRecord, _ visitor: Visitor?) {
            self.init(sync: run.sync, run: run.id, visitor: visitor)
        }

        /// The reason of a row that ended so.
        func of(_ outcome: OutcomeKind?, _ code: String) -> About {
            var about = self
            about.isInDoubt = outcome == .inDoubt || code == PageHint.inDoubtCode
            return about
        }

        init(_ place: Place?, _ visitor: Visitor?) {
            switch place {
            case .sync(let name), .syncAction(let name, _), .record(let name, _):
                self.init(sync: name, visitor: visitor)
            case .run(let id), .records(let id), .exchange(let id, _), .cancel(let id):
                self.init(run: id, visitor: visitor)
            default: self.init(visitor: visitor)
            }
        }
    }

    /// Where it is done.
    enum Way: Sendable {
        case sync, reset, doubts, run, syncs, connections, newDataset
    }

    /// Said instead of the hint; nil where the hint has more to say than the command, and stays.
    var text: String?
    var way: Way?

    init(_ text: String?, _ way: Way? = nil) { (self.text, self.way) = (text, way) }

    /// What to do, as markup: `hint`, or what is said here instead, and a link to where it is done.
    /// - Parameter limit: characters of a hint that are shown.
    static func html(_ code: String, _ hint: String, _ about: About = About(), limit: Int = .max) -> HTML {
        guard let own = all[about.isInDoubt ? inDoubtCode : code] else {
            return Prose.html(ReasonView.cut(hint, limit))
        }
        let text = Prose.html(ReasonView.cut(own.text ?? hint, limit))
        guard let link = own.link(about) else { return text }
        return text.isEmpty ? link : "\(text) \(link)"
    }

    /// Of a code, without what it is about; nil where its hint holds here too.
    static func general(_ code: String) -> HTML? {
        guard let own = all[code] else { return nil }
        let text = own.text.map { Prose.html($0) }
        let link = own.link(About())
        return text == nil && link == nil ? nil : "\(text)\(text == nil || link == nil ? "" : " ")\(link)"
    }

    private func link(_ about: About) -> HTML? {
        guard !about.isInDoubt, let (place, label) = target(about) else { return nil }
        if let visitor = about.visitor, !visitor.may(PlaceRights.needed(place)) { return nil }
        return "<a href=\"\(place.path)\">\(label)</a>"
    }

    private func target(_ about: About) -> (Place, String)? {
        switch way {
        case .sync: about.sync.map { (.sync($0), "Sync \($0)") }
        case .reset: about.sync.map { (.syncAction($0, .reset), "Reset \($0)…") }
        case .doubts: about.sync.map { (.syncAction($0, .confirm), "Decide on all in doubt…") }
        case .run: about.run.map { (.run($0), "Run \($0)") }
        case .syncs: (.syncs, "Syncs")
        case .connections: (.connections, "Connections")
        case .newDataset: (.making(.newDataset), "Tables of a source")
        case nil: nil
        }
    }

    private static let inDoubtCode = "in_doubt"
    private static let inDoubt = PageHint(
        "Look it up at the destination, then say here whether it arrived, or send it again.", .doubts)
    private static let tables = PageHint(nil, .newDataset)
    private static let fields = PageHint(nil, .connections)

    /// By code.
    static let all: [String: PageHint] = [
        "sync_already_running": PageHint("Wait for the run that goes on, or cancel it on its page.", .sync),
        "run_unfinished": PageHint("Run the sync first: that finishes the interrupted run. Then do this again.", .sync),
        inDoubtCode: inDoubt,
        "interrupted_in_flight": inDoubt,
        "destination_down": PageHint(
            "Run the sync again once the destination answers: it sends what was not sent. What is in doubt waits: look it up at the destination, then say here whether it arrived, or send it again.",
            .doubts),
        "held_after_refusals": PageHint(
            "Correct the row, which is then sent at once, or send it again here; its life has the last refusal's reason."
        ),
        "destination_refuses_all": PageHint(
            "See the reason of the refused rows: a field or a permission is probably wrong for all of them. Then run again.",
            .run),
        "run_failed": PageHint("See why the run failed; the next run sends the record.", .run),
        "books_unbalanced": PageHint(
            "Nothing is lost: the next run compares again. Please report it with the JSON of the run, which is at its address with `.json` behind it.",
            .run),
        "full_refused": PageHint("A reset starts over, and a dry run there shows how many rows that would be.", .reset),
        "sent_under_another_key": PageHint(
            "Put the key back, or give the sync another name. To send every row again, reset it.", .reset),
        "sent_to_another_account": PageHint(
            "Put the destination back, or give the sync another name. To send every row again, reset it.", .reset),
        "key_not_matched": PageHint(
            "Pause the sync, look the keys up at the destination and remove the second records; then use `_id` or another key. If the records had been deleted there by hand, nothing is doubled: reset the sync.",
            .reset),
        "state_lost": PageHint(
            "Restore a backup of the state directory, or reset the sync to start over, which sends every row again.",
            .reset),
        "state_corrupt": PageHint(
            "Restore the state directory from a backup. Else a reset forgets the state of the one sync.", .reset),
        "sync_state_exists": PageHint(
            "Take `renamed_from` out, or reset the sync if nothing has arrived by its new name.", .syncs),
        "stopped_by_guard": guarded,
        keylessRows: PageHint(
            "Give every row a key. If the rows without one are of no matter, an editor can run it so that it removes them all the same."
        ),
        "invalid_option": PageHint(
            "A dry run on the page of the sync shows what a run would remove; a small dataset removes few.", .sync),
        "unreadable_answer": PageHint(
            "A run tries it again and keeps the answer among its requests; a proxy in between may be its author.", .run),
        "contradictory_answer": PageHint("A run tries it again and keeps the answer among its requests.", .run),
        "secret_damaged": PageHint("Enter it again: edit the source or destination that uses it.", .connections),
        "unknown_secret": PageHint("Enter it: edit the source or destination that uses it.", .connections),
        "table_not_found": tables,
        "column_not_found": tables,
        "unknown_field": fields,
        "unknown_object": fields,
        "illegal_key": fields,
        "operation_not_supported": fields,
    ]

    /// Of every guard but `keyless_rows`, which stops nothing.
    private static let guarded = PageHint(
        "Nothing was sent. Look at the dataset; if it is right, an editor can go on with exactly this plan on the page of the run.",
        .run)

    /// The code under which a guard's hint is found.
    static func code(ofGuard name: String) -> String { name == keylessRows ? name : "stopped_by_guard" }

    /// The guard that only withholds removals.
    static let keylessRows = "keyless_rows"
}
