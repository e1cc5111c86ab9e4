import Foundation
import Testing

/// SIGHUP, and TLS with real certificates.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ReloadTests {
    private static let second = """
          again:
            from: accounts
            to: planhat.company
            behavior: update_only
            key: {column: id, field: externalId}
            mappings: {name: name}
        """

    @Test func hangupReadsTheProjectAgainAndKeepsTheOldOneIfItHasErrors() async throws {
        let project = try await CompanyProject(rows: 3)
        let serving = try await ServedSluice(project)
        func metrics() throws -> String { try LoopbackHTTP.get("/metrics", port: serving.port) }
        #expect(try !metrics().contains("sync=\"again\""))
        try project.folder.write(CompanyProject.text(project.planhat.address, more: Self.second), to: "sluice.yaml")
        serving.child.signal(SIGHUP)
        try await serving.logged("\"message\":\"project loaded\"")
        #expect(try metrics().contains("sluice_sync_paused{sync=\"again\"} 0"))

        for broken in ["version: 1\nsyncs: [", "version: 1\nsinks: {}\n"] {
            try project.folder.write(broken, to: "sluice.yaml")
            serving.child.signal(SIGHUP)
        }
        try await serving.logged("the project was not loaded again; the old one stays")
        #expect(try metrics().contains("sync=\"again\"") && metrics().contains("sync=\"companies\""))

        try project.folder.write(CompanyProject.text(project.planhat.address), to: "sluice.yaml")
        serving.child.signal(SIGHUP)
        try await serving.logged("\"message\":\"project loaded\"", times: 2)
        #expect(try !metrics().contains("sluice_sync_paused{sync=\"again\"}"))
        #expect(try await serving.stop().status == 0)
    }

    /// The overview of somebody who is signed in, as JSON.
    private func problems(_ visitor: PageVisitor) throws -> [JSON] {
        try JSON(parsing: visitor.get("/overview.json").body)["project_problems"].list
    }

    @Test func aChangedFileIsInForceByItselfAndABrokenOneIsShownWhileTheLastGoodOneStays() async throws {
        let project = try await CompanyProject(rows: 3)
        let serving = try await ServedSluice(project)
        let visitor = try PageVisitor(serving)
        let good = CompanyProject.text(project.planhat.address, more: Self.second)
        func metrics() throws -> String { try LoopbackHTTP.get("/metrics", port: serving.port) }
        try project.folder.write(good, to: "sluice.yaml")
        try await serving.logged("\"message\":\"project loaded\"")
        #expect(try metrics().contains("sluice_sync_paused{sync=\"again\"} 0"))
        #expect(try problems(visitor).isEmpty)

        // Somebody's editor puts the new file in the place of the old one.
        try project.folder.write(good + "\nnonsense: 1\n", to: "sluice.yaml.new")
        #expect(rename(project.folder.path + "/sluice.yaml.new", project.folder.path + "/sluice.yaml") == 0)
        try await serving.logged("the project was not loaded again; the old one stays")
        let problem = try #require(try problems(visitor).first)
        #expect(problem["code"].string == "unknown_key" && problem["file"].string == "sluice.yaml")
        let line = good.components(separatedBy: "\n").count + 1
        #expect(problem["line"].int == line && problem["column"].int == 1)
        for path in ["/overview", "/system"] {
            let page = try visitor.get(path).body
            #expect(page.contains("What it said before stays in force.") && page.contains("sluice.yaml:\(line):1"))
        }
        // All pages go on with what is in force.
        for path in ["/syncs/again", "/sources/local", "/datasets"] {
            #expect(try visitor.get(path).status == 200, "\(path)")
        }
        #expect(try metrics().contains("sync=\"again\""))

        try project.folder.write(CompanyProject.text(project.planhat.address), to: "sluice.yaml")
        try await serving.logged("\"message\":\"project loaded\"", times: 2)
        #expect(try problems(visitor).isEmpty)
        #expect(try !metrics().contains("sluice_sync_paused{sync=\"again\"}"))
        let log = try await serving.stop().everything
        #expect(log.components(separatedBy: "the old one stays").count == 2, "told once")
    }

    /// No file changes after the failure: its cause lay in the database.
    @Test func aReloadThatFailedForAnotherReasonThanTheFilesIsTriedAgainByItself() async throws {
        let project = try await CompanyProject(rows: 3)
        let serving = try await ServedSluice(project)
        let database = SQLiteFile(path: project.folder.path + "/.sluice/sluice.db")
        try database.execute("ALTER TABLE definitions RENAME TO away")
        try project.folder.write(CompanyProject.text(project.planhat.address, more: Self.second), to: "sluice.yaml")
        try await serving.logged("the project was not loaded again; the old one stays")
        try database.execute("ALTER TABLE away RENAME TO definitions")
        try await serving.logged("the project is in force again as it is")
        #expect(try LoopbackHTTP.get("/metrics", port: serving.port).contains("sluice_sync_paused{sync=\"again\"} 0"))
        let log = try await serving.stop().everything
        for text in ["the old one stays", "in force again"] {
            #expect(log.components(separatedBy: text).count == 2, "told once: \(text)")
        }
    }

    // MARK: TLS

    private func certificate(_ name: String, _ folder: WorkFolder) async throws {
        let ended = try await folder.start(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", "\(name).key", "-out", "\(name).pem", "-days", "30", "-subj", "/CN=\(name)", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ], environment: [:]
        ).wait()
        guard ended.status == 0 else { throw ChildError(description: ended.everything) }
    }

    /// What a client that trusts only that certificate is answered.
    private func fetch(_ path: String, _ serving: ServedSluice, trusting name: String, _ folder: WorkFolder)
        async throws
        -> Finished
    {
        let client = """
            printf 'GET \(path) HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' |
            openssl s_client -connect 127.0.0.1:\(serving.port) -servername localhost -CAfile \(name).pem \
            -verify_return_error -quiet
            """
        return try await folder.start("/bin/sh", ["-c", client], environment: [:]).wait()
    }

    @Test func certificateIsServedRenewedAndNothingIsSaidInTheClear() async throws {
        let project = try await CompanyProject(rows: 3)
        let folder = project.folder
        for name in ["first", "second"] { try await certificate(name, folder) }
        for end in ["pem", "key"] { try folder.copy(folder.path + "/first.\(end)", to: "server.\(end)") }
        let serving = try await ServedSluice(project, ["--certificate", "server.pem", "--key", "server.key"])
        #expect(serving.address.hasPrefix("https://"))
        let healthy = try await fetch("/healthz", serving, trusting: "first", folder)
        #expect(healthy.output.contains("HTTP/1.1 200") && healthy.output.hasSuffix("ok\n"), "\(healthy.everything)")
        #expect(healthy.output.lowercased().contains("strict-transport-security:"))
        let plain = try? LoopbackHTTP.get("/healthz", port: serving.port)
        #expect(plain == nil)

        for end in ["pem", "key"] {
            try FileManager.default.removeItem(atPath: folder.path + "/server.\(end)")
            try folder.copy(folder.path + "/second.\(end)", to: "server.\(end)")
        }
        serving.child.signal(SIGHUP)
        try await serving.logged("\"message\":\"certificate loaded\"")
        #expect(try await fetch("/healthz", serving, trusting: "second", folder).output.hasSuffix("ok\n"))
        #expect(try await !fetch("/healthz", serving, trusting: "first", folder).output.contains("HTTP/1.1"))

        try folder.write("not a key", to: "server.key")
        serving.child.signal(SIGHUP)
        try await serving.logged("the certificate was not loaded again; the old one stays")
        #expect(try await fetch("/healthz", serving, trusting: "second", folder).output.hasSuffix("ok\n"))
        #expect(try await serving.stop().status == 0)
    }

    @Test func fileThatIsAtFaultIsNamed() async throws {
        let project = try await CompanyProject(rows: 3)
        for name in ["first", "second"] { try await certificate(name, project.folder) }
        try project.folder.write("no certificate", to: "text.pem")
        let wrong = [
            ("first.pem", "second.key", "The key in second.key is not that of the first certificate in first.pem."),
            ("gone.pem", "first.key", "The certificate gone.pem cannot be read."),
            ("first.pem", "gone.key", "The key gone.key cannot be read."),
            ("text.pem", "first.key", "The file text.pem holds no certificate in PEM form."),
            ("first.pem", "text.pem", "The file text.pem holds no key in PEM form"),
            ("first.key", "first.pem", "The file first.key holds no certificate in PEM form."),
        ]
        for (certificate, key, message) in wrong {
            let ended = try await project.sluice(
                "serve", "--listen", "127.0.0.1:0", "--certificate", certificate, "--key", key, "--json")
            #expect(ended.status == 1, "\(ended.everything)")
            let error = try ended.json()["error"]
            #expect(error["code"].string == "tls_unreadable")
            #expect(error["message"].string?.hasPrefix(message) == true, "\(error)")
        }
    }
}
