package import ConnectorKit

/// What a connection to an SQLite database is told.
package struct SQLiteSettings: Sendable, Hashable {
    package static let busyTimeoutSecondsDefault = 5
    package static let busyTimeoutSecondsRange = 0...600

    /// The database file, absolute.
    package var path: String
    /// How long a scan waits for a program that is writing.
    package var busyTimeoutSeconds: Int

    package init(path: String, busyTimeoutSeconds: Int = busyTimeoutSecondsDefault) {
        self.path = path
        self.busyTimeoutSeconds = busyTimeoutSeconds
    }

    /// Throws `setting_missing` or `setting_invalid`.
    package init(_ settings: ConnectorSettings) throws(ConnectorError) {
        guard let path = settings.text("path"), !path.isEmpty else {
            throw ConnectorError(
                code: "setting_missing", message: "The source \(settings.name) has no path.",
                hint: "Add path: with the database file, for example path: data/acme.db.",
                disposition: .fixConfiguration, setting: "path")
        }
        guard !path.utf8.contains(0) else {
            throw ConnectorError(
                code: "setting_invalid", message: "The path of the source \(settings.name) contains a NUL character.",
                hint: "Write the file's name without it.", disposition: .fixConfiguration, setting: "path")
        }
        self.path = path
        let given = settings.text("busy_timeout_seconds")
        let seconds = given == nil ? Self.busyTimeoutSecondsDefault : settings.integer("busy_timeout_seconds")
        guard let seconds, Self.busyTimeoutSecondsRange.contains(seconds) else {
            throw ConnectorError(
                code: "setting_invalid",
                message: "busy_timeout_seconds of the source \(settings.name) is \"\(given ?? "")\".",
                hint: "Write a whole number from 0 to \(Self.busyTimeoutSecondsRange.upperBound).",
                disposition: .fixConfiguration, setting: "busy_timeout_seconds")
        }
        busyTimeoutSeconds = seconds
    }

    package static let declaration = ConnectorDeclaration(
        type: "sqlite", displayName: "SQLite",
        settings: [
            SettingDeclaration(
                "path", .path, isRequired: true, help: "The database file. It is opened for reading only.",
                example: "data/acme.db"),
            SettingDeclaration(
                "busy_timeout_seconds", .integer(busyTimeoutSecondsRange),
                defaultValue: String(busyTimeoutSecondsDefault),
                help: "How long a scan waits while another program has the database locked.", example: "30"),
        ])
}
