internal import Foundation
internal import Glibc
internal import Records
internal import Runner
internal import Synchronization

/// What a run tells while it goes on: one line that changes on a terminal; with `--verbose`, lines of a log elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var shownAt = 0.0
        var isShown = false
    }

    private let isBar: Bool
    private let isVerbose: Bool
    private let isQuiet: Bool
    private let state = Mutex(State())

    init(_ options: ProjectOptions) {
        isBar = Output.isErrorTerminal && !options.quiet && !options.json
        isVerbose = options.verbose
        isQuiet = options.quiet
    }

    func show(_ progress: RunProgress) {
        if case .gone(let keys) = progress { return Self.tell(gone: keys) }
        if case .warned(let warning) = progress {
            return Output.note("warning[\(warning.code)]: \(warning.message) \(warning.hint)")
        }
        if case .notSwept(let error) = progress {
            return Output.note("\(error.message) \(error.hint)")
        }
        if case .started(let run, let sync, isResumed: true) = progress, !isQuiet {
            Output.note("Run \(run) of \(sync) was interrupted and is finished first.")
        }
        if isVerbose, let line = Self.logLine(progress) { return Output.note(line) }
        guard isBar else { return tellWait(progress) }
        if case .ended = progress { return clear() }
        guard let text = Self.barText(progress) else { return }
        let now = Date().timeIntervalSince1970
        state.withLock { state in
            guard now - state.shownAt > 0.1 || !state.isShown else { return }
            state.shownAt = now
            state.isShown = true
            Output.write("\r\u{1B}[K" + text, to: STDERR_FILENO)
        }
    }

    /// Told whatever was asked: these records were not sent.
    private static func tell(gone keys: [String]) {
        for key in keys { Output.note("\(key) is not in the source: there is nothing to send.") }
    }

    /// Where no line changes on a terminal, a wait that somebody could wonder about is a line of its own.
    private func tellWait(_ progress: RunProgress) {
        guard !isQuiet, case .waiting(_, let duration) = progress, duration > .seconds(1),
            let text = Self.barText(progress)
        else { return }
        Output.note(text)
    }

    private func clear() {
        state.withLock { state in
            if state.isShown { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
            state.isShown = false
        }
    }

    static func barText(_ progress: RunProgress) -> String? {
        switch progress {
        case .started(let run, let sync, let isResumed):
            return "\(sync): run \(run)\(isResumed ? " resumed" : "")"
        case .scanning(let rows): return "reading  \(RunText.counted(rows, "row"))"
        case .planned(let operations): return "planned  \(RunText.counted(operations, "operation"))"
        case .delivering(let done, let total): return "sending  " + bar(done, of: total)
        case .waiting(let reason, let duration): return "waiting \(seconds(duration)): \(reason)"
        case .gone, .warned, .ended, .notSwept: return nil
        }
    }

    private static func bar(_ done: Int, of total: Int) -> String {
        let width = 30
        let filled = total > 0 ? done * width / total : width
        let percent = total > 0 ? done * 100 / total : 100
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            + " \(percent) %  \(RunText.grouped(done)) of \(RunText.grouped(total))"
    }

    private static func logLine(_ progress: RunProgress) -> String? {
        switch progress {
        case .scanning: return nil
        case .delivering(let done, let total): return "sent \(done) of \(total)"
        case .ended(let run): return "run \(run) ended"
        default: return barText(progress)
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        let parts = duration.components
        let tenths = (parts.seconds * 10) + parts.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
