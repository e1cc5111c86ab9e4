internal import ArgumentParser
internal import Foundation
internal import ProjectConfig
internal import Runner
internal import WebUI

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the web pages.",
        discussion: """
            Example: sluice serve --listen 127.0.0.1:8470

            Listens on this machine only, unless told otherwise. On another address it asks for --certificate and --key, \
            or for a proxy that does TLS (--behind-proxy), and for somebody who can sign in.
            """)

    @Option(name: .long, help: ArgumentHelp("Where to listen (or SLUICE_LISTEN).", valueName: "host:port"))
    var listen: String?

    @Option(name: .long, help: ArgumentHelp("The server's certificate with its chain, in PEM form.", valueName: "file"))
    var certificate: String?

    @Option(name: .long, help: ArgumentHelp("The certificate's key, in PEM form.", valueName: "file"))
    var key: String?

    @Flag(name: .long, help: "A proxy before it does TLS and sends X-Forwarded-For.")
    var behindProxy = false

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let variables = ProcessInfo.processInfo.environment
        var settings = try ServerSettings(listen: listen ?? variables["SLUICE_LISTEN"] ?? "127.0.0.1:8470")
        settings.certificate = certificate
        settings.key = key
        settings.isBehindProxy = behindProxy
        try settings.check(hasAdmin: false)
        let workspace = try Workspace.open(common)
        let environment = try workspace.environment()
        let (project, connections) = (workspace.project, workspace.connections(state: environment.state))
        let site = Site(
            project: { project }, catalog: Connectors.all, environment: environment, connections: { connections },
            gate: OpenGate(key: Self.unguessable(environment.time)), version: Version.number)
        let (server, isJSON, chosen) = (WebServer(site: site, settings: settings), common.json, settings)
        try await Interruption.watch(note: "The server ends: runs stop at the next batch.") {
            try await server.run { port in
                let address = chosen.address(port: port)
                if isJSON {
                    do { try Output.print(json: ["address": address]) } catch { Output.errorText("\(error)") }
                } else {
                    Output.text("Sluice is on \(address) . Ctrl-C ends it.")
                }
            }
        }
    }

    private static func unguessable(_ time: RunTime) -> String {
        (0..<3).map { _ in String(time.seed(), radix: 36) }.joined()
    }
}
