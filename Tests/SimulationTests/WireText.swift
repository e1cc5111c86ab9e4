import Foundation
import Runner
import StateStore

/// Requests as a person reads them: the first line, then the body, one row a line.
enum WireText {
    /// What one run asked and sent, in that order.
    static func requests(of run: RunRecord, in environment: RunEnvironment) throws -> [String] {
        try RunHistory(environment.database).exchanges(run: run.id, limit: 100).map { exchange in
            let rows = exchange.requestBody.replacingOccurrences(of: "},{", with: "},\n {")
            return "\(exchange.method) \(exchange.path)" + (rows.isEmpty ? "" : "\n" + rows)
        }
    }
}
