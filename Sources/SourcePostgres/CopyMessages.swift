internal import CPostgres
internal import Glibc

/// The messages of a running copy, pulled one at a time. A value of its own, so that the loop over millions of rows
/// touches no property of a class, each of which costs a check of exclusive access.
@safe
struct CopyMessages: ~Copyable {
    /// A server that is slower than we are sends some 100 kB in this time.
    private static let napMicroseconds: UInt32 = 500

    private let handle: OpaquePointer
    private let connection: PostgresConnection
    private var buffer: UnsafeMutablePointer<CChar>?
    /// How many rows the server says it sent; known once `next` has returned nil.
    private(set) var rowsSent: Int?

    init(_ handle: OpaquePointer, connection: PostgresConnection) {
        unsafe self.handle = unsafe handle
        self.connection = connection
    }

    deinit {
        if let buffer = unsafe buffer { unsafe PQfreemem(buffer) }
    }

    /// The next message, valid until the next call; nil after the last, when the server has confirmed that it sent
    /// everything. Throws `ServerFailure` or `CancellationError`.
    mutating func next() throws -> UnsafeRawBufferPointer? {
        if let buffer = unsafe buffer { unsafe PQfreemem(buffer) }
        unsafe buffer = nil
        var hasLooked = false
        while true {
            let count = unsafe PQgetCopyData(handle, &buffer, 1)
            if count > 0 { return unsafe UnsafeRawBufferPointer(start: buffer, count: Int(count)) }
            if count < 0 {
                rowsSent = try connection.finish().commandRows
                return nil
            }
            // What has come meanwhile first, without asking whether there is any. Only then a wait, and a longer one
            // than for the next few bytes: to be woken for each of them costs as much as reading them.
            if hasLooked {
                usleep(Self.napMicroseconds)
                try connection.awaitInput()
            } else {
                try connection.takeInput()
            }
            hasLooked = !hasLooked
        }
    }
}
