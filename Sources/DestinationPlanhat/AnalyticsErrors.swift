internal import ConnectorKit

/// The errors of the analytics host, where they differ from those of the main API.
enum AnalyticsErrors {
    static let doubtHint =
        "Sent again, rows might count twice, so they wait: look in Planhat whether they arrived, then `sluice confirm` "
        + "or `sluice resend` them with `--in-doubt`."

    static let tenantMissing = DestinationError(
        code: "tenant_uuid_missing", message: "Activities and metrics need the tenant UUID, and none is set.",
        hint: "Set `tenant_uuid` of the destination to the tenant token: in Planhat it stands under App Center, "
            + "Developer (in the original app: Settings, Developer), tokens.",
        disposition: .fixConfiguration, isKnownUnsent: true)

    static func status(_ answer: PlanhatAnswer, address: String) -> DestinationError {
        let said = answer.saidText.isEmpty ? "" : " It said: \(answer.saidText)"
        switch answer.status {
        case 401, 403, 404:
            return DestinationError(
                code: "tenant_uuid_refused",
                message: "\(address) does not take activities or metrics for this tenant (\(answer.status)).\(said)",
                hint: "Compare `tenant_uuid` with the tenant token that Planhat shows; if `analytics_url` is set, "
                    + "check it too.",
                disposition: .fixConfiguration, isKnownUnsent: true)
        case 425, 429:
            var error = PlanhatErrors.status(answer, address: address, host: .analytics)
            error.hint = "It is tried again after a while."
            return error
        default:
            return PlanhatErrors.status(answer, address: address, host: .analytics)
        }
    }

    /// The same error, told for rows that must not be sent twice.
    static func unrepeatable(_ error: DestinationError) -> DestinationError {
        guard case .retry = error.disposition, !error.isKnownUnsent else { return error }
        var error = error
        error.hint = doubtHint
        return error
    }
}
