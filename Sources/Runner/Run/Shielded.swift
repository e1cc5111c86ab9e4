internal import ConnectorKit
internal import Records

/// A write that a cancelled run waits for: its answer says what happened, and without it the records are unknown.
enum Shielded {
    static let patience = Duration.seconds(30)

    /// Runs `write` to its end although the calling task is cancelled, for at most `patience` from then.
    static func run(
        _ time: RunTime, _ write: @escaping @Sendable () async throws -> BatchOutcome
    ) async throws -> BatchOutcome {
        // The one unstructured task of this room: a child task would be cancelled with its parent. It is owned by
        // the two lines below, which always await it.
        let request = Task { try await write() }
        return try await withTaskCancellationHandler {
            try await request.value
        } onCancel: {
            Deadline.cancel(request, after: patience, time)
        }
    }
}

/// Cancels a request that takes too long after its run was cancelled.
private enum Deadline {
    static func cancel(_ request: Task<BatchOutcome, any Error>, after patience: Duration, _ time: RunTime) {
        // Ends by itself after the patience; the request it watches has then ended or is cancelled.
        Task {
            do { try await time.sleep(patience) } catch { return }
            request.cancel()
        }
    }
}
