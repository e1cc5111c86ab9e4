internal import ConnectorKit
internal import Crypto
internal import Foundation
package import StateStore

/// The key that seals the secrets: 32 bytes. Prints as nothing but its kind.
package struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    package static let variable = "SLUICE_SECRET_KEY"
    static let byteCount = 32

    fileprivate let bytes: [UInt8]

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// From base64, with or without a line end. Throws `secret_key_invalid`; `place` says where it stood.
    package init(text: String, place: String) throws {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let data = Data(base64Encoded: trimmed), data.count == Self.byteCount else {
            throw RunError(
                code: "secret_key_invalid", message: "\(place) does not hold 32 bytes in base64.",
                hint: "`openssl rand -base64 32` makes such a key.")
        }
        bytes = [UInt8](data)
    }

    static func random(_ time: RunTime) -> SecretKey {
        var bytes: [UInt8] = []
        while bytes.count < byteCount {
            unsafe withUnsafeBytes(of: time.seed()) { unsafe bytes.append(contentsOf: $0) }
        }
        return SecretKey(bytes: bytes)
    }

    package var description: String { "SecretKey" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// As it stands in a file.
    var fileText: String { Data(bytes).base64EncodedString() + "\n" }

    // MARK: Sealing

    private static let version: UInt8 = 1

    /// AES-256-GCM. What was sealed for one name does not open for another.
    func seal(_ text: String, for name: String) throws -> [UInt8] {
        let box = try AES.GCM.seal(
            Data(text.utf8), using: SymmetricKey(data: bytes), authenticating: Self.bound(name))
        guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
        return [Self.version] + combined
    }

    /// nil where it was sealed with another key or for another name, or was changed.
    func open(_ sealed: [UInt8], for name: String) -> String? {
        guard sealed.first == Self.version else { return nil }
        do {
            let box = try AES.GCM.SealedBox(combined: Data(sealed.dropFirst()))
            let data = try AES.GCM.open(
                box, using: SymmetricKey(data: bytes), authenticating: Self.bound(name))
            return String(validating: data, as: UTF8.self)
        } catch {
            return nil
        }
    }

    private static func bound(_ name: String) -> Data { Data("sluice secret 1 \(name)".utf8) }
}

/// Where the key is: in the environment, or else in a file of the state directory that the first use makes.
package struct SecretKeyPlace: Sendable {
    static let checkName = " key check"

    /// nil where the key is in the file.
    private let variable: Secret?
    let file: SecretKeyFile

    package init(variables: [String: String], state: StateDirectory) {
        variable = variables[SecretKey.variable].flatMap { $0.isEmpty ? nil : Secret($0) }
        file = SecretKeyFile(state)
    }

    package var isVariable: Bool { variable != nil }

    /// The key, proved to be the one that the secrets of `store` are sealed with.
    ///
    /// A change of keys that was cut off is finished first. Throws `secret_key_invalid`,
    /// `secret_key_wrong`, and `secret_key_missing` where there are secrets but no key: a new one would be of no use.
    func key(for store: SecretStore, time: RunTime) throws -> SecretKey {
        // Another process may be changing the key between two looks.
        for _ in 0..<3 {
            let check = try store.keyCheck()
            let key =
                try variable.map { try SecretKey(text: $0.reveal(), place: SecretKey.variable) }
                ?? fileKey(check.map { RandomToken.bytes($0) ?? [] }, time)
            let found = try check ?? store.keyCheck(orElse: try Self.check(of: key))
            if Self.isRight(key, RandomToken.bytes(found) ?? []) { return key }
        }
        throw wrong
    }

    /// What proves a key without telling it.
    static func check(of key: SecretKey) throws -> String {
        RandomToken.text(try key.seal("sluice", for: checkName))
    }

    static func isRight(_ key: SecretKey, _ check: [UInt8]) -> Bool { key.open(check, for: checkName) == "sluice" }

    private func fileKey(_ check: [UInt8]?, _ time: RunTime) throws -> SecretKey {
        // One that is not right belongs to a change of keys that is going on, or was cut off before it took effect.
        if let check, let new = try file.readNew().flatMap(Self.whole), Self.isRight(new, check) {
            try file.takeNew()
        }
        if let text = try file.read() { return try SecretKey(text: text, place: file.path) }
        guard check == nil else {
            throw RunError(
                code: "secret_key_missing",
                message: "There are secrets, but the key that opens them is neither in \(SecretKey.variable) nor in "
                    + "\(file.path).",
                hint: "Put the key back from where you keep it. Without it the secrets cannot be read by anybody.")
        }
        let key = SecretKey.random(time)
        if try file.create(key.fileText) { return key }
        return try SecretKey(text: file.read() ?? "", place: file.path)
    }

    /// A file that was being written may be cut off.
    private static func whole(_ text: String) -> SecretKey? {
        do { return try SecretKey(text: text, place: "") } catch { return nil }
    }

    private var wrong: RunError {
        let place = isVariable ? SecretKey.variable : file.path
        return RunError(
            code: "secret_key_wrong", message: "The key in \(place) is not the one that the secrets were sealed with.",
            hint: "Put the right key there. Nothing was changed, and nothing is lost as long as you have that key.")
    }
}
