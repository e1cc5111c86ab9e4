internal import Foundation
internal import StateStore
internal import Synchronization

/// A trace of runs as `chrome://tracing` and Perfetto read it: each run a process with three tracks, its stages, its
/// requests and its waits. Written as it comes, so that the trace of a killed run can be read too. Holds paths of
/// requests, which may name keys, and no bodies and no secrets; the file is only for its owner.
package final class ChromeTrace: Sendable {
    private struct State {
        var handle: FileHandle?
        var named: Set<Int64> = []
        var isFirst = true
        var failure: RunError?
    }

    private let path: String
    private let state: Mutex<State>

    /// What a trace begins with, also one without a span.
    private static let kind = NamedFile.Kind("trace", heads: ["[\n{\"args\"", "[\n\n]"])

    /// Makes the file, or empties it where it is a trace.
    package init(path named: String) throws {
        do {
            path = try NamedFile.place(named, for: Self.kind)
        } catch {
            throw RunError(
                code: "trace_unwritable", message: "The trace could not be written: \(error.why).",
                hint: "Name a file that is not there yet, or an older trace: --trace FILE. Nothing was run.")
        }
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Self.unwritable(path, "it cannot be made") }
        state = Mutex(State(handle: handle))
        state.withLock { Self.write("[\n", &$0, path) }
    }

    package func add(_ span: RunSpan) {
        state.withLock { state in
            do {
                if state.named.insert(span.run).inserted {
                    try put(Event.name("process_name", "\(span.sync), run \(span.run)", span.run, track: nil), &state)
                    for (index, name) in Self.tracks.enumerated() {
                        try put(Event.name("thread_name", name, span.run, track: index + 1), &state)
                    }
                }
                try put(Event(span), &state)
            } catch {
                state.failure = state.failure ?? RunError(error)
            }
        }
    }

    /// Ends the file. Throws what went wrong while it was written: a trace that cannot be written stops no run.
    package func close() throws {
        try state.withLock { state in
            Self.write("\n]\n", &state, path)
            try state.handle?.close()
            state.handle = nil
            if let failure = state.failure { throw failure }
        }
    }

    private func put(_ event: Event, _ state: inout State) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(event), as: UTF8.self)
        Self.write((state.isFirst ? "" : ",\n") + text, &state, path)
        state.isFirst = false
    }

    private static func write(_ text: String, _ state: inout State, _ path: String) {
        guard state.failure == nil else { return }
        do {
            try state.handle?.write(contentsOf: Data(text.utf8))
        } catch {
            state.failure = unwritable(path, (error as NSError).localizedDescription)
        }
    }

    private static func unwritable(_ path: String, _ why: String) -> RunError {
        RunError(
            code: "trace_unwritable", message: "The trace \(path) cannot be written: \(why).",
            hint: "Check that the folder is there, may be written, and has room. The runs themselves are as they say.")
    }

    private static let tracks = ["stages", "requests", "waits"]

    /// One event of the format.
    private struct Event: Encodable {
        var name: String
        var cat: String?
        var ph: String
        var ts: Int64?
        var dur: Int64?
        var pid: Int64
        var tid: Int?
        var args: [String: String]

        static func name(_ kind: String, _ name: String, _ run: Int64, track: Int?) -> Event {
            Event(name: kind, ph: "M", pid: run, tid: track, args: ["name": name])
        }

        private init(name: String, ph: String, pid: Int64, tid: Int?, args: [String: String]) {
            (self.name, self.ph, self.pid, self.tid, self.args) = (name, ph, pid, tid, args)
        }

        init(_ span: RunSpan) {
            self.init(name: span.name, ph: "X", pid: span.run, tid: 1, args: [:])
            ts = span.from.milliseconds * 1_000
            dur = span.milliseconds * 1_000
            switch span.kind {
            case .run: cat = "run"
            case .stage: cat = "stage"
            case .wait: (cat, tid) = ("wait", 3)
            case .request(let method, let path, let status, let error, let batch, let attempt):
                (cat, tid) = ("request", 2)
                let address = path.split(separator: "?", maxSplits: 1).first.map { String($0) } ?? path
                name = "\(method) \(address)"
                args["path"] = path
                args["status"] = status.map { String($0) } ?? "no answer"
                args["error"] = error
                args["batch"] = batch.map { String($0 + 1) }
                args["attempt"] = batch == nil ? nil : String(attempt)
            }
        }
    }
}
