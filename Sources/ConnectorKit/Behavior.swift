/// What a sync does with added, changed and vanished rows. What each does is a table in SyncCore.
public enum Behavior: String, Sendable, Hashable, Codable, CaseIterable {
    case updateOrCreate = "update_or_create"
    case updateOnly = "update_only"
    case createOnly = "create_only"
    case send
    case mirror
    case delete
}

/// What becomes of a record that is to be removed.
public enum Removal: String, Sendable, Hashable, Codable, CaseIterable {
    case delete
    /// Hidden, and kept.
    case archive
    /// The mapped fields are emptied, and the record is kept.
    case clear
}
