package import ConnectorKit
internal import Foundation
package import Logging
package import ProjectConfig
internal import Records
package import StateStore

/// What leaves with a notice.
package enum NoticeDelivery: Sendable {
    case webhook(WebhookPost)
    /// A command of the shell; the body is its standard input.
    case command(Secret, body: [UInt8], notice: Notice)
}

/// How notices leave. Throws `RunError` where one did not arrive.
package struct NoticeSender: Sendable {
    package var send: @Sendable (NoticeDelivery) async throws -> Void

    package init(send: @escaping @Sendable (NoticeDelivery) async throws -> Void) { self.send = send }

    /// - Parameter post: posts JSON and returns the status that was answered. It asks `WebhookPost.check` before it
    ///   connects, and follows no redirect, which would lead past that question.
    package init(post: @escaping @Sendable (WebhookPost) async throws -> Int) {
        send = { delivery in
            switch delivery {
            case .command(let command, let body, let notice):
                try await ShellCommand(command.reveal(), input: body, notice: notice).run()
            case .webhook(let webhook):
                let status = try await post(webhook)
                guard !(200..<300).contains(status) else { return }
                throw RunError(
                    code: "notice_refused", message: "\(webhook.address.host) answered a notice with status \(status).",
                    hint: "Check the address of the webhook.")
            }
        }
    }
}

/// Tells whom the project names what becomes of its syncs. Nothing here ever fails a run: what cannot be told is logged.
package struct Notifier: Sendable {
    /// How often a notice is tried, and how long between.
    package struct Patience: Sendable {
        package var waits: [Duration]

        package init(waits: [Duration]) { self.waits = waits }

        /// Somebody waits for the command to end.
        package static let short = Patience(waits: [.seconds(1), .seconds(4)])
        package static let long = Patience(waits: [.seconds(2), .seconds(10), .seconds(60), .seconds(300)])
    }

    private let project: Project
    private let state: StateDirectory
    private let time: RunTime
    private let text: @Sendable (SettingValue, String) throws -> Secret
    private let sender: NoticeSender
    private let patience: Patience
    private let logger: Logger

    /// - Parameter text: looks up what a setting of `notify` refers to; its second argument says what it is for.
    package init(
        _ project: Project, environment: RunEnvironment, sender: NoticeSender, patience: Patience, logger: Logger,
        text: @escaping @Sendable (SettingValue, String) throws -> Secret
    ) {
        self.project = project
        state = environment.state
        time = environment.time
        self.text = text
        self.sender = sender
        self.patience = patience
        self.logger = logger
    }

    /// Tells what the run, which has ended, brings about. One call for a sync at a time.
    package func tell(_ run: RunRecord) async {
        guard let notify = notify(run.sync) else { return }
        await settle(run.sync, notify) { state in
            NoticeRules.notices(of: run, notify, state: &state, at: time.now())
        }
    }

    /// When the sync is stale unless a run is complete by then.
    package func staleAt(
        _ sync: SyncDefinition, _ promise: FreshnessPromise, completedAt: Moment?, seenAt: Moment
    ) -> Moment? {
        guard let notify = notify(sync.name), notify.events.contains(.stale) else { return nil }
        return NoticeRules.staleAt(sync, notify, promise, completedAt: completedAt, seenAt: seenAt)
    }

    /// Tells that a sync is stale, unless that was told. One call for a sync at a time.
    package func tellStale(_ sync: SyncDefinition, completedAt: Moment?) async {
        guard let notify = notify(sync.name) else { return }
        await settle(sync.name, notify) { state in
            NoticeRules.stale(sync, notify, completedAt: completedAt, state: &state, at: time.now()).map { [$0] } ?? []
        }
    }

    private func notify(_ sync: String) -> NotifyDefinition? { project.sync(sync)?.notify ?? project.notify }

    /// What was told is noted once it was: a notice that did not leave is told by the next run that finds the same.
    private func settle(
        _ sync: String, _ notify: NotifyDefinition, _ judge: (inout NoticeState) -> [Notice]
    ) async {
        do {
            let before = try NoticeNote.read(sync: sync, state).flatMap(Self.decode) ?? NoticeState()
            var after = before
            for notice in judge(&after) where try await !deliver(notice, notify) { return }
            if after != before {
                try NoticeNote.write(Array(try JSONEncoder().encode(after)), sync: sync, state)
            }
        } catch {
            log(RunError(error), sync)
        }
    }

    /// A damaged note is none: the worst is that something is told twice.
    private static func decode(_ bytes: [UInt8]) -> NoticeState? {
        do { return try JSONDecoder().decode(NoticeState.self, from: Data(bytes)) } catch { return nil }
    }

    /// Whether it arrived.
    private func deliver(_ notice: Notice, _ notify: NotifyDefinition) async throws -> Bool {
        let delivery = try delivery(notice, notify)
        let signing = try signing(notify)
        let id = Self.id(of: notice)
        var left = patience.waits[...]
        while true {
            do {
                try await sender.send(Self.signed(delivery, signing, id, at: time.now()))
                logger.info(
                    "notice sent", metadata: ["sync": "\(notice.sync)", "event": "\(notice.event.rawValue)"])
                return true
            } catch {
                guard !Self.isFinal(error), let wait = left.popFirst() else {
                    log(RunError(error), notice.sync)
                    return false
                }
                try await time.sleep(wait)
            }
        }
    }

    /// What trying again cannot mend.
    private static func isFinal(_ error: any Error) -> Bool {
        if error is CancellationError { return true }
        return ["webhook_address_private", "webhook_address_forbidden"].contains(RunError(error).code)
    }

    private func signing(_ notify: NotifyDefinition) throws -> WebhookSigning? {
        guard let value = notify.signingSecret else { return nil }
        return try WebhookSigning(try text(value, "`signing_secret` of `notify`"))
    }

    /// Tells a receiver that two tries are one notice.
    private static func id(of notice: Notice) -> String {
        let parts = [notice.event.rawValue, notice.sync, notice.run.map { String($0.id) } ?? "", notice.at.text]
        return "notice_" + Hash128.of(parts.joined(separator: "\u{1F}"), seed: 0).hexadecimal
    }

    private static func signed(
        _ delivery: NoticeDelivery, _ signing: WebhookSigning?, _ id: String, at now: Moment
    ) -> NoticeDelivery {
        guard let signing, case .webhook(var post) = delivery else { return delivery }
        post.headers = signing.headers(id: id, body: post.body, at: now)
        return .webhook(post)
    }

    private func delivery(_ notice: Notice, _ notify: NotifyDefinition) throws -> NoticeDelivery {
        switch notify.target {
        case .command(let value):
            let command = try text(value, "`command` of `notify`")
            return .command(command, body: try NoticeBody.bytes(notice, form: .json), notice: notice)
        case .webhook(let value):
            let url = try text(value, "`webhook` of `notify`")
            guard let address = WebhookAddress(url, form: notify.form) else {
                throw RunError(
                    code: "webhook_address_invalid",
                    message: "The webhook of notify is not an address that can be posted to.",
                    hint: "It begins with https:// (or http://) and has no name or password in it.")
            }
            var post = WebhookPost(address: address, body: try NoticeBody.bytes(notice, form: address.form))
            post.allowsPrivate = notify.allowsPrivate
            return .webhook(post)
        }
    }

    private func log(_ error: RunError, _ sync: String) {
        logger.error(
            "A notice was not delivered. \(error.message) \(error.hint)",
            metadata: ["sync": "\(sync)", "code": "\(error.code)"])
    }
}
