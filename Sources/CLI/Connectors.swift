internal import ConnectorKit
internal import DestinationPlanhat
internal import SourcePostgres
internal import SourceSQLite

/// Every kind of connector this program has: the one list.
enum Connectors {
    static let all = ConnectorCatalog(
        sources: [SQLiteSource.type, PostgresSource.type],
        destinations: [PlanhatDestination.type])

    /// What people call the destinations.
    static let destinationNames = all.destinations.map(\.declaration.displayName).joined(separator: " or ")
}
