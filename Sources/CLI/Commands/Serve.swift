internal import ArgumentParser
internal import Foundation
internal import Runner
internal import WebUI

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the syncs when they are due, and serves the web pages.",
        discussion: """
            Example: sluice serve --listen 127.0.0.1:8470

            Listens on this machine only, unless told otherwise. On another address it asks for --certificate and --key, \
            or for a proxy that does TLS (--behind-proxy), and for somebody who can sign in.

            SIGTERM or Ctrl-C: no run begins any more; those that are going stop after the batch on its way, at most 30
            seconds later, and the next start goes on with them. The project's files are read again when they change;
            SIGHUP reads them at once, and the certificate and its key too. What has errors is logged and shown in the
            pages, and the old one stays.

            sluice restore works while this serves: runs stop as above, and the same process goes on with the restored
            state.

            Environment: SLUICE_LISTEN, SLUICE_PROJECT and SLUICE_STATE, where the options do not say them;
            SLUICE_LOG_FORMAT, text or json, for the log on standard error.

            Exit code: 0 once it was stopped, 1 where it could not start, 2 where the project or the command line is
            wrong.
            """)

    @Option(name: .long, help: ArgumentHelp("Where to listen (or SLUICE_LISTEN).", valueName: "host:port"))
    var listen: String?

    @Option(name: .long, help: ArgumentHelp("The server's certificate with its chain, in PEM form.", valueName: "file"))
    var certificate: String?

    @Option(name: .long, help: ArgumentHelp("The certificate's key, in PEM form.", valueName: "file"))
    var key: String?

    @Flag(name: .long, help: "A proxy before it does TLS and sends X-Forwarded-For.")
    var behindProxy = false

    @Option(name: .long, help: ArgumentHelp("Runs at once, of different syncs.", valueName: "n"))
    var runsMax: Int = ServiceLimits().runsMax

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        guard (1...64).contains(runsMax) else { throw ValidationError("--runs-max takes a number from 1 to 64.") }
    }

    mutating func run() async throws {
        let variables = ProcessInfo.processInfo.environment
        var settings = try ServerSettings(listen: listen ?? variables["SLUICE_LISTEN"] ?? "127.0.0.1:8470")
        settings.certificate = certificate
        settings.key = key
        settings.isBehindProxy = behindProxy
        let server = try Server(common, settings: settings, runsMax: runsMax, variables: variables)
        try await Interruption.watch(note: Server.stopping) {
            if try await server.run() { try SameProcess.begin() }
        }
    }
}
