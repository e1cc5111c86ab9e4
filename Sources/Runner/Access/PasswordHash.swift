internal import Crypto
internal import CryptoExtras
internal import Foundation

/// How much work and memory a password's hash costs.
package struct PasswordCost: Sendable, Hashable {
    /// N is two to this power.
    package var roundsPower: Int
    package var blockSize: Int
    package var parallelism: Int

    package init(roundsPower: Int, blockSize: Int = 8, parallelism: Int = 1) {
        self.roundsPower = roundsPower
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// 128 MiB and about a third of a second: what OWASP asks of scrypt. Raise it as machines get faster; each
    /// password is hashed anew when its owner signs in the next time.
    package static let current = PasswordCost(roundsPower: 17)

    /// What a stored text may ask for, so that a damaged one cannot take the machine's memory.
    var isSane: Bool {
        (1...18).contains(roundsPower) && (1...16).contains(blockSize) && (1...4).contains(parallelism)
    }
}

/// The hash of a password by scrypt, with its salt and cost: `$scrypt$ln=17,r=8,p=1$SALT$HASH`, base64url without
/// padding.
struct PasswordHash: Sendable, Hashable {
    static let saltBytes = 16
    static let hashBytes = 32

    var cost: PasswordCost
    var salt: [UInt8]
    var hash: [UInt8]

    var text: String {
        "$scrypt$ln=\(cost.roundsPower),r=\(cost.blockSize),p=\(cost.parallelism)"
            + "$\(RandomToken.text(salt))$\(RandomToken.text(hash))"
    }

    init(cost: PasswordCost, salt: [UInt8], hash: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// nil where the text is no such hash, or asks for more than is sane.
    init?(text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        var numbers: [Substring: Int] = [:]
        for part in parts[2].split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, let number = Int(pair[1]) else { return nil }
            numbers[pair[0]] = number
        }
        guard let rounds = numbers["ln"], let block = numbers["r"], let lanes = numbers["p"], numbers.count == 3,
            let salt = RandomToken.bytes(String(parts[3])), let hash = RandomToken.bytes(String(parts[4])),
            hash.count == Self.hashBytes, !salt.isEmpty
        else { return nil }
        cost = PasswordCost(roundsPower: rounds, blockSize: block, parallelism: lanes)
        guard cost.isSane else { return nil }
        self.salt = salt
        self.hash = hash
    }

    /// Takes as long as `cost` says; call it on a thread that may block.
    static func make(_ password: String, cost: PasswordCost, salt: [UInt8]) throws -> PasswordHash {
        PasswordHash(cost: cost, salt: salt, hash: try derive(password, cost: cost, salt: salt))
    }

    /// Compares in constant time.
    func matches(_ password: String) throws -> Bool {
        let found = try Self.derive(password, cost: cost, salt: salt)
        var difference: UInt8 = found.count == hash.count ? 0 : 1
        for (left, right) in zip(found, hash) { difference |= left ^ right }
        return difference == 0
    }

    /// Two ways to type one character are one password.
    private static func derive(_ password: String, cost: PasswordCost, salt: [UInt8]) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: Data(password.precomposedStringWithCanonicalMapping.utf8), salt: Data(salt),
            outputByteCount: hashBytes, rounds: 1 << cost.roundsPower, blockSize: cost.blockSize,
            parallelism: cost.parallelism)
        return unsafe key.withUnsafeBytes { unsafe [UInt8]($0) }
    }
}
