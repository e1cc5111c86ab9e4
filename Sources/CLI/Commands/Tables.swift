internal import ArgumentParser
internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner

struct Tables: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "Shows what a source has to read: tables, columns, types.",
        discussion: "Example: sluice tables warehouse")

    @Argument(help: "A source of the project.")
    var source: String

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let tables = try await workspace.connections(state: nil).source(named: source).tables()
        if common.json { return try Output.print(json: ["tables": tables.map { TableBody($0) }]) }
        for table in tables {
            let name = Relation.table(schema: table.schema, name: table.name).text
            let rows = table.rowsEstimate.map { ", about \(RunText.counted($0, "row"))" } ?? ""
            Output.text("\(name) (\(table.kind)\(rows))")
            for column in table.columns {
                Output.text("  \(column.name)  \(column.declaredType)\(column.isNullable ? "" : ", never null")")
            }
        }
        if tables.isEmpty { Output.text("The source has no table that its user may see.") }
    }
}

private struct TableBody: Encodable {
    struct ColumnBody: Encodable {
        var name: String
        var type: String
        var declaredType: String
        var nullable: Bool

        private enum CodingKeys: String, CodingKey {
            case name, type, nullable
            case declaredType = "declared_type"
        }
    }

    var schema: String?
    var name: String
    var kind: String
    var rowsEstimate: Int?
    var columns: [ColumnBody]

    private enum CodingKeys: String, CodingKey {
        case schema, name, kind, columns
        case rowsEstimate = "rows_estimate"
    }

    init(_ table: TableInfo) {
        schema = table.schema
        name = table.name
        kind = table.kind
        rowsEstimate = table.rowsEstimate
        columns = table.columns.map {
            ColumnBody(
                name: $0.name, type: $0.type.rawValue, declaredType: $0.declaredType, nullable: $0.isNullable)
        }
    }
}
