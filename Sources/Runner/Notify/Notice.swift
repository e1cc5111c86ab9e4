package import ProjectConfig
package import StateStore

/// Something that somebody wants to be told of a sync.
package struct Notice: Sendable, Hashable {
    package var event: NotifyDefinition.Event
    package var sync: String
    /// The run that brought it about; nil where it is that no run did.
    package var run: RunRecord?
    /// What is over with a recovery.
    package var recovered: [NotifyDefinition.Event] = []
    /// One sentence.
    package var message: String
    /// What to do; may be empty.
    package var hint: String
    package var at: Moment

    package init(
        _ event: NotifyDefinition.Event, sync: String, run: RunRecord?, message: String, hint: String, at: Moment
    ) {
        self.event = event
        self.sync = sync
        self.run = run
        self.message = message
        self.hint = hint
        self.at = at
    }

    /// The message with what to do, for where there is one text and nothing else.
    package var text: String { hint.isEmpty ? message : message + " " + hint }
}
