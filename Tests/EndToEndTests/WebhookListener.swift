import Foundation
import Glibc
import Synchronization

/// Takes POSTs on a free port of this machine and answers each with what it is told to.
final class WebhookListener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let received = Mutex<[String]>([])

    var requests: [String] { received.withLock { $0 } }

    /// - Parameter answer: the status line and the headers, without the empty line behind them.
    init(answer head: String = "HTTP/1.1 204 No Content") throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listening, size) = (descriptor, length)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listening, pointer, size) == 0 && listen(listening, 16) == 0
                    && getsockname(listening, pointer, &length) == 0
            }
        }
        guard bound else { throw ChildError(description: "no port to listen on") }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listening, nil, nil)
                if connection < 0 { return }
                received.withLock { $0.append(Self.read(connection)) }
                let answer = head + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
                _ = Glibc.close(connection)
            }
        }
    }

    func close() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        _ = Glibc.close(descriptor)
    }

    private static func read(_ connection: Int32) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { return text }
            text += String(decoding: buffer[..<count], as: UTF8.self)
            let parts = text.components(separatedBy: "\r\n\r\n")
            let length = parts[0].lowercased().components(separatedBy: "content-length: ").last?
                .prefix { $0.isNumber }
            if parts.count > 1, let length, parts[1].utf8.count >= Int(length) ?? 0 { return text }
        }
    }
}
