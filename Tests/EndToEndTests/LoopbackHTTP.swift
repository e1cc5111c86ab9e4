import Foundation
import Glibc

/// Requests to a server of this machine, each over a socket of its own.
enum LoopbackHTTP {
    struct Answer: Sendable {
        var status: Int
        /// The status line and the headers.
        var head: String
        var body: String

        /// The first header of that name.
        func header(_ name: String) -> String? {
            for line in head.components(separatedBy: "\r\n") where line.lowercased().hasPrefix(name.lowercased() + ":")
            {
                return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            }
            return nil
        }
    }

    /// The body of an answer with status 200.
    static func get(_ path: String, port: Int) throws -> String {
        let answer = try ask("GET", path, port: port)
        guard answer.status == 200 else { throw ChildError(description: "GET \(path): \(answer.head.prefix(40))") }
        return answer.body
    }

    static func ask(
        _ method: String, _ path: String, headers: [String] = [], body: String = "", port: Int
    ) throws -> Answer {
        var head = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1", "Connection: close"] + headers
        if !body.isEmpty {
            head += ["Content-Type: application/x-www-form-urlencoded", "Content-Length: \(body.utf8.count)"]
        }
        return try exchange(head.joined(separator: "\r\n") + "\r\n\r\n" + body, port: port)
    }

    /// Sends the text as it is and reads until the other side closes.
    static func exchange(_ request: String, port: Int) throws -> Answer {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw ChildError(description: "no connection to port \(port)") }
        guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else {
            throw ChildError(description: "\(request.prefix(40)) could not be sent")
        }
        return try parsed(try readAll(descriptor))
    }

    private static func readAll(_ descriptor: Int32) throws -> [UInt8] {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 { return answer }
            if count < 0 { throw ChildError(description: "the answer broke off") }
            answer += buffer[..<count]
        }
    }

    private static func parsed(_ answer: [UInt8]) throws -> Answer {
        let data = Data(answer)
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { throw ChildError(description: "no head") }
        let head = String(decoding: data[..<end.lowerBound], as: UTF8.self)
        guard head.hasPrefix("HTTP/1.1 "), let status = Int(head.dropFirst(9).prefix(3)) else {
            throw ChildError(description: "no status: \(head.prefix(40))")
        }
        var rest = data[end.upperBound...]
        guard head.lowercased().contains("transfer-encoding: chunked") else {
            return Answer(status: status, head: head, body: String(decoding: rest, as: UTF8.self))
        }
        var whole = Data()
        while let line = rest.range(of: Data("\r\n".utf8)) {
            let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) ?? 0
            if size == 0 { break }
            whole += rest[line.upperBound..<(line.upperBound + size)]
            rest = rest[(line.upperBound + size + 2)...]
        }
        return Answer(status: status, head: head, body: String(decoding: whole, as: UTF8.self))
    }
}
