package import Records
package import StateStore

/// How numbers and states are said, the same by every command and page.
package enum Wording {
    /// `12,408`.
    package static func grouped(_ number: Int) -> String {
        let digits = String(abs(number))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    /// `1 row`, `12,408 rows`.
    package static func counted(_ number: Int, _ noun: String) -> String {
        "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// What a row without a key is called where its key would stand.
    package static func key(_ key: String) -> String { key.isEmpty ? "(no key)" : key }

    package static func state(_ state: RunState) -> String {
        switch state {
        case .completedWithRejections: "finished, but rows did not arrive"
        case .stoppedByGuard: "stopped by a guard"
        default: state.rawValue
        }
    }

    package static func bytes(_ count: Int64) -> String {
        if count < 10_000 { return counted(Int(count), "byte") }
        if count < 10_000_000 { return "\(grouped(Int(count / 1_000))) kB" }
        return "\(grouped(Int(count / 1_000_000))) MB"
    }

    /// `12`: whole seconds for programs, begun ones too, as logs have them.
    package static func wholeSeconds(_ duration: Duration) -> Int64 {
        Int64((max(0, duration / .seconds(1))).rounded(.up))
    }

    /// `4.2 s`.
    package static func seconds(from start: Moment, to end: Moment) -> String {
        let tenths = max(0, end.milliseconds - start.milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

extension RunRecord {
    /// Rows and operations that are not at the destination as they should be.
    package var notArrived: Int {
        rows.invalid + rows.held + operations.rejected + operations.undelivered + operations.inDoubt
    }
}

/// Cells for spreadsheets: quoted, and never a formula.
package enum CSVText {
    package static func cell(_ text: String) -> String {
        var text = text
        // By scalars: a line break or an accent behind it makes another character of the first one.
        if let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) { text = "'" + text }
        let isPlain = text.utf8.allSatisfy { $0 != 0x2C && $0 != 0x22 && $0 != 0x0A && $0 != 0x0D }
        if isPlain { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    package static let outcomeHead = "key,outcome,code,message,hint,run"

    package static func line(_ outcome: OutcomeRecord) -> String {
        let cells = [
            outcome.key, outcome.outcome.rawValue, outcome.code, outcome.message, outcome.hint, String(outcome.run),
        ]
        return cells.map { cell($0) }.joined(separator: ",")
    }
}
