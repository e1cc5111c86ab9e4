internal import Dispatch
internal import Synchronization

/// Hashes passwords one after the other on a queue of its own: the work never holds up the threads that serve
/// requests, and however many sign in at once, no more than one hash's memory is in use.
final class PasswordHasher: Sendable {
    /// So many may wait; whoever comes then is asked to try again.
    static let waitingMax = 32

    let cost: PasswordCost
    private let queue = DispatchQueue(label: "sluice.passwords")
    private let waiting = Atomic(0)
    /// What the password of nobody is compared with, so that a wrong name takes as long as a wrong password.
    private let nobody: PasswordHash

    init(cost: PasswordCost) {
        self.cost = cost
        nobody = PasswordHash(
            cost: cost, salt: Array(repeating: 0x5A, count: PasswordHash.saltBytes),
            hash: Array(repeating: 0, count: PasswordHash.hashBytes))
    }

    func hash(_ password: String, salt: [UInt8]) async throws -> String {
        try await blocking { [cost] in try PasswordHash.make(password, cost: cost, salt: salt).text }
    }

    /// Whether the password is the one that `stored` is the hash of. Without a stored one, or with one that cannot be
    /// read, the same work is done and the answer is no.
    func isRight(_ password: String, stored: String?) async throws -> Bool {
        let known = stored.flatMap(PasswordHash.init(text:))
        return try await blocking { [nobody] in try (known ?? nobody).matches(password) && known != nil }
    }

    /// Whether a stored hash has another cost than new ones.
    func isOutdated(_ stored: String) -> Bool { PasswordHash(text: stored)?.cost != cost }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.waitingMax else {
            waiting.subtract(1, ordering: .relaxed)
            throw RunError(
                code: "login_busy", message: "Too many people are signing in at this moment.",
                hint: "Try again in a few seconds.")
        }
        defer { waiting.subtract(1, ordering: .relaxed) }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
