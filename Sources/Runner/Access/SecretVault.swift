package import ConnectorKit
internal import Foundation
package import StateStore
internal import Synchronization

/// The secrets that the server keeps: sealed in the control database, written and used but never shown.
///
/// `{secret: NAME}` in a project refers to one. The key is looked for at the first use, so a project without such a
/// reference needs none.
package final class SecretVault: Sendable {
    package static let valueBytesMax = 64 << 10
    package static let nameBytesMax = 200

    /// All that may be told of a secret.
    package struct Entry: Sendable, Hashable {
        package var name: String
        package var changedAt: Moment
        package var changedBy: String
    }

    let store: SecretStore
    let audit: AuditLog
    let time: RunTime
    private let place: SecretKeyPlace
    private let known = Mutex<SecretKey?>(nil)

    package init(database: ControlDatabase, time: RunTime, key place: SecretKeyPlace) {
        store = SecretStore(database)
        audit = AuditLog(database: database, time: time)
        self.time = time
        self.place = place
    }

    // MARK: For people

    /// In the order of their names. Needs no key.
    package func list() throws -> [Entry] {
        try store.all().map { Entry(name: $0.name, changedAt: $0.changedAt, changedBy: $0.changedBy) }
    }

    /// Stores a secret, in the place of one of that name. Throws `invalid_secret`, and the errors of the key.
    package func set(_ name: String, _ value: Secret, by actor: Actor) throws {
        let entry = audit.entry(.secretSet, by: actor, subject: "secret \(name)")
        try sealing { check in
            try store.set(try sealed(name, value, by: actor), check: check, noting: entry)
        }
    }

    /// Throws `unknown_secret`. Needs no key.
    package func remove(_ name: String, by actor: Actor) throws {
        let entry = audit.entry(.secretRemoved, by: actor, subject: "secret \(name)")
        guard try store.remove(name, noting: entry) else { throw Self.unknown(name, try store.all().map(\.name)) }
    }

    /// Proves the key, making one where there is none: for the start of the server, so that a wrong key is told then and
    /// not by the first sync at night.
    package func prove() throws { _ = try key() }

    // MARK: For connections

    /// The secret itself, for the connection that refers to it. Throws `unknown_secret`, `secret_damaged` and the
    /// errors of the key.
    package func value(_ name: String) throws -> Secret {
        guard let record = try store.secret(name) else { throw Self.unknown(name, try store.all().map(\.name)) }
        if let text = try key().open(record.sealed, for: name) { return Secret(text) }
        // The key may have been changed by another process since it was looked for.
        known.withLock { $0 = nil }
        if let again = try store.secret(name), let text = try key().open(again.sealed, for: name) {
            return Secret(text)
        }
        throw RunError(
            code: "secret_damaged", message: "The secret \(name) cannot be opened, though the key is the right one.",
            hint: "Set it again: sluice secrets set \(name).")
    }

    /// A secret ready to be stored, for those who store it together with what refers to it.
    func sealed(_ name: String, _ value: Secret, by actor: Actor) throws -> SecretRecord {
        try Self.check(name, value)
        return SecretRecord(
            name: name, sealed: try provenKey().seal(value.reveal(), for: name), changedAt: time.now(),
            changedBy: AuditLog.plain(actor.name))
    }

    /// Runs `body`, which seals secrets and stores them if the check of the key is still the given one, until it has.
    func sealing(_ body: (_ check: String) throws -> Bool) throws {
        for _ in 0..<10 {
            _ = try provenKey()
            if let check = try store.keyCheck(), try body(check) { return }
        }
        throw RunError(
            code: "state_busy", message: "The key of the secrets is being changed again and again.", hint: "Try again.")
    }

    // MARK: The key

    /// Seals every secret with a new key, in one transaction. A kill at any moment leaves either the old key with all
    /// secrets or the new one with all.
    ///
    /// - Parameter given: the new key where the old one is in the environment, which only its owner can change; nil
    ///   makes one in the place of the key file. Throws `secret_key_given` where it is the other way around.
    /// - Returns: how many secrets were sealed anew.
    package func rotate(to given: SecretKey?, by actor: Actor) throws -> Int {
        guard (given != nil) == place.isVariable else {
            throw RunError(
                code: "secret_key_given",
                message: place.isVariable
                    ? "The key is in \(SecretKey.variable), so the new one has to be given."
                    : "The key is in \(place.file.path), where a new one is made: none can be given.",
                hint: place.isVariable
                    ? "openssl rand -base64 32 | sluice secrets rotate; keep that key, and put it into the variable."
                    : "Run sluice secrets rotate without standard input.")
        }
        return try place.file.whileAlone { try rotateAlone(to: given, by: actor) }
    }

    private func rotateAlone(to given: SecretKey?, by actor: Actor) throws -> Int {
        let old = try provenKey()
        let new = given ?? SecretKey.random(time)
        if given == nil { try place.file.prepareNew(new.fileText) }
        let count = try store.reseal(
            check: try SecretKeyPlace.check(of: new), noting: audit.entry(.secretKeyRotated, by: actor)
        ) { record in
            guard let text = old.open(record.sealed, for: record.name) else {
                throw RunError(
                    code: "secret_damaged", message: "The secret \(record.name) cannot be opened. No key was changed.",
                    hint: "Set or remove it, then rotate: sluice secrets set \(record.name).")
            }
            return try new.seal(text, for: record.name)
        }
        if given == nil { try place.file.takeNew() }
        known.withLock { $0 = new }
        return count
    }

    private func key() throws -> SecretKey {
        if let key = known.withLock({ $0 }) { return key }
        return try provenKey()
    }

    /// Looked for again, so that nothing is sealed with a key that was changed meanwhile.
    private func provenKey() throws -> SecretKey {
        let key = try place.key(for: store, time: time)
        known.withLock { $0 = key }
        return key
    }

    // MARK: Parts

    static func check(_ name: String, _ value: Secret) throws {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E: true
            default: false
            }
        }
        guard isName, !name.isEmpty, !name.hasPrefix("-"), name.utf8.count <= nameBytesMax else {
            throw RunError(
                code: "invalid_secret", message: "That cannot be the name of a secret.",
                hint: "Use 1 to \(nameBytesMax) letters, digits, _, - and ., not beginning with -.")
        }
        let size = value.reveal().utf8.count
        guard size > 0, size <= valueBytesMax else {
            throw RunError(
                code: "invalid_secret", message: "The secret \(name) is \(size == 0 ? "empty" : "too long").",
                hint: "A secret has 1 to \(valueBytesMax) bytes.")
        }
    }

    private static func unknown(_ name: String, _ names: [String]) -> RunError {
        let near = NearestName.among(names, to: name)
        return RunError(
            code: "unknown_secret", message: "There is no secret \(AuditLog.plain(name)).",
            hint: near.map { "Did you mean \($0)?" } ?? "Set it: sluice secrets set NAME reads it from standard input.")
    }
}
