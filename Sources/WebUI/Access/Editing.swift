internal import ConnectorKit
package import ProjectConfig
internal import Records
package import Runner
internal import StateStore
internal import Synchronization

/// What the pages need to define things; `serve` gives it.
package struct Editing: Sendable {
    package var definitions: Definitions
    /// For when a secret was changed last. No page reads one.
    package var vault: SecretVault
    /// Puts the project as it is now in force; called after each change.
    package var reload: @Sendable () throws -> Void
    /// Starts a local account and makes a sample database beside the project; nil where there is none.
    package var sample: (@Sendable () async throws -> SampleAccount)?
    let known = KnownMetadata()

    package init(
        definitions: Definitions, vault: SecretVault, reload: @escaping @Sendable () throws -> Void,
        sample: (@Sendable () async throws -> SampleAccount)? = nil
    ) {
        self.definitions = definitions
        self.vault = vault
        self.reload = reload
        self.sample = sample
    }
}

/// The sample, once it has been started.
package struct SampleAccount: Sendable {
    /// In the order in which they are saved.
    package var definitions: [StoredDefinitions.One]
    /// The sync that is run at once.
    package var firstSync: String

    package init(definitions: [StoredDefinitions.One], firstSync: String) {
        self.definitions = definitions
        self.firstSync = firstSync
    }
}

/// What sources and destinations said they have, kept for a while so that a form answers at once. A button on each form
/// asks again.
final class KnownMetadata: Sendable {
    static let keptSeconds: Int64 = 600
    static let keptMax = 100
    /// A source or destination that has not answered by then is told as such.
    static let patience = Duration.seconds(20)

    private enum Answer: Sendable {
        case tables([TableInfo])
        case columns([Column])
        case fields([DestinationField])
    }

    private let answers = Mutex<[String: (answer: Answer, at: Moment)]>([:])

    /// After a change of definitions nothing that was said before need be true.
    func forget() { answers.withLock { $0.removeAll() } }

    func tables(
        of source: String, now: Moment, _ ask: @escaping @Sendable () async throws -> [TableInfo]
    ) async throws -> [TableInfo] {
        let answer = try await answer("tables \(source)", now) { .tables(try await ask()) }
        if case .tables(let tables) = answer { return tables }
        return []
    }

    /// - Parameter question: the source and what is read of it: a file may change what a dataset of that name reads.
    func columns(
        of question: String, now: Moment, _ ask: @escaping @Sendable () async throws -> [Column]
    ) async throws -> [Column] {
        let answer = try await answer("columns \(question)", now) { .columns(try await ask()) }
        if case .columns(let columns) = answer { return columns }
        return []
    }

    func fields(
        of target: String, now: Moment, _ ask: @escaping @Sendable () async throws -> [DestinationField]
    ) async throws -> [DestinationField] {
        let answer = try await answer("fields \(target)", now) { .fields(try await ask()) }
        if case .fields(let fields) = answer { return fields }
        return []
    }

    private func answer(
        _ key: String, _ now: Moment, _ ask: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        let kept = answers.withLock { $0[key] }
        if let kept, now.milliseconds - kept.at.milliseconds < Self.keptSeconds * 1_000 { return kept.answer }
        let fresh = try await Self.patiently(ask)
        answers.withLock { answers in
            if answers.count >= Self.keptMax { answers.removeAll() }
            answers[key] = (fresh, now)
        }
        return fresh
    }

    /// What is asked, or `connection_slow` after a while: somebody waits for the page.
    static func patiently<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw RunError(
                    code: "connection_slow", message: "The other side has not answered for 20 seconds.",
                    hint: "Check the connection; a query that takes long can be tried with a limit.")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}
