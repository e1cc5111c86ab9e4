internal import PlanhatSandbox
internal import Runner

/// The sandbox's errors in the words that every error of the program has.
enum SandboxFailure {
    static func translated(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as SandboxError {
            throw RunError(code: error.code, message: error.message, hint: error.hint)
        }
    }
}
