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
            keep it as you keep the state. An older backup of that name is replaced, and nothing else that is there. The \
            key of the secrets is not in it.

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

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup in the place of the state directory, also under a server that goes on.",
        discussion: """
            Example: sluice restore /backups/acme-2026-11-28.sluice --force

            The whole backup is proved before anything is touched. There may be no state yet, or --force says that what is \
            there is to go. Everybody has to sign in again.

            Where sluice serve holds the state it is asked: its runs stop after the batch on their way, it puts the \
            backup in place and serves it, as the same process at the same address. This command waits for that. Before it \
            has begun Ctrl-C takes it back, and nothing was changed. A run of another process (sluice run) has to end \
            first. A restore that is cut off is finished by the next start of sluice serve, or is run again.

            What was accepted since the backup is sent again by the next run, which is safe with update or create. Where a \
            sync sends events, stop the server first and look at the destination before you start it again.

            With --json: {"generation", "made_at", "files", "has_secrets"}.
            """)

    @Argument(help: "A file that sluice backup wrote.")
    var file: String

    @Flag(name: .long, help: "Remove the state that is there.")
    var force = false

    @OptionGroup var common: ProjectOptions

    func run() async throws {
        Output.isJSON = common.json
        let place = StatePlace(common)
        let (path, isForced, isQuiet) = (URL(filePath: file).path, force, common.quiet)
        let report = try await Interruption.watch(note: "Stopping: the restore is taken back, unless it has begun.") {
            try await RestoreState(path: place.path, time: .system)
                .restore(from: path, isForced: isForced, by: .commandLine) { stage in
                    if !isQuiet, let words = Self.words(stage) { Output.note(words) }
                }
        }
        if common.json { return try Output.print(json: RestoreBody(report)) }
        Output.text(
            "Restored generation \(report.generation) of \(report.madeAt.text): \(RunText.counted(report.files, "file"))."
        )
        if report.hasSecrets && !place.hasKey {
            Output.note("It holds secrets: put the key they were sealed with into \(place.path)/secret.key.")
        }
    }

    private static func words(_ stage: RestoreHandover.Stage) -> String? {
        switch stage {
        case .asked: "The backup is whole. Asking the server to stop for it."
        case .taken: "The server stops: runs end after the batch on their way, in half a minute at most."
        case .begun: "The server puts the backup in place."
        case .done: "The backup is in place. The server starts again with it."
        case .served: nil
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
