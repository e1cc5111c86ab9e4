internal import CPostgres
internal import Dispatch
internal import Foundation
internal import Glibc

/// One open connection, owned by one thread. Every wait is cut into short slices, between which `stop` is asked
/// whether anybody still wants the answer; if not, the server is told to give up and `CancellationError` is thrown.
@safe
final class PostgresConnection {
    /// How long a wait goes on before `stop` is asked again.
    static let sliceMilliseconds: Int32 = 100
    /// How long the server is given to take a cancel request before the connection is simply closed.
    static let cancelMilliseconds = 500

    private var handle: OpaquePointer?
    private let stop: () throws -> Void

    /// Takes over an opened connection.
    init(_ handle: OpaquePointer, stop: @escaping () throws -> Void) {
        unsafe self.handle = unsafe handle
        self.stop = stop
    }

    deinit { close() }

    func close() {
        if let open = unsafe handle { unsafe PQfinish(open) }
        unsafe handle = nil
    }

    // MARK: What libpq knows

    var serverVersion: Int { unsafe Int(PQserverVersion(handle)) }
    var user: String { unsafe text(PQuser(handle)) }
    var database: String { unsafe text(PQdb(handle)) }
    var hostAddress: String { unsafe text(PQhostaddr(handle)) }
    var host: String { unsafe text(PQhost(handle)) }
    var isEncrypted: Bool { unsafe PQsslInUse(handle) == 1 }
    var usesSocketFile: Bool { host.hasPrefix("/") || host.hasPrefix("@") }

    var address: ConnectionAddress {
        ConnectionAddress(host: host, port: unsafe text(PQport(handle)), database: database)
    }

    func parameter(_ name: String) -> String { unsafe text(PQparameterStatus(handle, name)) }
    func tlsAttribute(_ name: String) -> String { unsafe text(PQsslAttribute(handle, name)) }

    private func text(_ pointer: UnsafePointer<CChar>?) -> String {
        unsafe pointer.map { unsafe String(cString: $0) } ?? ""
    }

    // MARK: Statements

    /// Runs SQL of our own that returns nothing worth reading; several statements are allowed.
    func execute(_ sql: String) throws {
        try begin { unsafe PQsendQuery(handle, sql) }
        _ = try finish()
    }

    /// Runs one statement of our own with its parameters beside it and returns all rows as text.
    func query(_ sql: String, _ parameters: [String?] = []) throws -> [[String?]] {
        try unsafe withCStrings(parameters) { values in
            try begin {
                unsafe PQsendQueryParams(handle, sql, Int32(parameters.count), nil, values, nil, nil, 0)
            }
        }
        return try finish().texts()
    }

    /// Has the server parse a statement, and returns its description.
    func describe(_ sql: String) throws -> PostgresResult {
        try begin { unsafe PQsendPrepare(handle, "", sql, 0, nil) }
        _ = try finish()
        try begin { unsafe PQsendDescribePrepared(handle, "") }
        return try finish()
    }

    /// Has the library read up to 256 kB at a time instead of 16: its buffer grows for one long message, and stays so.
    func readMoreAtOnce() throws { try execute("select repeat(' ', 160000)") }

    /// Starts `COPY ... TO STDOUT` and returns the way to its rows, valid as long as the connection is open.
    func startCopy(_ sql: String) throws -> CopyMessages {
        try begin { unsafe PQsendQuery(handle, sql) }
        guard let result = try nextResult(), let open = unsafe handle else { throw lost() }
        guard result.status == PGRES_COPY_OUT else {
            let failure = result.failure(isConnectionLost: isBroken)
            try drain()
            throw failure
        }
        return unsafe CopyMessages(open, connection: self)
    }

    /// Tells the server to give up what it is doing. Waits for its answer only a moment, because the network may be
    /// what is broken; the connection is to be closed after this.
    func cancelRunning() {
        guard let open = unsafe handle, let ticket = unsafe PQgetCancel(open) else { return }
        let done = DispatchSemaphore(value: 0)
        // PQcancel opens a connection of its own and blocks: it gets a thread and owns the ticket.
        nonisolated(unsafe) let owned = unsafe ticket
        let thread = Thread {
            var message = [CChar](repeating: 0, count: 256)
            _ = unsafe PQcancel(owned, &message, Int32(message.count))
            unsafe PQfreeCancel(owned)
            done.signal()
        }
        thread.start()
        _ = done.wait(timeout: .now() + .milliseconds(Self.cancelMilliseconds))
    }

    // MARK: Waiting

    private var isBroken: Bool { unsafe PQstatus(handle) == CONNECTION_BAD }

    private func begin(_ send: () -> Int32) throws {
        try stop()
        if send() == 0 { throw lost() }
    }

    /// Reads all results of the statement, and returns the last or throws the first failure.
    func finish() throws -> PostgresResult {
        var last: PostgresResult?
        while let result = try nextResult() {
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: last = consume result
            default:
                let failure = result.failure(isConnectionLost: isBroken)
                try drain()
                throw failure
            }
        }
        guard let last else { throw lost() }
        return last
    }

    private func drain() throws {
        guard !isBroken else { return }
        while let result = try nextResult() {
            if result.status == PGRES_COPY_OUT || result.status == PGRES_COPY_IN { throw lost() }
        }
    }

    private func nextResult() throws -> PostgresResult? {
        while unsafe PQisBusy(handle) == 1 { try awaitInput() }
        guard let result = unsafe PQgetResult(handle) else { return nil }
        return unsafe PostgresResult(result)
    }

    func awaitInput() throws {
        try heedingStop {
            try SocketWait(descriptor: unsafe PQsocket(handle), events: Int16(POLLIN)).untilReady(stop: stop)
        }
        if unsafe PQconsumeInput(handle) == 0 { throw lost() }
    }

    /// Takes what has arrived, which may be nothing, without waiting.
    func takeInput() throws {
        try heedingStop { try stop() }
        if unsafe PQconsumeInput(handle) == 0 { throw lost() }
    }

    private func heedingStop(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as CancellationError {
            cancelRunning()
            throw error
        }
    }

    private func lost() -> ServerFailure {
        let message = unsafe text(PQerrorMessage(handle)).trimmingNewlines()
        return ServerFailure(sqlState: "", message: message, isConnectionLost: isBroken)
    }
}

/// Waits for a socket in short slices.
struct SocketWait {
    var descriptor: Int32
    var events: Int16

    /// Returns true when the socket is ready, false when `deadline` has passed. Throws what `stop` throws.
    @discardableResult
    func untilReady(deadline: ContinuousClock.Instant? = nil, stop: () throws -> Void) throws -> Bool {
        while true {
            try stop()
            if let deadline, ContinuousClock.now >= deadline { return false }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            // A socket that is gone or in error counts as ready: libpq then finds out what is wrong.
            if unsafe poll(&entry, 1, PostgresConnection.sliceMilliseconds) > 0 { return true }
        }
    }
}

/// Lends texts as C strings for the time of the call; the copies are wiped afterwards, because one may be a password.
func withCStrings<Result>(
    _ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> Result
) rethrows -> Result {
    var pointers: [UnsafePointer<CChar>?] = unsafe []
    for text in texts {
        guard let text else {
            unsafe pointers.append(nil)
            continue
        }
        unsafe pointers.append(UnsafePointer(strdup(text)))
    }
    unsafe pointers.append(nil)
    defer {
        for index in unsafe pointers.indices {
            guard let pointer = unsafe UnsafeMutablePointer(mutating: pointers[index]) else { continue }
            unsafe explicit_bzero(pointer, strlen(pointer))
            unsafe free(pointer)
        }
    }
    return try unsafe pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has a base") }
        return try unsafe body(base)
    }
}
