internal import Records

/// The small pictures beside words. Never alone: a word always stands with them.
enum IconView {
    enum Name {
        case ok, part, bad, live, shield, stopped, clock, pause
    }

    static func icon(_ name: Name) -> HTML {
        "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">\(path(name))</svg>"
    }

    private static func path(_ name: Name) -> HTML {
        switch name {
        case .ok: "<path d=\"M3 8.5l3.2 3.2L13 5\"/>"
        case .part: "<path d=\"M8 2.5L14.5 13.5h-13zM8 6.5v3M8 11.5v.2\"/>"
        case .bad: "<path d=\"M4 4l8 8M12 4l-8 8\"/>"
        case .live: "<path class=\"spin\" d=\"M8 2a6 6 0 1 1-6 6\"/>"
        case .shield: "<path d=\"M8 1.8l5 2v4c0 3.2-2.2 5.4-5 6.4-2.8-1-5-3.2-5-6.4v-4z\"/>"
        case .stopped: "<path d=\"M4.5 4.5h7v7h-7z\"/>"
        case .clock: "<path d=\"M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8V8l2.2 1.6\"/>"
        case .pause: "<path d=\"M6 4v8M10 4v8\"/>"
        }
    }
}

/// A run's state as text, picture and colour. Green says that everything arrived, and nothing else does.
enum StateView {
    /// The colours a state can have.
    enum Tone: String, Sendable {
        case good, part, bad, live, calm
    }

    static func tone(_ state: RunState) -> Tone {
        switch state {
        case .succeeded: .good
        case .completedWithRejections, .stoppedByGuard, .interrupted: .part
        case .failed: .bad
        case .queued, .running, .closing: .live
        case .cancelled, .skipped: .calm
        }
    }

    static func word(_ state: RunState) -> String {
        switch state {
        case .queued: "Queued"
        case .running: "Running"
        case .closing: "Closing"
        case .succeeded: "Succeeded"
        case .completedWithRejections: "Rows did not arrive"
        case .stoppedByGuard: "Stopped by a guard"
        case .failed: "Failed"
        case .cancelled: "Cancelled"
        case .skipped: "Skipped"
        case .interrupted: "Interrupted"
        }
    }

    private static func icon(_ state: RunState) -> IconView.Name {
        switch state {
        case .succeeded: .ok
        case .completedWithRejections, .interrupted: .part
        case .stoppedByGuard: .shield
        case .failed: .bad
        case .queued: .clock
        case .running, .closing: .live
        case .cancelled, .skipped: .stopped
        }
    }

    static func badge(_ state: RunState) -> HTML { badge(word(state), tone(state), icon(state)) }

    static func badge(_ word: String, _ tone: Tone, _ icon: IconView.Name) -> HTML {
        "<span class=\"badge \(tone.rawValue)\">\(IconView.icon(icon))\(word)</span>"
    }

    static func outcome(_ kind: OutcomeKind) -> HTML {
        switch kind {
        case .invalid: badge("invalid", .part, .part)
        case .held: badge("held", .calm, .clock)
        case .skipped: badge("skipped", .calm, .stopped)
        case .rejected: badge("rejected", .bad, .bad)
        case .undelivered: badge("undelivered", .part, .stopped)
        case .inDoubt: badge("in doubt", .part, .part)
        }
    }
}
