internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The cookie that holds a session: only this server's pages send it, and no script reads it.
struct SessionCookie {
    let isSecure: Bool

    /// A name with this prefix is refused by browsers unless the cookie is the host's own and encrypted.
    private var name: String { isSecure ? "__Host-sluice" : "sluice" }

    func value(in headers: [String]) -> String? {
        for header in headers {
            for pair in header.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name else { continue }
                return String(parts[1])
            }
        }
        return nil
    }

    /// An empty session takes the cookie away.
    func header(_ session: String) -> String {
        let end = session.isEmpty ? "; Max-Age=0" : ""
        return "\(name)=\(session); Path=/; HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")\(end)"
    }
}

/// Puts the headers on that every answer has.
struct AnswerHeaders {
    let isSecure: Bool

    /// No script and no style but our own files, no frame around a page, no form to another site.
    static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    func response(_ answer: WebAnswer, isHead: Bool) -> Response {
        var headers = HTTPFields()
        headers[.contentSecurityPolicy] = Self.policy
        headers[.xContentTypeOptions] = "nosniff"
        set("Referrer-Policy", "same-origin", in: &headers)
        set("X-Frame-Options", "DENY", in: &headers)
        set("Cross-Origin-Opener-Policy", "same-origin", in: &headers)
        set("Cross-Origin-Resource-Policy", "same-origin", in: &headers)
        headers[.cacheControl] = "no-store"
        if isSecure { headers[.strictTransportSecurity] = "max-age=31536000" }
        if let session = answer.session { headers[.setCookie] = SessionCookie(isSecure: isSecure).header(session) }
        let body = body(answer.body, &headers)
        let status = HTTPResponse.Status(code: answer.status)
        return Response(status: status, headers: headers, body: isHead ? ResponseBody() : body)
    }

    private func set(_ name: String, _ value: String, in headers: inout HTTPFields) {
        if let name = HTTPField.Name(name) { headers[name] = value }
    }

    private func body(_ body: WebAnswer.Body, _ headers: inout HTTPFields) -> ResponseBody {
        switch body {
        case .page(let page):
            headers[.contentType] = "text/html; charset=utf-8"
            return ResponseBody(byteBuffer: ByteBuffer(string: page.source))
        case .json(let bytes):
            headers[.contentType] = "application/json"
            return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .text(let text, let type):
            headers[.contentType] = type
            return ResponseBody(byteBuffer: ByteBuffer(string: text))
        case .asset(let bytes, let type):
            headers[.contentType] = type
            headers[.cacheControl] = "public, max-age=31536000, immutable"
            return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .file(let name, let type, let bytes):
            headers[.contentType] = type
            headers[.contentDisposition] = "attachment; filename=\"\(name)\""
            return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .download(let name, let type, let stream):
            headers[.contentType] = type
            headers[.contentDisposition] = "attachment; filename=\"\(name)\""
            return Self.streamed(stream)
        case .events(let stream):
            headers[.contentType] = "text/event-stream"
            set("X-Accel-Buffering", "no", in: &headers)
            return Self.streamed(stream)
        case .redirect(let target):
            headers[.location] = target
            return ResponseBody()
        }
    }

    private static func streamed(_ stream: some TextStream) -> ResponseBody {
        ResponseBody { writer in
            var stream = stream
            while let text = try await stream.next() { try await writer.write(ByteBuffer(string: text)) }
            try await writer.finish(nil)
        }
    }
}
