import Foundation

/// `sluice sandbox` as a child process, and a look inside it.
final class LocalPlanhat: Sendable {
    let address: String
    let port: Int
    let token: String
    let tenant: String
    private let child: Child

    /// - Parameter port: 0 takes a free one.
    init(_ folder: WorkFolder, _ options: [String] = [], port: Int = 0) async throws {
        child = try folder.start(["sandbox", "--listen", "127.0.0.1:\(port)", "--json"] + options)
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let printed = try child.output()
            if printed.hasSuffix("}\n") {
                let announced = try JSON(parsing: printed)
                address = announced["address"].string ?? ""
                token = announced["token"].string ?? ""
                tenant = announced["tenant_uuid"].string ?? ""
                self.port = Int(address.split(separator: ":").last ?? "") ?? 0
                return
            }
            guard child.isRunning, ContinuousClock.now < deadline else {
                throw ChildError(description: "the sandbox did not start: \(try child.printed())")
            }
            try await Task.sleep(for: .milliseconds(4))
        }
    }

    /// Ends it politely, so that a file of `--data` is written.
    @discardableResult
    func stop() async throws -> Finished {
        child.signal(SIGTERM)
        return try await child.wait(seconds: 20)
    }

    func state() throws -> JSON { try JSON(parsing: get("/_sandbox/state")) }

    /// The records of a model, or the rows of `activities` or `metrics`, as they came.
    func lines(_ kind: String) throws -> [JSON] {
        try get("/_sandbox/records/" + kind).split(separator: "\n").map { try JSON(parsing: String($0)) }
    }

    /// The records of `companies` or `endusers`, by a field of theirs.
    func records(_ kind: String, by field: String) throws -> [String: JSON] {
        var found: [String: JSON] = [:]
        for line in try get("/_sandbox/records/" + kind).split(separator: "\n") {
            let record = try JSON(parsing: String(line))
            if let key = record[field].string { found[key] = record }
        }
        return found
    }

    /// How many writes arrived, whatever was answered.
    func writes() throws -> Int {
        try state()["requests_by_kind"].members.filter { $0.key.hasPrefix("PUT ") }.reduce(0) {
            $0 + ($1.value.int ?? 0)
        }
    }

    private func get(_ path: String) throws -> String { try LoopbackHTTP.get(path, port: port) }
}

/// One GET over a socket of its own.
enum LoopbackHTTP {
    static func get(_ path: String, port: Int) throws -> String {
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
        let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else {
            throw ChildError(description: "GET \(path) could not be sent")
        }
        return try body(of: try readAll(descriptor), path)
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

    private static func body(of answer: [UInt8], _ path: String) throws -> String {
        let data = Data(answer)
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { throw ChildError(description: "no head") }
        let head = String(decoding: data[..<end.lowerBound], as: UTF8.self)
        guard head.hasPrefix("HTTP/1.1 200") else { throw ChildError(description: "GET \(path): \(head.prefix(40))") }
        var rest = data[end.upperBound...]
        guard head.lowercased().contains("transfer-encoding: chunked") else {
            return String(decoding: rest, as: UTF8.self)
        }
        var whole = Data()
        while let line = rest.range(of: Data("\r\n".utf8)) {
            let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) ?? 0
            if size == 0 { break }
            whole += rest[line.upperBound..<(line.upperBound + size)]
            rest = rest[(line.upperBound + size + 2)...]
        }
        return String(decoding: whole, as: UTF8.self)
    }
}
