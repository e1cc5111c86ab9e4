internal import ConnectorKit
internal import ProjectConfig
internal import Records

/// How a dataset is read between complete scans, as a form: from which column's last value on, how far back, and when
/// everything is read all the same.
struct IncrementalForm: Sendable {
    /// Empty where everything is read each time.
    var column = ""
    var overlap = ""
    /// `every` so long, or every so many `runs`.
    var unit = "every"
    var complete = ""

    private static let units: [(value: String, label: String)] = [("every", "time, such as 24h"), ("runs", "runs")]

    init(_ form: Fields) {
        column = form["since"] ?? ""
        overlap = ConnectionForm.trimmed(form["overlap"] ?? "")
        unit = form["complete-by"] == "runs" ? "runs" : "every"
        complete = ConnectionForm.trimmed(form["complete"] ?? "")
    }

    init(_ value: DefinitionValue) {
        column = value["incremental"]?["column"]?.scalar ?? ""
        overlap = value["incremental"]?["overlap"]?.scalar ?? ""
        for (word, _) in Self.units {
            guard let given = value["complete_scan"]?[word]?.scalar else { continue }
            (unit, complete) = (word, given)
        }
    }

    /// Puts what was typed into the definition of the dataset.
    func write(into value: inout DefinitionValue) {
        guard !column.isEmpty else {
            (value["incremental"], value["complete_scan"]) = (nil, nil)
            return
        }
        var incremental = DefinitionValue.mapping([.init("column", .text(column))])
        if !overlap.isEmpty { incremental["overlap"] = .typed(overlap) }
        value["incremental"] = incremental
        value["complete_scan"] = complete.isEmpty ? nil : .mapping([.init(unit, .typed(complete))])
    }

    /// The input that shows a problem of the definition.
    static func input(_ field: [String]) -> String? {
        switch field.first {
        case "incremental": field.dropFirst().first == "overlap" ? "overlap" : "since"
        case "complete_scan": "complete"
        default: nil
        }
    }

    /// - Parameter columns: those of the first rows; empty where they are not known, and the column is typed.
    func html(_ columns: [Column], _ problems: [FormProblem]) -> HTML {
        let inputs = ["since", "overlap", "complete"]
        let isOpen = !column.isEmpty || problems.contains { $0.input.map { inputs.contains($0) } ?? false }
        let open: HTML = isOpen ? " open" : .empty
        var since = EntryView("Column that grows with every change", "since", value: column)
        since.help = "Such as `updated_at`: times, dates or whole numbers, best with an index."
        since.problems = problems
        var back = EntryView("Reach back", "overlap", value: overlap)
        back.help = "For rows that come late: `10m`, or a number for a column of numbers."
        back.problems = problems
        var scan = EntryView("Read everything after", "complete", value: complete)
        scan.help = "What vanished is only found then. Left empty it is `24h`."
        scan.problems = problems
        return """
            <details\(open)><summary>Read only what has changed</summary><div class="fields">\(sinceInput(since, columns))\(back.text())\(scan.text())\(EntryView("Counted in", "complete-by", value: unit).select(Self.units))</div></details>
            """
    }

    private func sinceInput(_ since: EntryView, _ columns: [Column]) -> HTML {
        guard !columns.isEmpty else { return since.text() }
        var names = columns.map { ($0.name, "\($0.name) (\($0.type.rawValue))") }
        if !column.isEmpty, !columns.contains(where: { $0.name == column }) {
            names.append((column, "\(column) (gone)"))
        }
        return since.select([("", "none: everything is read each time")] + names)
    }
}

/// How a dataset is read, in a sentence.
enum ReadingWords {
    static func html(_ dataset: DatasetDefinition) -> HTML {
        guard let incremental = dataset.incremental else {
            return "<p class=\"detail\">Every run reads all of it.</p>"
        }
        let back: String =
            switch incremental.overlap {
            case .seconds(0), .number(0): ""
            case .seconds(let seconds): ", and \(span(seconds)) before that"
            case .number(let number): ", and \(number) before that"
            }
        let complete: String =
            switch incremental.completeScan {
            case .every(let seconds): "every \(span(seconds))"
            case .runs(let runs): runs == 1 ? "by every run" : "every \(runs) runs"
            }
        return """
            <p class="detail">A run reads the rows whose <code>\(incremental.column)</code> is at or after the last value seen\(back). Everything is read \(complete).</p>
            """
    }

    private static func span(_ seconds: Int) -> String {
        for (word, size) in [("day", 86_400), ("hour", 3_600), ("minute", 60)] where seconds % size == 0 {
            return "\(seconds / size) \(word)\(seconds == size ? "" : "s")"
        }
        return "\(seconds) second\(seconds == 1 ? "" : "s")"
    }
}
