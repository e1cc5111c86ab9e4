/// Which of Planhat's two hosts a request goes to.
package enum PlanhatHost: Sendable, Hashable {
    /// Reads and writes by key; needs the API key and takes permits of the connection's pace.
    case main
    /// Takes activities and metrics. Knows the tenant by its UUID alone, never sees the API key, and is outside the
    /// main API's quota.
    case analytics

    /// The settings that decide where it is.
    var settingWords: String {
        switch self {
        case .main: "`region` and `base_url`"
        case .analytics: "`analytics_url`"
        }
    }
}
