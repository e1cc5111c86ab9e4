internal import ConnectorKit

/// The errors of this destination: what each status and each failure of the network means for the run.
enum PlanhatErrors {
    /// What Planhat is thought to wait where a 429 does not say how long.
    static let rateLimitWait = Duration.seconds(15)

    /// The error of a status that is not success. `said` is the answer's own text, already cut and cleaned.
    static func status(
        _ answer: PlanhatAnswer, address: String, host: PlanhatHost = .main
    ) -> DestinationError {
        let said = answer.saidText.isEmpty ? "" : " It said: \(answer.saidText)"
        switch answer.status {
        case 401: return unauthorized(address, said)
        case 403: return forbidden(answer, doing: "do this")
        case 404: return notFound(address, said)
        case 408:
            return DestinationError(
                code: "request_timeout", message: "Planhat gave up waiting for the request (408).\(said)",
                hint: "It is tried again. If it goes on, look at the network or a proxy in between.",
                disposition: .retry(after: answer.wait))
        case 413:
            return DestinationError(
                code: "body_too_large", message: "The request was too large for Planhat or a proxy before it (413).",
                hint: "Smaller batches are sent. A single record this large has to be shortened.",
                disposition: .stop, isKnownUnsent: true)
        case 425, 429:
            return DestinationError(
                code: "rate_limited", message: "Planhat asked to slow down (\(answer.status)).",
                hint: "It is tried again after a while. Lower `requests_per_minute` if other programs share the quota.",
                disposition: .retry(after: answer.wait ?? rateLimitWait), isKnownUnsent: true)
        case 500...599:
            return DestinationError(
                code: "server_error", message: "Planhat failed to answer (\(answer.status)).\(said)",
                hint: "It is tried again. If it goes on, look at status.planhat.com.",
                disposition: .retry(after: answer.wait))
        case 300...399:
            return DestinationError(
                code: "redirected", message: "\(address) sends requests elsewhere (\(answer.status)).",
                hint: "Redirects are not followed. Set \(host.settingWords) so that they lead to the final address.",
                disposition: .fixConfiguration)
        default:
            return DestinationError(
                code: "unexpected_status", message: "\(address) answered \(answer.status).\(said)",
                hint: "Check that \(host.settingWords) lead to Planhat's API.", disposition: .fixConfiguration)
        }
    }

    private static func unauthorized(_ address: String, _ said: String) -> DestinationError {
        DestinationError(
            code: "unauthorized", message: "Planhat did not accept the API key at \(address) (401).\(said)",
            hint: "Either the key is wrong, cut off or revoked, or the region is: a key is only good in its own "
                + "region. Compare `region` with the address your browser shows in Planhat.",
            disposition: .fixConfiguration, isKnownUnsent: true)
    }

    /// `what` names the object and what was to be done with it; the answer's own words name the permission.
    static func forbidden(_ answer: PlanhatAnswer, doing what: String) -> DestinationError {
        let said = permissionText(answer)
        return DestinationError(
            code: "forbidden",
            message: "The API key may not \(what) (403)." + (said.isEmpty ? "" : " It said: \(said)"),
            hint: "Give the service account the permission for this object in Planhat.",
            disposition: .fixConfiguration)
    }

    /// The words of `permissionErrors` where the answer has them, else what it says at all.
    private static func permissionText(_ answer: PlanhatAnswer) -> String {
        guard case .array(let entries)? = JSONReader.valueIfAny(answer.body)?["permissionErrors"], !entries.isEmpty
        else { return answer.saidText }
        return RefusalText.cut(entries.prefix(10).map(RefusalText.text).joined(separator: "; "))
    }

    private static func notFound(_ address: String, _ said: String) -> DestinationError {
        DestinationError(
            code: "endpoint_not_found", message: "There is no such address below \(address) (404).\(said)",
            hint: "Check `region` and `base_url`.", disposition: .fixConfiguration, isKnownUnsent: true)
    }

    static func unreadable(_ answer: PlanhatAnswer, _ why: String) -> DestinationError {
        DestinationError(
            code: "unreadable_answer", message: "The answer (\(answer.status)) cannot be understood: \(why).",
            hint: "A run tries it again and keeps the answer (sluice show); a proxy in between may be its author.",
            disposition: .retry(after: nil))
    }

    static func contradictory(_ why: String) -> DestinationError {
        DestinationError(
            code: "contradictory_answer", message: "Planhat's answer contradicts itself: \(why).",
            hint: "A run tries it again and keeps the answer: sluice show.", disposition: .retry(after: nil))
    }

    static func operationNotSupported(_ word: String) -> DestinationError {
        DestinationError(
            code: "operation_not_supported", message: "This object does not take the operation \(word).",
            hint: "Choose one of the behaviors that `sluice objects` lists for it.", disposition: .stop,
            isKnownUnsent: true)
    }

    static func batchTooLarge(_ count: Int, _ max: Int) -> DestinationError {
        DestinationError(
            code: "body_too_large", message: "A batch of \(count) is more than Planhat takes (\(max)).",
            hint: "Smaller batches are sent.", disposition: .stop, isKnownUnsent: true)
    }

    static func cancelled(isKnownUnsent: Bool) -> DestinationError {
        DestinationError(
            code: "cancelled", message: "The request was cancelled.",
            hint: "Run the sync again to send what is left.", disposition: .stop, isKnownUnsent: isKnownUnsent)
    }

    static func timedOut(_ timeout: Duration) -> DestinationError {
        DestinationError(
            code: "request_timeout",
            message: "No complete answer came within \(timeout.components.seconds) s.",
            hint: "It is tried again. Raise `timeout_seconds` if Planhat needs longer.", disposition: .retry(after: nil)
        )
    }
}
