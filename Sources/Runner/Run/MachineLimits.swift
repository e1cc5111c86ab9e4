internal import ConnectorKit
internal import Crypto
internal import Foundation
package import Records
internal import StateStore
internal import Synchronization

/// The folder in which all processes of one user on this machine share the rate limits of accounts, whatever their projects
/// and state directories. It is opened when the first request is about to leave; where it cannot be used, the state
/// directories' own limits go on alone.
package final class MachineLimits: Sendable {
    package static let variable = "SLUICE_LIMITS"
    /// Of the files' names: another version that counts otherwise takes another one.
    private static let prefix = "account-1-"
    /// Nothing that such a file says holds longer than minutes.
    private static let idleSecondsMax = 86_400

    private enum Place {
        case unopened(path: String?, home: String?)
        case open(SharedFolder)
        case unusable(StateError, isTold: Bool)
        case off
    }

    private let place: Mutex<Place>

    /// - Parameter variables: those of the process.
    package init(variables: [String: String]) {
        let (path, home) = Self.path(variables)
        place = Mutex(path == "off" ? .off : .unopened(path: path, home: home))
    }

    /// What is set, else a folder among the user's states: what stands in `XDG_RUNTIME_DIR` is there only while somebody is
    /// logged in, and a temporary folder may be another one for each service.
    private static func path(_ variables: [String: String]) -> (path: String?, home: String?) {
        func given(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let own = given(variable) { return (own, nil) }
        if let states = given("XDG_STATE_HOME"), states.hasPrefix("/") { return (states + "/sluice/limits", states) }
        let home = given("HOME")
        return (home.map { $0 + "/.local/state/sluice/limits" }, home)
    }

    /// The file of the number that is shared by whoever sends with this key to this kind of destination, and the beginning
    /// of the names of what else they share; nil where nothing can be shared.
    func path(type: String, key: Secret) -> String? {
        place.withLock { place in
            if case .unopened(let path, let home) = place { place = Self.opened(path, home) }
            guard case .open(let folder) = place else { return nil }
            return folder.path + "/" + Self.name(type: type, key: key)
        }
    }

    private static func opened(_ path: String?, _ home: String?) -> Place {
        do throws(StateError) {
            guard let path else { throw SharedFolder.refusal("neither SLUICE_LIMITS nor HOME is set") }
            let folder = try SharedFolder(path: path, home: home)
            folder.sweep(prefix: prefix, idleSeconds: idleSecondsMax)
            return .open(folder)
        } catch {
            return .unusable(error, isTold: false)
        }
    }

    /// What is there could not be used: from now on nothing is shared.
    func giveUp(_ error: StateError) {
        place.withLock { place in
            if case .open = place {
                place = .unusable(SharedFolder.refusal(error.message), isTold: false)
            }
        }
    }

    /// What keeps the limits from being shared, for the first who asks.
    package func warning() -> Reason? {
        place.withLock { place in
            guard case .unusable(let error, isTold: false) = place else { return nil }
            place = .unusable(error, isTold: true)
            return Reason(code: error.code, message: error.message, hint: error.hint)
        }
    }

    /// Half of a SHA-256 over all parts, each after its length. Nobody finds a long random key from it; a short one (the
    /// sandbox's) is protected by the folder, which only its owner may list.
    private static func name(type: String, key: Secret) -> String {
        var hash = SHA256()
        for part in ["sluice: rate limit of an account, 1", type, key.reveal()] {
            let bytes = Data(part.utf8)
            unsafe withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { unsafe hash.update(bufferPointer: $0) }
            hash.update(data: bytes)
        }
        return prefix + hash.finalize().prefix(16).hexadecimal
    }
}
