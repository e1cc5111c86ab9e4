internal import CPostgres
internal import ConnectorKit
internal import Foundation
internal import Glibc

/// Opens one connection without ever blocking for long, so that a timeout and a cancelled task are heeded.
/// Only the look-up of the host's name is left to the system, which does it in one call.
struct ConnectionAttempt {
    /// Why no connection came to be.
    struct Failure: Error, Sendable {
        /// Five characters; empty where no server said anything.
        var sqlState: String
        /// What libpq says, of two tries the telling one; English, because this program never calls setlocale.
        var text: String
        /// Nil where it did not fail because it took too long.
        var waitedSeconds: Int?
        var needsPassword = false
        var isEncrypted = false
        /// Where it went, as far as libpq got.
        var address: ConnectionAddress
        /// In numbers; empty where it got no address or a local socket was used.
        var hostAddress = ""
        var user: String
    }

    var settings: PostgresSettings
    var stop: () throws -> Void
    /// Told how far the attempt has come, as if it had failed there; only ever forwards.
    var reached: (ConnectErrors.Stage, Failure) -> Void = { _, _ in }

    /// Throws `Failure`, or what `stop` throws.
    func open() throws -> PostgresConnection {
        guard let handle = unsafe start() else {
            throw failure(text: "out of memory", address: ConnectionAddress(host: "", port: "", database: ""))
        }
        do {
            unsafe PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            try unsafe complete(handle)
            unsafe PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
            // Notices would otherwise be printed on standard error.
            unsafe PQsetNoticeProcessor(handle, { _, _ in }, nil)
        } catch {
            unsafe PQfinish(handle)
            throw error
        }
        return unsafe PostgresConnection(handle, stop: stop)
    }

    private func start() -> OpaquePointer? {
        var parameters = [PostgresSettings.Parameter(keyword: "dbname", value: settings.firstWords)]
        parameters += settings.parameters
        parameters.append(.init(keyword: "client_encoding", value: "UTF8"))
        parameters.append(.init(keyword: "keepalives_idle", value: "30"))
        parameters.append(.init(keyword: "keepalives_interval", value: "10"))
        parameters.append(.init(keyword: "keepalives_count", value: "3"))
        if let password = settings.password {
            parameters.append(.init(keyword: "password", value: password.reveal()))
        }
        return unsafe withCStrings(parameters.map(\.keyword)) { keywords in
            unsafe withCStrings(parameters.map(\.value)) { values in
                unsafe PQconnectStartParams(keywords, values, 1)
            }
        }
    }

    private func complete(_ handle: OpaquePointer) throws {
        let seconds = try unsafe settings.connectTimeoutSeconds ?? environmentTimeoutSeconds(handle)
        let deadline = seconds > 0 ? ContinuousClock.now + .seconds(seconds) : nil
        var progress = PGRES_POLLING_WRITING
        var wasEncrypted = false
        var furthest = ConnectErrors.Stage.address
        if unsafe PQstatus(handle) == CONNECTION_BAD { throw unsafe failure(of: handle, wasEncrypted: false) }
        while true {
            switch progress {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
                let events = progress == PGRES_POLLING_READING ? POLLIN : POLLOUT
                let stage = unsafe stage(of: handle)
                if stage.rawValue > furthest.rawValue {
                    furthest = stage
                    reached(stage, unsafe failure(of: handle, wasEncrypted: wasEncrypted))
                }
                let wait = SocketWait(descriptor: unsafe PQsocket(handle), events: Int16(events))
                if try !wait.untilReady(deadline: deadline, stop: stop) {
                    var failure = unsafe failure(of: handle, wasEncrypted: wasEncrypted)
                    failure.waitedSeconds = seconds
                    throw failure
                }
            default: throw unsafe failure(of: handle, wasEncrypted: wasEncrypted)
            }
            progress = unsafe PQconnectPoll(handle)
            // A refused login is tried again without encryption where sslmode allows it.
            if unsafe PQsslInUse(handle) == 1 { wasEncrypted = true }
        }
    }

    /// What libpq found where no setting says it; libpq itself keeps no time in an attempt that does not block.
    private func environmentTimeoutSeconds(_ handle: OpaquePointer) throws -> Int {
        guard let options = unsafe PQconninfo(handle) else { return PostgresSettings.connectTimeoutSecondsDefault }
        defer { unsafe PQconninfoFree(options) }
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if unsafe String(cString: keyword) == "connect_timeout", let value = unsafe option.pointee.val {
                let text = unsafe String(cString: value)
                if let seconds = Int(text) { return max(0, seconds) }
                guard text.isEmpty else {
                    throw unsafe failure(
                        text: "PGCONNECT_TIMEOUT or connect_timeout of the service file is no number of seconds",
                        address: failure(of: handle, wasEncrypted: false).address)
                }
            }
            unsafe option += 1
        }
        return PostgresSettings.connectTimeoutSecondsDefault
    }

    /// What is waited for. That the server answers is only known once it has said something.
    private func stage(of handle: OpaquePointer) -> ConnectErrors.Stage {
        switch unsafe PQstatus(handle) {
        case CONNECTION_NEEDED: .address
        case CONNECTION_SSL_STARTUP: unsafe PQsslInUse(handle) == 1 ? .encryption : .answer
        case CONNECTION_AWAITING_RESPONSE: .login
        case CONNECTION_AUTH_OK, CONNECTION_CHECK_WRITABLE, CONNECTION_CONSUME, CONNECTION_SETENV: .database
        default: .answer
        }
    }

    private func failure(of handle: OpaquePointer, wasEncrypted: Bool) -> Failure {
        let said = unsafe String(cString: PQerrorMessage(handle)).trimmingNewlines()
        let text = { (pointer: UnsafeMutablePointer<CChar>?) in
            unsafe pointer.map { unsafe String(cString: $0) } ?? ""
        }
        let address = unsafe ConnectionAddress(
            host: text(PQhost(handle)), port: text(PQport(handle)), database: text(PQdb(handle)))
        let refusal = ServerRefusal.telling(
            in: said, wasEncrypted: wasEncrypted, endedEncrypted: unsafe PQsslInUse(handle) == 1)
        var failure = failure(text: refusal?.text ?? said, address: address)
        failure.sqlState = refusal?.sqlState ?? ""
        failure.needsPassword = unsafe PQconnectionNeedsPassword(handle) == 1
        failure.isEncrypted = refusal?.isEncrypted ?? wasEncrypted
        failure.hostAddress = unsafe PQhostaddr(handle).map { unsafe String(cString: $0) } ?? ""
        failure.user = unsafe text(PQuser(handle))
        return failure
    }

    private func failure(text: String, address: ConnectionAddress) -> Failure {
        Failure(sqlState: "", text: text, address: address, user: settings.value("user") ?? "")
    }
}

/// Where a connection goes, without credentials.
struct ConnectionAddress: Sendable, Hashable, CustomStringConvertible {
    var host: String
    var port: String
    var database: String

    var server: String {
        if host.hasPrefix("/") { return "\(host)/.s.PGSQL.\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    var description: String { database.isEmpty ? server : "\(server)/\(database)" }
}
