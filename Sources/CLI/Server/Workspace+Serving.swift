internal import ConnectorKit
internal import Logging
internal import ProjectConfig
internal import Runner

extension Workspace {
    /// The project with what its runs need.
    func served(_ environment: RunEnvironment, _ logger: Logger) -> ServedProject {
        ServedProject(
            project: project, connections: connections(state: environment.state),
            notifier: notifier(environment, .long, logger))
    }

    /// Tells whom the project names. Nil where it names nobody.
    func notifier(
        _ environment: RunEnvironment, _ patience: Notifier.Patience = .short, _ logger: Logger? = nil
    ) -> Notifier? {
        guard project.notify != nil || project.syncs.contains(where: { $0.notify != nil }) else { return nil }
        let references = references
        let redaction = Redaction()
        if logger == nil { redaction.add(secrets()) }
        return Notifier(
            project, environment: environment, sender: WebhookClient.sender, patience: patience,
            logger: logger ?? Logger(label: "sluice") { ServerLog(label: $0, format: .note, redaction: redaction) }
        ) { value, use in try references.text(of: value, use: use) }
    }

    /// Every secret that the project refers to and that can be had now.
    func secrets() -> [Secret] {
        var found: [Secret] = []
        let references = references
        func look(_ connection: ConnectionDefinition, _ declaration: ConnectorDeclaration?) {
            guard let declaration else { return }
            do {
                let settings = try references.settings(for: connection, declaration: declaration)
                found += declaration.settings.filter(\.isSecret).compactMap { settings.secret($0.name) }
            } catch {
                // What cannot be had cannot be shown; the run that needs it says so.
                return
            }
        }
        for source in project.sources.values { look(source, Connectors.all.source(source.type)?.declaration) }
        for one in project.destinations.values { look(one, Connectors.all.destination(one.type)?.declaration) }
        for notify in [project.notify] + project.syncs.map(\.notify) {
            guard let notify else { continue }
            var values = [notify.signingSecret].compactMap { $0 }
            switch notify.target {
            case .webhook(let value), .command(let value): values.append(value)
            }
            for value in values {
                // As above: the notice that needs it says so.
                do { found.append(try references.text(of: value, use: "`notify`")) } catch { continue }
            }
        }
        return found
    }
}
