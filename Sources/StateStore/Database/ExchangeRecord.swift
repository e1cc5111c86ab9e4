/// One request of a run and its answer, for people to look at later. Known by `run` and `number`. The caller has cut
/// the bodies and left the credentials out.
package struct ExchangeRecord: Sendable, Hashable, Codable {
    package var run: Int64
    /// Counts the requests of the run.
    package var number: Int
    /// The batch it carried; nil for reads.
    package var batch: Int?
    /// Which try of the batch, from 1.
    package var attempt: Int
    package var at: Moment
    package var method: String
    /// Path and query, without the host.
    package var path: String
    /// Nil where no answer came.
    package var status: Int?
    package var milliseconds = 0
    package var requestBytes = 0
    package var responseBytes = 0
    package var requestBody = ""
    package var responseBody = ""
    /// The code of the error, where no answer came or it could not be understood.
    package var error: String?
    package var isWrite = false
    /// The operations it carried, both ends included; nil for reads.
    package var firstSequence: Int?
    package var lastSequence: Int?

    package init(
        run: Int64, number: Int, batch: Int? = nil, attempt: Int = 1, at: Moment, method: String, path: String
    ) {
        self.run = run
        self.number = number
        self.batch = batch
        self.attempt = attempt
        self.at = at
        self.method = method
        self.path = path
    }
}
