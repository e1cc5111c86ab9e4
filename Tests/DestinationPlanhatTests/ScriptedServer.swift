import NIOCore
import NIOPosix
import Synchronization

/// One request as the server read it.
struct ReceivedRequest: Sendable {
    var method: String
    var target: String
    /// Names in lower case.
    var headers: [String: String]
    var body: String

    var path: String { String(target.prefix { $0 != "?" }) }

    func query(_ name: String) -> String? {
        target.drop { $0 != "?" }.dropFirst().split(separator: "&").first { $0.hasPrefix(name + "=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }
}

/// What the server does with a request.
enum Reply: Sendable {
    case answer(Int, String = "", headers: [String: String] = [:])
    /// Reads everything and never answers.
    case hang
    case closeAfterReading
    /// Says that the body is longer than what it sends, then closes.
    case cut(String, saying: Int)
    /// One byte of the body at a time, for ever slower than anybody waits.
    case drip(String)
    /// These bytes instead of an HTTP answer, then closes.
    case raw(String)
}

/// An HTTP server on loopback whose every answer is decided by the test.
final class ScriptedServer: Sendable {
    private let channel: any Channel
    private let log: RequestLog

    var address: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var requests: [ReceivedRequest] { log.requests.withLock { $0 } }

    fileprivate init(channel: any Channel, log: RequestLog) {
        self.channel = channel
        self.log = log
    }
}

/// What a scripted server is to do, and its life.
struct Script: Sendable {
    typealias Decide = @Sendable (ReceivedRequest) -> Reply

    private let decide: Decide
    private let closesAtOnce: Bool

    /// `closesAtOnce` ends each connection before anything is read from it.
    init(closesAtOnce: Bool = false, _ decide: @escaping Decide) {
        self.decide = decide
        self.closesAtOnce = closesAtOnce
    }

    /// Runs `body` with a server that listens, and closes it.
    func serve<Result: Sendable>(_ body: (ScriptedServer) async throws -> Result) async throws -> Result {
        let (decide, closesAtOnce) = (decide, closesAtOnce)
        let log = RequestLog()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(ScriptedConnection(decide, log: log, closesAtOnce))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = ScriptedServer(channel: channel, log: log)
        do {
            let result = try await body(server)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }
}

/// Nothing listens on this port of any machine these tests run on.
let closedAddress = "http://127.0.0.1:1"

final class RequestLog: Sendable {
    let requests = Mutex<[ReceivedRequest]>([])
}

/// One connection; answers one request after the other.
private final class ScriptedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let decide: Script.Decide
    private let log: RequestLog
    private let closesAtOnce: Bool
    private var bytes = ByteBuffer()

    init(_ decide: @escaping Script.Decide, log: RequestLog, _ closesAtOnce: Bool) {
        self.decide = decide
        self.log = log
        self.closesAtOnce = closesAtOnce
    }

    func channelActive(context: ChannelHandlerContext) {
        if closesAtOnce { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        bytes.writeBuffer(&part)
        // A TLS greeting gets what plain servers say to it.
        if bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == 0x16 {
            perform(.raw("HTTP/1.1 400 Bad Request\r\n\r\n"), context)
            return
        }
        while let request = nextRequest() {
            log.requests.withLock { $0.append(request) }
            perform(decide(request), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func nextRequest() -> ReceivedRequest? {
        let view = bytes.readableBytesView
        let mark = Array("\r\n\r\n".utf8)
        guard let end = view.indices.first(where: { view[$0...].starts(with: mark) }) else { return nil }
        let lines = String(decoding: view[..<end], as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingPrefix(" ").description : ""
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        let headBytes = end - view.startIndex + mark.count
        guard bytes.readableBytes >= headBytes + length else { return nil }
        bytes.moveReaderIndex(forwardBy: headBytes)
        let body = bytes.readString(length: length) ?? ""
        bytes.discardReadBytes()
        let words = lines[0].split(separator: " ")
        return ReceivedRequest(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
    }

    private func perform(_ reply: Reply, _ context: ChannelHandlerContext) {
        switch reply {
        case .answer(let status, let body, let headers):
            var text = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n"
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            send(text + "\r\n" + body, context)
        case .hang: break
        case .closeAfterReading: context.close(promise: nil)
        case .cut(let body, let length):
            send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n" + body, context)
            context.close(promise: nil)
        case .drip(let body):
            send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n", context)
            drip(Array(body.utf8)[...], NIOLoopBound(context, eventLoop: context.eventLoop))
        case .raw(let text):
            send(text, context)
            context.close(promise: nil)
        }
    }

    private func drip(_ bytes: ArraySlice<UInt8>, _ bound: NIOLoopBound<ChannelHandlerContext>) {
        guard let byte = bytes.first, bound.value.channel.isActive else { return }
        send(String(decoding: [byte], as: UTF8.self), bound.value)
        let handler = NIOLoopBound(self, eventLoop: bound.value.eventLoop)
        bound.value.eventLoop.scheduleTask(in: .milliseconds(20)) {
            handler.value.drip(bytes.dropFirst(), bound)
        }
    }

    private func send(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
