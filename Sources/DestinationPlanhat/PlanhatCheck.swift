package import ConnectorKit
internal import Records

extension PlanhatDestination {
    /// The lists that a token is asked about; what it may not read is told, not held against it.
    private static let readable = [
        ("companies", "companies"), ("endusers", "end users"), ("users", "users"), ("customfields", "custom fields"),
    ]

    package func check() async -> ConnectionReport {
        var report = ConnectionReport(address: client.address, warnings: settings.warnings)
        report.steps.append(.init(step: "address understood", isOK: true, message: client.address))
        for (index, list) in Self.readable.enumerated() {
            let failure = await probe(list.0, list.1)
            if index == 0 {
                report.steps += reachSteps(failure)
                if !report.isOK { return report }
                warnIfNotEncrypted(&report)
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
            ("TLS", ["tls_failed"], isEncrypted ? "the connection is encrypted" : "the connection is not encrypted"),
            ("token accepted", [], "the API key is known"),
        ]
        var steps: [Step] = []
        let failed = failure.flatMap { $0.code == "forbidden" ? nil : $0 }
        for stage in stages {
            let isLast = stage.codes.isEmpty
            if let failed, isLast || stage.codes.contains(failed.code) {
                steps.append(Step(step: stage.step, isOK: false, message: failed.message, hint: failed.hint))
                return steps
            }
            steps.append(Step(step: stage.step, isOK: true, message: stage.message))
        }
        return steps
    }

    private func note(_ failure: DestinationError?, reading what: String, in report: inout ConnectionReport) {
        guard let failure else {
            report.steps.append(.init(step: "may read \(what)", isOK: true, message: "yes"))
            return
        }
        guard failure.code == "forbidden" || failure.code == "endpoint_not_found" else {
            report.steps.append(
                .init(step: "may read \(what)", isOK: false, message: failure.message, hint: failure.hint))
            return
        }
        report.steps.append(.init(step: "may read \(what)", isOK: true, message: "no"))
        report.warnings.append(
            Reason(
                code: failure.code,
                message: failure.code == "forbidden" ? failure.message : "The API key may not read \(what).",
                hint: "Give the service account that permission if a sync needs it."))
    }

    /// The tenant UUID cannot be tried without writing, so only its form is looked at.
    private func noteTenant(in report: inout ConnectionReport) {
        let step = "tenant UUID"
        guard let tenant = settings.tenantUUID else {
            report.steps.append(
                .init(step: step, isOK: true, message: "`tenant_uuid` is not set: activities and metrics cannot be sent"))
            return
        }
        let isUUID = Self.isUUID(tenant.reveal())
        report.steps.append(
            .init(step: step, isOK: true, message: isUUID ? "set" : "set, but it does not look like a UUID"))
        guard !isUUID else { return }
        report.warnings.append(
            Reason(
                code: "tenant_uuid_malformed", message: "`tenant_uuid` is not a UUID.",
                hint: "Copy the tenant token from Planhat again: eight, four, four, four and twelve hexadecimal "
                    + "digits with dashes between. Only activities and metrics need it."))
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }

    private var isEncrypted: Bool { client.address.hasPrefix("https://") }

    private func warnIfNotEncrypted(_ report: inout ConnectionReport) {
        let host = client.address.dropFirst("http://".count).prefix { $0 != "/" }
        let isLoopback = ["localhost", "127.", "[::1]"].contains { host.hasPrefix($0) }
        guard !isEncrypted, !isLoopback else { return }
        report.warnings.append(
            Reason(
                code: "not_encrypted", message: "The API key and all data travel to \(client.address) not encrypted.",
                hint: "Use an https address."))
    }
}
