package import ConnectorKit
package import StateStore
internal import Synchronization

/// The requests of a run that the database does not have yet, and what they add up to.
package final class ExchangeLog: Sendable {
    private struct State {
        var waiting: [ExchangeRecord] = []
        var count = 0
        var writes = 0
        var bytesSent: Int64 = 0
        var lastWrite: Duration?
        var batch: Int?
        var attempt = 1
        var sequences: ClosedRange<Int>?
        /// How many exchanges came since the last were taken.
        var sinceTaken = 0
        /// Bytes of the bodies that are kept, of all exchanges of the run so far.
        var bodyBytes = 0
    }

    /// So many exchanges of a batch, and its last, keep their bodies: a batch that is taken apart makes thousands.
    private static let bodiesMax = 50
    /// So many bytes of bodies are kept of a run; of the exchanges after them all but the bodies.
    package static let bodyBytesMax = 64 << 20
    /// So many exchanges may wait for the database, but for writes: whoever reads that often without a write in between is
    /// lost already.
    private static let waitingMax = 100_000

    private let state = Mutex(State())
    private let run = Mutex<Int64>(0)
    private let now: @Sendable () -> Moment
    private let meter: RunMeter

    package init(_ environment: RunEnvironment) {
        now = environment.time.now
        meter = environment.meter
    }

    /// Names the run that the following exchanges belong to, and the number of the first.
    func begin(run: Int64, firstNumber: Int) {
        self.run.withLock { $0 = run }
        state.withLock { $0.count = firstNumber }
    }

    /// Names the batch and the try that the following exchanges carry. What was written before is no part of them.
    package func carry(batch: Int?, attempt: Int, sequences: ClosedRange<Int>?) {
        state.withLock {
            $0.lastWrite = nil
            $0.batch = batch
            $0.attempt = attempt
            $0.sequences = sequences
        }
    }

    package func append(_ exchange: Exchange) {
        let run = self.run.withLock { $0 }
        // It is told once it is over.
        let begun = Moment(milliseconds: now().milliseconds - Int64(exchange.milliseconds))
        let record = state.withLock { state in
            var record = ExchangeRecord(
                run: run, number: state.count, batch: state.batch, attempt: state.attempt, at: begun,
                method: exchange.method, path: exchange.path)
            record.status = exchange.status
            record.milliseconds = exchange.milliseconds
            record.requestBytes = exchange.requestBytes
            record.responseBytes = exchange.responseBytes
            record.requestBody = exchange.requestBody
            record.responseBody = exchange.responseBody
            record.error = exchange.error
            record.isWrite = exchange.isWrite
            record.firstSequence = state.sequences?.lowerBound
            record.lastSequence = state.sequences?.upperBound
            state.count += 1
            if exchange.isWrite {
                state.writes += 1
                state.lastWrite = .milliseconds(exchange.milliseconds)
                state.bytesSent += Int64(exchange.requestBytes)
            }
            Self.keep(record, in: &state)
            return record
        }
        meter.answered(record)
    }

    private static func keep(_ record: ExchangeRecord, in state: inout State) {
        if state.sinceTaken > bodiesMax, let last = state.waiting.indices.last {
            state.bodyBytes -= state.waiting[last].bodyBytes
            state.waiting[last].dropBodies()
        }
        state.sinceTaken += 1
        guard state.waiting.count < waitingMax || record.isWrite else { return }
        var record = record
        if state.bodyBytes + record.bodyBytes > bodyBytesMax { record.dropBodies() }
        state.bodyBytes += record.bodyBytes
        state.waiting.append(record)
    }

    /// How long the last write of that try was on its way, without its wait for the rate limit; nil where none left.
    package var lastWrite: Duration? { state.withLock { $0.lastWrite } }

    /// Takes what has gathered since the last call.
    package func take() -> (records: [ExchangeRecord], writes: Int, bytesSent: Int64) {
        state.withLock { state in
            let taken = (state.waiting, state.writes, state.bytesSent)
            state.waiting = []
            state.sinceTaken = 0
            state.writes = 0
            state.bytesSent = 0
            return taken
        }
    }
}

extension ExchangeRecord {
    fileprivate var bodyBytes: Int { requestBody.utf8.count + responseBody.utf8.count }

    fileprivate mutating func dropBodies() { (requestBody, responseBody) = ("", "") }
}
