internal import ArgumentParser
internal import Foundation
internal import Runner
internal import StateStore

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the whole state into one file, also while runs and the server go on.",
        discussion: """
            Example: sluice backup /backups/acme-$(date +%F).sluice

            The copy is of one moment, as if the machine had lost its power then: a run that was going on is finished or \
            closed by the first run after a restore. It is written aside and renamed, mode 0600, and holds people's data: \
            keep it as you keep the state. The key of the secrets is not in it.

            With --json: {"file", "generation", "files", "bytes", "made_at"}.
            """)

    @Argument(help: "The file to write.")
    var file: String

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        let place = StatePlace(common)
        try place.requireState()
        let state = try StateDirectory(path: place.path)
        let action = BackUp(state: state, database: try ControlDatabase.open(path: state.databasePath), time: .system)
        let report = try action.backUp(to: URL(filePath: file).path, by: .commandLine)
        if common.json { return try Output.print(json: BackupBody(file: file, report)) }
        if common.quiet { return }
        Output.text(
            "\(file): generation \(report.generation), \(RunText.counted(report.files, "file")), \(report.bytes) bytes."
        )
    }
}

private struct BackupBody: Encodable {
    var file: String
    var generation: Int64
    var files: Int
    var bytes: Int
    var madeAt: String

    init(file: String, _ report: StateBackup.Report) {
        self.file = file
        generation = report.generation
        files = report.files
        bytes = report.bytes
        madeAt = report.madeAt.text
    }

    private enum CodingKeys: String, CodingKey {
        case file, generation, files, bytes
        case madeAt = "made_at"
    }
}

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup in the place of the state directory.",
        discussion: """
            Example: sluice restore /backups/acme-2026-11-28.sluice

            The whole backup is proved before anything is touched. There may be no state yet, or --force says that what is \
            there is to go; and no process may use it: stop sluice serve first. A restore that is cut off is run again. \
            Everybody has to sign in again.

            What was accepted since the backup is sent again by the next run, which is safe with update or create.

            With --json: {"generation", "made_at", "files", "has_secrets"}.
            """)

    @Argument(help: "A file that sluice backup wrote.")
    var file: String

    @Flag(name: .long, help: "Remove the state that is there.")
    var force = false

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        let place = StatePlace(common)
        let report = try RestoreState(path: place.path, time: .system)
            .restore(from: URL(filePath: file).path, isForced: force, by: .commandLine)
        if common.json { return try Output.print(json: RestoreBody(report)) }
        Output.text(
            "Restored generation \(report.generation) of \(report.madeAt.text): \(RunText.counted(report.files, "file"))."
        )
        if report.hasSecrets && !place.hasKey {
            Output.note("It holds secrets: put the key they were sealed with into \(place.path)/secret.key.")
        }
    }
}

private struct RestoreBody: Encodable {
    var generation: Int64
    var madeAt: String
    var files: Int
    var hasSecrets: Bool

    init(_ report: StateRestore.Report) {
        generation = report.generation
        madeAt = report.madeAt.text
        files = report.files
        hasSecrets = report.hasSecrets
    }

    private enum CodingKeys: String, CodingKey {
        case generation, files
        case madeAt = "made_at"
        case hasSecrets = "has_secrets"
    }
}
