/// What a sync does with added, changed and vanished rows. What each does is a table in SyncCore.
public enum Behavior: String, Sendable, Hashable, Codable, CaseIterable {
    case updateOrCreate = "update_or_create"
    case updateOnly = "update_only"
    case createOnly = "create_only"
    case send
    case mirror
    case delete
}
