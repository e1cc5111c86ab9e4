internal import Foundation
internal import Glibc
internal import Logging
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore
internal import Synchronization

/// What a run tells while it goes on: on a terminal one line that changes, and one that stays for each stage; elsewhere
/// few plain lines, or with SLUICE_LOG_FORMAT=json one JSON object for each event.
final class ProgressLine: Sendable {
    /// Elsewhere than on a terminal a run of minutes says at least this often that it is alive.
    static let heartbeatMilliseconds: Int64 = 30_000
    private static let barWidth = 24
    /// On a narrower terminal the words need the room.
    private static let widthForBarMin = 80

    private struct State {
        var text = ProgressText()
        var shownAt: Int64 = 0
        var toldAt: Int64 = 0
        var isShown = false
    }

    private enum Form {
        case bar, plain
        case log(Logger)
    }

    private let form: Form
    private let isVerbose: Bool
    private let isQuiet: Bool
    private let state = Mutex(State())

    /// - Parameter workspace: its secrets are in no line.
    init(_ options: ProjectOptions, _ workspace: Workspace) throws {
        isVerbose = options.verbose
        isQuiet = options.quiet
        if let logger = try Self.logger(options, workspace) {
            form = .log(logger)
        } else {
            form = Output.isErrorTerminal && !options.quiet && !options.json ? .bar : .plain
        }
    }

    /// Nil where lines for people are wanted.
    private static func logger(_ options: ProjectOptions, _ workspace: Workspace) throws -> Logger? {
        let word = ProcessInfo.processInfo.environment["SLUICE_LOG_FORMAT"] ?? ServerLog.Format.text.rawValue
        guard try ServerLog.Format.named(word) == .json else { return nil }
        let redaction = Redaction()
        redaction.add(workspace.secrets())
        var logger = Logger(label: "sluice") { ServerLog(label: $0, format: .json, redaction: redaction) }
        logger.logLevel = options.quiet ? .warning : options.verbose ? .debug : .info
        return logger
    }

    func show(_ progress: RunProgress) {
        let now = RunTime.system.now()
        state.withLock { state in
            let came = state.text.note(progress, at: now)
            if case .started = progress { state.toldAt = now.milliseconds }
            if case .log(let logger) = form { return Self.log(progress, state.text, to: logger) }
            if let remark = remark(progress) { return tell(remark, &state) }
            if case .bar = form, !isVerbose { return draw(progress, came, at: now, &state) }
            tellPlainly(progress, came, at: now, &state)
        }
    }

    /// What is told whatever was asked.
    private func remark(_ progress: RunProgress) -> String? {
        switch progress {
        case .gone(let keys):
            keys.map { "\($0) is not in the source: there is nothing to send." }.joined(separator: "\n")
        case .warned(let warning): "warning[\(warning.code)]: \(warning.message) \(warning.hint)"
        case .notSwept(let error): "\(error.message) \(error.hint)"
        case .started(let run, let sync, isResumed: true) where !isQuiet:
            "Run \(run) of \(sync) was interrupted and is finished first."
        default: nil
        }
    }

    private func tell(_ line: String, _ state: inout State) {
        Self.clear(&state)
        Output.note(line)
    }

    // MARK: On a terminal

    private func draw(_ progress: RunProgress, _ came: String?, at now: Moment, _ state: inout State) {
        if let came { tell("\(state.text.sync): \(came)", &state) }
        if case .ended = progress { return Self.clear(&state) }
        let isNews =
            switch progress {
            case .waiting, .stage: true
            default: came != nil
            }
        guard isNews || now.milliseconds - state.shownAt > 100 || !state.isShown else { return }
        redraw(&state, at: now)
    }

    private func redraw(_ state: inout State, at now: Moment) {
        state.shownAt = now.milliseconds
        state.isShown = true
        let width = Output.width ?? 100
        let bar = width < Self.widthForBarMin ? "" : Self.bar(state.text.share)
        let line = "\(state.text.sync)  " + bar + state.text.now(now)
        Output.write("\r\u{1B}[K" + line.prefix(width - 1), to: STDERR_FILENO)
    }

    /// Runs `body` and draws the line anew each second, so that waits and times go on where nothing is told.
    func ticking<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        guard case .bar = form, !isVerbose else { return try await body() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                while true {
                    try await Task.sleep(for: .seconds(1))
                    tick()
                }
            }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    private func tick() {
        state.withLock { state in
            let now = RunTime.system.now()
            if state.isShown && now.milliseconds - state.shownAt > 500 { redraw(&state, at: now) }
        }
    }

    private static func bar(_ share: (done: Int, of: Int)?) -> String {
        guard let share else { return "" }
        let filled = share.of > 0 ? share.done * barWidth / share.of : barWidth
        return String(repeating: "█", count: filled) + String(repeating: "░", count: barWidth - filled) + "  "
    }

    private static func clear(_ state: inout State) {
        if state.isShown { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
        state.isShown = false
    }

    // MARK: Elsewhere

    /// A wait that somebody could wonder about is told, and from time to time how far a long run has come.
    private func tellPlainly(_ progress: RunProgress, _ came: String?, at now: Moment, _ state: inout State) {
        guard !isQuiet else { return }
        if isVerbose, let came { Output.note("\(state.text.sync): \(came)") }
        let isTold: Bool
        switch progress {
        case .waiting(_, let duration): isTold = isVerbose || duration > .seconds(1)
        case .delivering, .planned, .started: isTold = isVerbose
        case .ended, .stage: return
        default: isTold = false
        }
        guard isTold || now.milliseconds - state.toldAt >= Self.heartbeatMilliseconds else { return }
        state.toldAt = now.milliseconds
        Output.note("\(state.text.sync): \(state.text.now(now))")
    }

    // MARK: For machines

    private static func log(_ progress: RunProgress, _ text: ProgressText, to logger: Logger) {
        var metadata: Logger.Metadata = ["sync": "\(text.sync)"]
        if let run = text.run { metadata["run"] = .stringConvertible(run) }
        if let end = text.stageEnd { logger.info("stage ended", metadata: metadata.merging(fields(end)) { $1 }) }
        switch progress {
        case .started(_, _, let isResumed): logger.info(isResumed ? "run goes on" : "run begun", metadata: metadata)
        case .stage(let stage):
            metadata["stage"] = "\(stage.rawValue)"
            logger.debug("stage begun", metadata: metadata)
        case .planned(let operations):
            metadata["operations"] = .stringConvertible(operations)
            logger.info("planned", metadata: metadata)
        case .delivering(let done, let total):
            metadata["done"] = .stringConvertible(done)
            metadata["total"] = .stringConvertible(total)
            logger.debug("sending", metadata: metadata)
        case .waiting(let reason, let duration):
            metadata["seconds"] = .stringConvertible(Wording.wholeSeconds(duration))
            logger.info("waits: \(reason)", metadata: metadata)
        case .warned(let warning):
            metadata["code"] = "\(warning.code)"
            logger.warning("\(warning.message) \(warning.hint)", metadata: metadata)
        case .notSwept(let error):
            metadata["code"] = "\(error.code)"
            logger.warning("\(error.message) \(error.hint)", metadata: metadata)
        case .gone(let keys):
            logger.warning(
                "\(Wording.counted(keys.count, "record")) \(keys.count == 1 ? "is" : "are") not in the source",
                metadata: metadata)
        case .ended(let run): RunLog.ended(run, to: logger)
        case .scanning: break
        }
    }

    private static func fields(_ end: ProgressText.StageEnd) -> Logger.Metadata {
        [
            "stage": "\(end.stage.rawValue)", end.stage == .scan ? "rows" : "operations": .stringConvertible(end.done),
            "duration_ms": .stringConvertible(end.milliseconds),
        ]
    }
}
