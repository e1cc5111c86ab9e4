internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What the program's exit code says.
enum ExitStatus: Int32, Error {
    case arrived = 0
    case failed = 1
    /// The project or the command line is wrong.
    case usage = 2
    /// Finished, but rows did not arrive.
    case notArrived = 3
    /// A connection did not pass `check`.
    case connection = 4
    case stoppedByGuard = 5
    case cancelled = 130

    /// Of several syncs, the first of these that occurs.
    private static let order: [ExitStatus] = [.cancelled, .usage, .failed, .stoppedByGuard, .notArrived, .arrived]

    static func worst(_ statuses: [ExitStatus]) -> ExitStatus {
        order.first { statuses.contains($0) } ?? .arrived
    }

    static func of(_ error: any Error) -> ExitStatus {
        switch error {
        case is ProjectErrors, is Diagnostic: .usage
        case is CancellationError: .cancelled
        case let error as RunError where error.code == "cancelled": .cancelled
        case let error as RunError where error.place != nil: .usage
        case let error as RunError where usageCodes.contains(error.code): .usage
        default: .failed
        }
    }

    private static let usageCodes: Set<String> = [
        "unknown_sync", "unknown_connection", "unknown_source", "unknown_destination", "unknown_object",
        "unknown_dataset", "unknown_run", "unknown_guard", "invalid_option", "file_exists", "full_refused",
        "sandbox_address_invalid", "sandbox_fail_rule_invalid", "sandbox_switch_invalid",
    ]

    static func of(_ record: RunRecord) -> ExitStatus {
        switch record.state {
        case .succeeded, .skipped: .arrived
        case .completedWithRejections: .notArrived
        case .stoppedByGuard: .stoppedByGuard
        case .cancelled: .cancelled
        default: record.error.map { projectCodes.contains($0.code) } ?? false ? .usage : .failed
        }
    }

    /// What a run finds wrong with the project, since only the account can tell, or with the command line.
    private static let projectCodes: Set<String> = ["unknown_custom_field", "field_not_writable", "full_refused"]
}
