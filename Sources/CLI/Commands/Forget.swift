internal import ArgumentParser
internal import Runner

struct Forget: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Drops what is kept of one record: reasons, requests and answers, plans.",
        discussion: """
            Example: sluice forget people --key ada@example.com

            For a person who asks for it. Nothing changes at the source or at the destination: remove the person there \
            first. Plans that have the record are dropped whole, requests that carried it are emptied. The fingerprint, a \
            hash, stays, or else the row would be sent again as new; --fingerprint drops it too. A record in doubt stays in \
            doubt, as a hash, until resend or confirm; with --fingerprint the next run sends it again, though it may have \
            arrived. Backups made before still have the record.

            With --json: {"sync", "outcomes", "exchanges", "plans", "journals", "pending", "in_doubt", "fingerprint"}.
            """)

    @Argument(help: "A sync of the project.")
    var sync: String

    @Option(name: .long, help: "The key of the record.")
    var key: String

    @Flag(name: .long, help: "Also what is believed to be at the destination.")
    var fingerprint = false

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let workspace = try Workspace.open(common)
        let action = ForgetRecord(try workspace.sync(sync), environment: try workspace.environment())
        let report = try action.forget(key, includingFingerprint: fingerprint, by: .commandLine)
        if common.json { return try Output.print(json: ForgetBody(sync: sync, report)) }
        if common.quiet { return }
        let parts = [
            RunText.counted(report.outcomes, "outcome"), RunText.counted(report.exchanges, "request"),
            RunText.counted(report.plans, "plan"), RunText.counted(report.journals, "journal"),
        ]
        Output.text("Dropped \(parts.joined(separator: ", ")).")
        if report.wasInDoubt && report.wasPending {
            Output.text(
                "It was in doubt whether the record arrived, which is dropped too: "
                    + "if the source still has the row, the next run sends it again.")
        } else if report.wasInDoubt {
            Output.text(
                "The record stays in doubt, known by hashes only: "
                    + "it is held until sluice confirm \(sync) or sluice resend \(sync) decides.")
        } else if report.wasPending {
            Output.text("The record waited for another try; that is dropped too.")
        }
        if report.hadFingerprint {
            Output.text("Its fingerprint is dropped: if the source still has the row, the next run sends it as new.")
        }
    }
}

private struct ForgetBody: Encodable {
    var sync: String
    var outcomes: Int
    var exchanges: Int
    var plans: Int
    var journals: Int
    var pending: Bool
    var inDoubt: Bool
    var fingerprint: Bool

    enum CodingKeys: String, CodingKey {
        case sync, outcomes, exchanges, plans, journals, pending, fingerprint
        case inDoubt = "in_doubt"
    }

    init(sync: String, _ report: ForgetRecord.Report) {
        self.sync = sync
        outcomes = report.outcomes
        exchanges = report.exchanges
        plans = report.plans
        journals = report.journals
        pending = report.wasPending
        inDoubt = report.wasInDoubt
        fingerprint = report.hadFingerprint
    }
}
