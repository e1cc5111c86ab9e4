/// Reads how a dataset is read between complete scans.
struct IncrementalDecoder {
    static let completeScanDefault = IncrementalDefinition.CompleteScan.every(seconds: 86_400)
    static let runsMax = 100_000

    let log: DiagnosticLog

    func incremental(_ dataset: MappingReader) -> IncrementalDefinition? {
        guard let entry = dataset.entry("incremental") else {
            if let alone = dataset.entry("complete_scan") {
                log.error(
                    code: "conflicting_keys", "`complete_scan` goes only with `incremental`",
                    hint: "every scan is complete without it; remove the line", at: alone.keyLocation)
            }
            return nil
        }
        guard
            let reader = MappingReader(
                entry.value, what: "`incremental`", at: entry.keyLocation, keys: ["column", "overlap"],
                expected: "a mapping such as {column: updated_at, overlap: 10m}", log: log)
        else { return nil }
        let column = reader.requiredText("column", expected: "the name of a column", hint: "name the column that grows")
        let overlap = overlap(reader)
        let complete = completeScan(dataset)
        guard let column, let overlap, let complete else { return nil }
        return IncrementalDefinition(
            column: column, overlap: overlap, completeScan: complete, location: entry.keyLocation)
    }

    private func overlap(_ reader: MappingReader) -> IncrementalDefinition.Overlap? {
        guard let entry = reader.entry("overlap") else { return .seconds(0) }
        let expected = "a time such as 10m, or a whole number for a column of numbers"
        guard let text = reader.text("overlap", expected: expected) else { return nil }
        if let number = Int(text), number >= 0 { return .number(number) }
        let seconds = EveryDuration.seconds(text)
        if let seconds, seconds <= EveryDuration.secondsMax { return .seconds(seconds) }
        let wants = seconds == nil ? "expects \(expected)" : "is at most \(EveryDuration.secondsMax / 86_400) days"
        log.error(
            code: "invalid_value", "`overlap` \(wants), found `\(text.prefix(40))`",
            hint: "write for example `overlap: 10m`", at: entry.value.location)
        return nil
    }

    private func completeScan(_ dataset: MappingReader) -> IncrementalDefinition.CompleteScan? {
        guard let entry = dataset.entry("complete_scan") else { return Self.completeScanDefault }
        guard
            let reader = MappingReader(
                entry.value, what: "`complete_scan`", at: entry.keyLocation, keys: ["every", "runs"],
                expected: "a mapping such as {every: 24h} or {runs: 20}", log: log)
        else { return nil }
        switch (reader.entry("every"), reader.entry("runs")) {
        case (.some(let every), nil):
            guard let text = reader.text("every", expected: "a time such as 24h") else { return nil }
            if let seconds = EveryDuration.seconds(text), seconds > 0 { return .every(seconds: seconds) }
            log.error(
                code: "invalid_value", "`every` expects a time such as 24h, found `\(text.prefix(40))`",
                at: every.value.location)
        case (nil, .some):
            return reader.number("runs", in: 1...Double(Self.runsMax)).map { .runs(Int($0)) }
        default:
            log.error(
                code: "conflicting_keys", "`complete_scan` takes either `every` or `runs`",
                hint: "write {every: 24h} or {runs: 20}", at: entry.keyLocation)
        }
        return nil
    }
}
