internal import Hummingbird
internal import NIOCore

/// An answer before it is HTTP.
struct ApiAnswer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// Records of a state, written out as they are sent.
        case stream(RecordStream)
    }

    let status: Int
    let body: Body
    var isHTML = false
    var totals = RowTotals()

    static func message(_ status: Int, _ text: String) -> ApiAnswer {
        ApiAnswer(status: status, body: .bytes(SandboxStore.message(text)))
    }

    init(status: Int, body: Body, isHTML: Bool = false) {
        self.status = status
        self.body = body
        self.isHTML = isHTML
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
        }
    }

    func response(_ headers: [(String, String)] = []) -> Response {
        var fields = HTTPFields()
        let type = isHTML ? "text/html; charset=utf-8" : "application/json; charset=utf-8"
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
            writer.selection = ["name", "externalId", "sourceId"]
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
