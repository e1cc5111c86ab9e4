internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What can be said of records of which nobody knows whether they arrived, and the forms to say it.
struct DoubtView {
    static let confirming =
        "Sluice takes your word: they count as accepted, nothing is sent, and no later run sends them. One that did not arrive is missing until its row changes."
    static let resending =
        "The source is read again and they are sent in a run of their own. One that had arrived may then be there twice; where the destination can be asked for them, those that it has are not sent."

    let sync: String
    let visitor: Visitor

    /// How many records of the sync are in doubt now, as far as this run gives a reason to look.
    static func count(_ run: RunRecord, _ site: Site) -> Int {
        run.operations.inDoubt + run.rows.held > 0 ? count(of: run.sync, site) : 0
    }

    /// How many records of the sync are in doubt now; nought where they cannot be read, which the next run says itself.
    static func count(of sync: String, _ site: Site) -> Int {
        do {
            return try RecordsInDoubt(sync: sync, environment: site.environment).count
        } catch {
            return 0
        }
    }

    /// Which of these rows are in doubt still, by their numbers.
    static func open(_ records: [OutcomeRecord], of run: RunRecord, _ site: Site) -> Set<Int> {
        let named = records.filter { $0.outcome == .inDoubt || $0.outcome == .held }
        guard !named.isEmpty else { return [] }
        do {
            let now = try RecordsInDoubt(sync: run.sync, environment: site.environment)
            return Set(named.filter { !$0.key.isEmpty && now.contains($0.keyHash) }.map(\.sequence))
        } catch {
            return []
        }
    }

    /// To the pages that ask before all of them are decided.
    func all(_ count: Int) -> HTML {
        guard count > 0, visitor.may(.run) else { return .empty }
        let (these, them) =
            count == 1 ? ("The one in doubt", "the one in doubt") : ("All \(count) in doubt", "all \(count) in doubt")
        return """
            <div class="actions"><a class="button" href="\(Place.syncAction(sync, .confirm).path)">\(these) arrived…</a><a class="button" href="\(Place.syncAction(sync, .resend).path)">Send \(them) again…</a></div>
            """
    }

    /// On the page of the sync.
    func notice(_ count: Int) -> HTML {
        guard count > 0 else { return .empty }
        let told = count == 1 ? "Of 1 record" : "Of \(Wording.grouped(count)) records"
        return """
            <section class="notice part"><p><strong>\(told) it is not known whether \(count == 1 ? "it" : "they") arrived.</strong></p><p>They wait, and no run sends them, until somebody says what became of them.</p>\(all(count))</section>
            """
    }

    /// On the page of one record.
    func one(_ key: String) -> HTML {
        let forms: HTML =
            visitor.may(.run)
            ? """
            \(Self.meaning("It arrived"))<div class="actions">\(FormView.button("It arrived", .syncAction(sync, .confirm), visitor, fields: [("key", key)]))\(FormView.button("Send again", .syncAction(sync, .resend), visitor, fields: [("key", key)]))</div>
            """ : .empty
        return """
            <section class="notice part"><h2>It is not known whether this record arrived</h2><p>A request that carried it got no complete answer. It waits, and no run sends it, until somebody says what became of it: look it up at the destination.</p>\(forms)</section>
            """
    }

    /// Below rows that can be ticked, in their form.
    func ticked(of count: Int) -> HTML {
        """
        <section class="notice part"><h2>What became of those in doubt?</h2>\(Self.meaning("They arrived"))<div class="actions"><button formaction="\(Place.syncAction(sync, .confirm).path)">The ticked ones arrived</button><button>Send the ticked ones again</button></div><p>Or all of the sync at once, after one more question:</p>\(all(count))</section>
        """
    }

    private static func meaning(_ arrived: String) -> HTML {
        "<p><strong>\(arrived):</strong> \(confirming)</p><p><strong>Send again:</strong> \(resending)</p>"
    }
}
