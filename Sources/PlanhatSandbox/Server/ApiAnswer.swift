internal import Hummingbird
internal import NIOCore

/// An answer before it is HTTP.
struct ApiAnswer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// Records of a state, written out as they are sent.
        case stream(RecordStream)
        /// What came to the analytics API, likewise.
        case events(EventStream)
    }

    enum Kind: Sendable { case json, html, text }

    let status: Int
    let body: Body
    var type = Kind.json
    var totals = RowTotals()
    /// What the answer says where it says nothing else.
    private var said: String?

    static func message(_ status: Int, _ text: String) -> ApiAnswer {
        var answer = ApiAnswer(status: status, body: .bytes(SandboxStore.message(text)))
        answer.said = text
        return answer
    }

    init(status: Int, body: Body, type: Kind = .json) {
        self.status = status
        self.body = body
        self.type = type
    }

    /// The same refusal in another form of body.
    func said(in form: SandboxSwitches.Bodies) -> ApiAnswer {
        guard let said, [401, 403, 404, 429].contains(status) else { return self }
        switch form {
        case .message: return self
        case .text: return ApiAnswer(status: status, body: .bytes(Array(said.utf8)), type: .text)
        case .empty: return ApiAnswer(status: status, body: .bytes([]), type: .text)
        case .error:
            var out = JSONWriter()
            out.open("{")
            out.member("error", said)
            out.close("}")
            return ApiAnswer(status: status, body: .bytes(out.bytes))
        }
    }

    init(_ answer: WriteAnswer) {
        status = answer.status
        body = .bytes(answer.body)
        totals = answer.totals
    }

    /// The whole body.
    var bytes: [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(var stream):
            var all: [UInt8] = []
            while let chunk = stream.next() { all += chunk }
            return all
        case .events(var stream):
            var all: [UInt8] = []
            while let chunk = stream.next() { all += chunk }
            return all
        }
    }

    func response(_ headers: [(String, String)] = []) -> Response {
        var fields = HTTPFields()
        let type =
            switch type {
            case .json: "application/json; charset=utf-8"
            case .html: "text/html; charset=utf-8"
            case .text: "text/plain; charset=utf-8"
            }
        for (name, value) in [("Content-Type", type)] + headers {
            if let name = HTTPFields.Element.Name(name) { fields[name] = value }
        }
        return Response(status: .init(code: status), headers: fields, body: responseBody)
    }

    private var responseBody: ResponseBody {
        switch body {
        case .bytes(let bytes): ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .stream(let stream):
            ResponseBody { writer in
                var rest = stream
                while let chunk = rest.next() { try await writer.write(ByteBuffer(bytes: chunk)) }
                try await writer.finish(nil)
            }
        case .events(let stream):
            ResponseBody { writer in
                var rest = stream
                while let chunk = rest.next() { try await writer.write(ByteBuffer(bytes: chunk)) }
                try await writer.finish(nil)
            }
        }
    }
}

/// Activities or metrics as lines, in pieces, from a snapshot that later writes do not touch.
struct EventStream: Sendable {
    enum Kind: String, Sendable { case activities, metrics }

    let state: StoreState
    let kind: Kind
    private var position = 0

    init(_ state: StoreState, _ kind: Kind) {
        self.state = state
        self.kind = kind
    }

    mutating func next() -> [UInt8]? {
        switch kind {
        case .activities:
            guard position < state.events.activityLines.pieces.count else { return nil }
            position += 1
            return state.events.activityLines.pieces[position - 1]
        case .metrics:
            guard position < state.events.metricTable.rows.count else { return nil }
            var out: [UInt8] = []
            while position < state.events.metricTable.rows.count, out.count < 256 << 10 {
                out += MetricList.line(position, state) + [0x0A]
                position += 1
            }
            return out
        }
    }
}

/// Many records as bytes, in pieces of about 256 KiB, from a snapshot that later writes do not touch.
struct RecordStream: Sendable {
    enum Form: Sendable {
        /// A JSON array of `_id`, `name`, `externalId`, `sourceId`.
        case leanArray
        /// Each record on a line, with what was written to it.
        case lines
    }

    let state: StoreState
    let model: SandboxModel
    let form: Form
    let numbers: [Int]
    private var position = 0
    private var isOpen = false
    private var isDone = false

    init(_ state: StoreState, _ model: SandboxModel, _ form: Form, _ numbers: [Int]) {
        self.state = state
        self.model = model
        self.form = form
        self.numbers = numbers
    }

    mutating func next() -> [UInt8]? {
        guard !isDone else { return nil }
        var out = JSONWriter(capacity: 300 << 10)
        var writer = RecordWriter(model, .bare, state)
        if form == .leanArray {
            writer.selection = state.switches.lean == .names ? ["name"] : ["name", "externalId", "sourceId"]
            if !isOpen { out.open("[") }
        }
        isOpen = true
        while position < numbers.count, out.bytes.count < 256 << 10 {
            let number = numbers[position]
            if let record = state[model][UInt32(number)] {
                if form == .leanArray, position > 0, out.bytes.isEmpty { out.continueList() }
                writer.write(number, record, to: &out)
                if form == .lines { out.lineFeed() }
            }
            position += 1
        }
        isDone = position >= numbers.count
        if isDone, form == .leanArray { out.close("]") }
        return out.bytes
    }
}
