internal import ArgumentParser
internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner

struct Preview: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Shows the first rows of a dataset as Sluice reads them.",
        discussion: "Example: sluice preview accounts --limit 5")

    @Argument(help: "A dataset of the project, or a sync whose rows it reads.")
    var dataset: String

    @Option(name: .long, help: ArgumentHelp("At most so many rows.", valueName: "n"))
    var limit: Int = 20

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit takes 1 to 1000.") }
    }

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        guard let definition = workspace.project.datasets[dataset] ?? workspace.project.sync(dataset)?.dataset else {
            throw workspace.unknown("dataset", dataset, Array(workspace.project.datasets.keys))
        }
        let source = try workspace.connections(state: nil).source(definition)
        let limit = limit
        let found = try await source.withScan(ScanRequest(definition.relation, rowsMax: limit)) { batches in
            var rows: [[Value]] = []
            while let batch = try await batches.next() {
                for row in 0..<batch.rowCount {
                    rows.append((0..<batch.columnCount).map { batch.value(row: row, column: $0) })
                }
            }
            return PreviewRows(columns: batches.columns, rows: rows)
        }
        if common.json { return try Output.print(json: found) }
        var table = TextTable(found.columns.map(\.name))
        table.add(found.columns.map { "(\($0.type.rawValue))" })
        for row in found.rows { table.add(row.map(\.text)) }
        table.lines(widthMax: 40).forEach(Output.text)
        if found.rows.isEmpty { Output.text("The dataset has no rows.") }
    }
}

private struct PreviewRows: Encodable, Sendable {
    var columns: [Column]
    var rows: [[Value]]

    private enum Keys: CodingKey { case columns, rows }
    private enum ColumnKeys: CodingKey { case name, type }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        var list = container.nestedUnkeyedContainer(forKey: .columns)
        for column in columns {
            var entry = list.nestedContainer(keyedBy: ColumnKeys.self)
            try entry.encode(column.name, forKey: .name)
            try entry.encode(column.type.rawValue, forKey: .type)
        }
        try container.encode(rows.map { $0.map { $0 == .null ? nil : $0.text } }, forKey: .rows)
    }
}
