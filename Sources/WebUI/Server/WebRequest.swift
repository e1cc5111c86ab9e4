/// A request after everything that can be wrong with it has been looked at.
struct WebRequest: Sendable {
    var place: Place
    var isJSON = false
    var query = Fields()
    /// What a form sent; empty for a page that is only looked at.
    var form = Fields()
    var visitor: Visitor
    var lastEventID: String?
    var session: String?
}

/// What is answered, before headers are put on it.
struct WebAnswer: Sendable {
    enum Body: Sendable {
        case page(HTML)
        case json([UInt8])
        case text(String, type: String)
        /// Kept by the browser for ever: its address changes with its content.
        case asset([UInt8], type: String)
        /// Saved by the browser under that name.
        case file(name: String, type: String, [UInt8])
        /// Written bit by bit: it may be longer than memory should hold.
        case download(name: String, type: String, RecordsCSV)
        /// Server-sent events until the stream ends.
        case events(any TextStream)
        case redirect(String)
    }

    var body: Body
    var status = 200
    /// A session to be put into the browser's cookie; empty takes it away.
    var session: String?

    init(_ body: Body, status: Int = 200) {
        self.body = body
        self.status = status
    }

    static func redirect(_ place: Place, _ query: [(String, String?)] = []) -> WebAnswer {
        WebAnswer(.redirect(place.link(query)), status: 303)
    }
}

/// An answer that is made bit by bit, as fast as it is taken.
protocol TextStream: Sendable {
    /// Nil at the end.
    mutating func next() async throws -> String?
}
