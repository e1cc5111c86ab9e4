package import ConnectorKit
internal import Records

extension PlanhatDestination {
    /// The lists that a token is asked about; what it may not read is told, not held against it.
    private static let readable = [
        ("companies", "companies"), ("endusers", "end users"), ("users", "users"), ("customfields", "custom fields"),
    ]

    package func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        var report = ConnectionReport(address: client.address, warnings: settings.warnings)
        report.end(.init(step: "address understood", isOK: true, message: client.address))
        for (index, list) in Self.readable.enumerated() {
            // The first request looks the address up, connects and shows the token, all in one.
            report.begin(index == 0 ? "connection" : "may read \(list.1)", told)
            let failure = await probe(list.0, list.1)
            if index == 0 {
                for step in reachSteps(failure) { report.end(step) }
                if !report.isOK { return report }
                // It is whole: it was accepted.
                report.warnings.removeAll { $0.code == "api_key_short" }
            }
            note(failure, reading: list.1, in: &report)
            if !report.isOK { return report }
        }
        noteTenant(in: &report)
        return report
    }

    /// Reads one id of a list. Nil if that went well.
    private func probe(_ path: String, _ what: String) async -> DestinationError? {
        do {
            return try await client.exchange(PlanhatRequest.list(path, limit: 1, select: "_id")) {
                (answer) throws(DestinationError) in
                if answer.status == 403 { throw PlanhatErrors.forbidden(answer, doing: "read \(what)") }
                guard (200...299).contains(answer.status) else {
                    throw PlanhatErrors.status(answer, address: client.address)
                }
                guard case .array? = JSONReader.valueIfAny(answer.body) else {
                    throw PlanhatErrors.unreadable(answer, "it is not a list")
                }
                return nil
            }
        } catch {
            return error
        }
    }

    /// The steps up to the token, from what the first request came to; the first step that failed is the last.
    private func reachSteps(_ failure: DestinationError?) -> [ConnectionReport.Step] {
        typealias Step = ConnectionReport.Step
        let stages: [(step: String, codes: Set<String>, message: String)] = [
            ("address resolves", ["address_not_found"], "the host has an address"),
            ("connection", ["cannot_connect", "cancelled", "permit_refused"], "the host answers"),
            ("TLS", ["tls_failed"], encryption),
            ("token accepted", [], "the API key is known"),
        ]
        var steps: [Step] = []
        let failed = failure.flatMap { $0.code == "forbidden" ? nil : $0 }
        for stage in stages {
            let isLast = stage.codes.isEmpty
            let warnings = stage.step == "TLS" ? [notEncrypted].compactMap { $0 } : []
            if let failed, isLast || stage.codes.contains(failed.code) {
                steps.append(
                    Step(
                        step: stage.step, isOK: false, message: failed.message, hint: failed.hint,
                        // What is odd about the key may be why it is not accepted.
                        warnings: isLast ? settings.warnings : []))
                return steps
            }
            steps.append(Step(step: stage.step, isOK: true, message: stage.message, warnings: warnings))
        }
        return steps
    }

    private func note(_ failure: DestinationError?, reading what: String, in report: inout ConnectionReport) {
        let step = "may read \(what)"
        guard let failure else { return report.end(.init(step: step, isOK: true, message: "yes")) }
        guard failure.code == "forbidden" || failure.code == "endpoint_not_found" else {
            return report.end(.init(step: step, isOK: false, message: failure.message, hint: failure.hint))
        }
        let warning = Reason(
            code: failure.code,
            message: failure.code == "forbidden" ? failure.message : "The API key may not read \(what).",
            hint: "Give the service account that permission if a sync needs it.")
        report.end(.init(step: step, isOK: true, message: "no", warnings: [warning]))
    }

    /// The tenant UUID cannot be tried without writing, so only its form is looked at.
    private func noteTenant(in report: inout ConnectionReport) {
        let step = "tenant UUID"
        guard let tenant = settings.tenantUUID else {
            let message =
                "`tenant_uuid` is not set: activities and metrics cannot be sent. The tenant token stands in Planhat under "
                + "App Center, Developer (in the original app: Settings, Developer), tokens"
            return report.end(.init(step: step, isOK: true, message: message, isTried: false))
        }
        guard !Self.isUUID(tenant.reveal()) else {
            let message = "set; only an activity or a metric that is sent shows whether it is right"
            return report.end(.init(step: step, isOK: true, message: message, isTried: false))
        }
        let warning = Reason(
            code: "tenant_uuid_malformed", message: "`tenant_uuid` is not a UUID.",
            hint: "Copy the tenant token from Planhat again: eight, four, four, four and twelve hexadecimal "
                + "digits with dashes between. Only activities and metrics need it.")
        report.end(
            .init(step: step, isOK: true, message: "set, but it does not look like a UUID", warnings: [warning]))
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }

    private var isEncrypted: Bool { client.address.hasPrefix("https://") }

    private var isLoopback: Bool {
        let host = client.address.dropFirst("http://".count).prefix { $0 != "/" }
        return ["localhost", "127.", "[::1]"].contains { host.hasPrefix($0) }
    }

    private var encryption: String {
        if isEncrypted { return "the connection is encrypted" }
        return isLoopback ? "not needed: the connection does not leave this machine" : "not encrypted"
    }

    private var notEncrypted: Reason? {
        guard !isEncrypted, !isLoopback else { return nil }
        return Reason(
            code: "not_encrypted", message: "The API key and all data travel to \(client.address) not encrypted.",
            hint: "Use an https address.")
    }
}
