internal import ProjectConfig
internal import Runner
internal import StateStore

/// What can be done with a sync that was made in the pages.
struct SyncTools: Sendable {
    let name: String
    private let isMade: Bool
    private let yaml: String?
    private let changed: (by: String, at: Moment)?
    private let now: Moment

    init(site: Site, _ name: String) throws {
        self.name = name
        now = site.now
        guard let editing = site.editing, let entry = try editing.definitions.project().entry(.sync, name),
            let record = entry.record
        else {
            (isMade, yaml, changed) = (false, nil, nil)
            return
        }
        isMade = true
        changed = (record.changedBy, record.changedAt)
        yaml = try editing.definitions.yaml(of: .sync, name)
    }

    static let new: HTML = """
        <div class="actions"><a class="button primary" href="\(Place.making(.newSync).path)">New sync</a></div>
        """

    func actions(_ visitor: Visitor) -> HTML {
        guard isMade, visitor.may(.edit) else { return .empty }
        return """
            <a class="button" href="\(Place.making(.sync(name, .first)).path)">Schedule…</a><a class="button" href="\(Place.making(.sync(name, .edit)).path)">Edit</a><a class="button" href="\(Place.making(.sync(name, .delete)).path)">Delete…</a>
            """
    }

    /// The text of the definition; nil where a file has it.
    var definition: HTML? {
        guard let yaml, let changed else { return nil }
        return """
            <section><h2>Definition</h2><p class="detail">Made in these pages, last changed \(TimeView.time(changed.at, now: now)) by \(changed.by). As a file it is:</p>\(CodeBlock("Definition of \(name)", id: "yaml", style: "code").copied(HTML(yaml)))</section>
            """
    }
}
