package import ConnectorKit

/// A project as its files define it, every part with its place. Nothing in it has been looked up: references to
/// variables, files and secrets are still references.
package struct Project: Sendable, Hashable {
    /// The absolute directory of the project file.
    package var directory: String
    /// The project file as shown to people.
    package var file: String
    /// Every file that was read for it, absolute, the project file first.
    package var files: [String]
    package var sources: [String: ConnectionDefinition]
    package var destinations: [String: ConnectionDefinition]
    package var datasets: [String: DatasetDefinition]
    /// In the order of the files: the project file's first, then those of the included files.
    package var syncs: [SyncDefinition]
    /// Whom to tell about every sync that does not say it itself.
    package var notify: NotifyDefinition?

    package init(
        directory: String, file: String, files: [String] = [], sources: [String: ConnectionDefinition] = [:],
        destinations: [String: ConnectionDefinition] = [:], datasets: [String: DatasetDefinition] = [:],
        syncs: [SyncDefinition] = []
    ) {
        self.directory = directory
        self.file = file
        self.files = files
        self.sources = sources
        self.destinations = destinations
        self.datasets = datasets
        self.syncs = syncs
    }

    package func sync(_ name: String) -> SyncDefinition? { syncs.first { $0.name == name } }
}

/// A source or a destination.
package struct ConnectionDefinition: Sendable, Hashable {
    package var name: String
    /// The kind of connector (`postgres`).
    package var type: String
    package var settings: [String: SettingValue]
    /// Where the settings' names stand.
    package var settingLocations: [String: Location]
    package var location: Location
    package var typeLocation: Location
    /// The absolute directory of the file that defines it.
    package var directory: String

    package init(
        name: String, type: String, settings: [String: SettingValue], settingLocations: [String: Location] = [:],
        location: Location, typeLocation: Location, directory: String
    ) {
        self.name = name
        self.type = type
        self.settings = settings
        self.settingLocations = settingLocations
        self.location = location
        self.typeLocation = typeLocation
        self.directory = directory
    }
}

/// A table or query of a source.
package struct DatasetDefinition: Sendable, Hashable {
    /// Its name, or `<sync>.from` where a sync says it inline.
    package var name: String
    package var source: String
    package var relation: Relation
    /// How it is read between complete scans; nil reads everything each time.
    package var incremental: IncrementalDefinition?
    package var location: Location
    package var sourceLocation: Location

    package init(name: String, source: String, relation: Relation, location: Location, sourceLocation: Location) {
        self.name = name
        self.source = source
        self.relation = relation
        self.location = location
        self.sourceLocation = sourceLocation
    }
}

/// Reads only rows whose column has a value at or after the last one seen.
package struct IncrementalDefinition: Sendable, Hashable {
    /// How far back each scan reaches for rows that came late.
    package enum Overlap: Sendable, Hashable {
        /// For columns of times.
        case seconds(Int)
        /// For columns of numbers.
        case number(Int)
    }

    package enum CompleteScan: Sendable, Hashable {
        case every(seconds: Int)
        /// Every so many runs.
        case runs(Int)
    }

    package var column: String
    package var overlap: Overlap
    package var completeScan: CompleteScan
    package var location: Location

    package init(column: String, overlap: Overlap, completeScan: CompleteScan, location: Location) {
        self.column = column
        self.overlap = overlap
        self.completeScan = completeScan
        self.location = location
    }
}
