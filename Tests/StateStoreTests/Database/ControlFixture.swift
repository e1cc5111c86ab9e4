import Foundation
import Records
import StateStore

/// A control database in a directory of its own, removed at the end.
struct ControlFixture {
    let directory: URL
    var path: String { directory.appending(path: "control.db").path }

    static func with<Result>(_ body: (ControlFixture) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "sluice-control-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(ControlFixture(directory: directory))
    }

    static func withDatabase<Result>(_ body: (ControlDatabase) throws -> Result) throws -> Result {
        try with { try body(ControlDatabase.open(path: $0.path)) }
    }

    func mode(_ suffix: String = "") throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }
}

let noon = Moment(milliseconds: 1_795_413_600_000)

extension ControlDatabase {
    func newRun(_ sync: String = "companies", at moment: Moment = noon, state: RunState = .running) throws -> RunRecord
    {
        try createRun(sync: sync, trigger: "cli", full: false, limited: false, startedAt: moment, state: state)
    }

    func finishedRun(_ sync: String = "companies", at moment: Moment = noon) throws -> RunRecord {
        var run = try newRun(sync, at: moment)
        run.state = .succeeded
        run.endedAt = moment
        try update(run)
        return run
    }
}

extension OutcomeRecord {
    static func sample(
        _ run: Int64, _ sequence: Int, key: String? = nil, _ outcome: OutcomeKind = .rejected,
        code: String = "refused_by_destination", batch: Int? = nil
    ) -> OutcomeRecord {
        let key = key ?? "k\(sequence)"
        return OutcomeRecord(
            run: run, sequence: sequence, key: key, keyHash: .of(key, seed: 1), outcome: outcome,
            reason: Reason(code: code, message: "said no to \(key)", hint: "look"), batch: batch, at: noon)
    }
}
