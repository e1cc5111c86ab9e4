package import ConnectorKit

/// What a behavior does with a record, as data (design.md §3).
package struct BehaviorRules: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        case upsert
        case upsertIfKeyExists
        case upsertIfKeyIsNew
        case send
        case remove
        /// Nothing is sent, and the row counts as known from then on.
        case remember
        case nothing
    }

    package var added: Step
    package var changed: Step
    /// Whether records that vanish from the source are removed.
    package var removesVanished: Bool
    /// Whether a key that vanishes from the source is forgotten, so that it counts as new when it comes back.
    package var forgetsVanished = false

    /// Whether the destination's keys must be read to decide.
    package var asksForKeys: Bool { [added, changed].contains { $0 == .upsertIfKeyExists || $0 == .upsertIfKeyIsNew } }
}

extension Behavior {
    package var rules: BehaviorRules {
        switch self {
        case .updateOrCreate: BehaviorRules(added: .upsert, changed: .upsert, removesVanished: false)
        case .updateOnly:
            BehaviorRules(added: .upsertIfKeyExists, changed: .upsertIfKeyExists, removesVanished: false)
        case .createOnly: BehaviorRules(added: .upsertIfKeyIsNew, changed: .nothing, removesVanished: false)
        case .send: BehaviorRules(added: .send, changed: .nothing, removesVanished: false)
        case .mirror: BehaviorRules(added: .upsert, changed: .upsert, removesVanished: true)
        case .delete:
            BehaviorRules(added: .remove, changed: .nothing, removesVanished: false, forgetsVanished: true)
        }
    }
}
