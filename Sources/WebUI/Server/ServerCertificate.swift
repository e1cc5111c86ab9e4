internal import Foundation
internal import NIOCore
internal import NIOSSL
internal import Runner
internal import StateStore
internal import Synchronization

/// The server's certificate and key, read from their files, and read again when they were renewed: connections that are
/// open keep the one they began with, the next ones get the new one.
final class ServerCertificate: Sendable {
    private struct Pair {
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
        var endsAt: Moment
    }

    private let certificateFile: String
    private let keyFile: String
    private let pair: Mutex<Pair>

    /// Throws `tls_unreadable` with the file that is at fault.
    init(certificate: String, key: String) throws(RunError) {
        (certificateFile, keyFile) = (certificate, key)
        pair = Mutex(try Self.read(certificate, key))
    }

    /// Throws `tls_unreadable`; the pair of before stays in use.
    func reload() throws(RunError) {
        let new = try Self.read(certificateFile, keyFile)
        pair.withLock { $0 = new }
    }

    /// When the certificate is not valid any more.
    var endsAt: Moment { pair.withLock { $0.endsAt } }

    /// For connections of now and later: each asks for the pair of its moment.
    var configuration: TLSConfiguration {
        let now = pair.withLock { $0 }
        var tls = TLSConfiguration.makeServerConfiguration(certificateChain: now.chain, privateKey: now.key)
        tls.minimumTLSVersion = .tlsv12
        tls.sslContextCallback = { [self] _, promise in
            let now = pair.withLock { $0 }
            var own = NIOSSLContextConfigurationOverride()
            own.certificateChain = now.chain
            own.privateKey = now.key
            promise.succeed(own)
        }
        return tls
    }

    private static func read(_ certificateFile: String, _ keyFile: String) throws(RunError) -> Pair {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(try bytes(certificateFile, "certificate"))
        } catch let error as RunError {
            throw error
        } catch {
            throw unreadable("The file \(certificateFile) holds no certificate in PEM form.")
        }
        guard let own = chain.first else {
            throw unreadable("The file \(certificateFile) holds no certificate in PEM form.")
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: try bytes(keyFile, "key"), format: .pem)
        } catch let error as RunError {
            throw error
        } catch {
            throw unreadable("The file \(keyFile) holds no key in PEM form, or one that asks for a password.")
        }
        let sources = chain.map { NIOSSLCertificateSource.certificate($0) }
        do {
            _ = try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: sources, privateKey: .privateKey(key)))
        } catch {
            throw unreadable("The key in \(keyFile) is not that of the first certificate in \(certificateFile).")
        }
        return Pair(
            chain: sources, key: .privateKey(key), endsAt: Moment(milliseconds: Int64(own.notValidAfter) * 1_000))
    }

    private static func bytes(_ file: String, _ what: String) throws(RunError) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw unreadable("The \(what) \(file) cannot be read.")
        }
    }

    private static func unreadable(_ message: String) -> RunError {
        RunError(
            code: "tls_unreadable", message: message,
            hint: "Both have to be readable files in PEM form and belong together; the chain begins with the server's.")
    }
}
