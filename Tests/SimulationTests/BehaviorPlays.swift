import ConnectorKit
import DestinationPlanhat

/// Every object that Planhat's connector declares, by each of its keys, with each behavior and removal, played once for
/// all the tests that look at it.
actor BehaviorPlays {
    struct Play: Sendable {
        let of: AccountCase
        let removal: Removal
        /// What was not as it should be.
        let problems: [String]
        /// Of the first run, of the one after rows changed, came and vanished, and of the one with nothing to do.
        let requests: [[String]]

        var isRemoving: Bool { [.mirror, .delete].contains(of.behavior) }
    }

    static let shared = BehaviorPlays()

    /// What is sent may go by a declared key too.
    static let cases =
        AccountCase.all
        + PlanhatObjects.all.filter { $0.behaviors == [.send] }.flatMap { object in
            object.keys.map { AccountCase(object: object, behavior: .send, key: $0.name) }
        }

    private var begun: [String: Task<[Play], Never>] = [:]

    func plays(of object: DestinationObject) async -> [Play] {
        if let task = begun[object.name] { return await task.value }
        let task = Task { await Self.play(object) }
        begun[object.name] = task
        return await task.value
    }

    @concurrent private static func play(_ object: DestinationObject) async -> [Play] {
        var plays: [Play] = []
        for of in cases where of.object == object {
            for removal in removals(of) {
                var (problems, requests): ([String], [[String]]) = ([], [])
                do {
                    (problems, requests) = try await BehaviorTrial.play(of, removal)
                } catch {
                    problems = ["it threw \(error)"]
                }
                plays.append(Play(of: of, removal: removal, problems: problems, requests: requests))
            }
        }
        return plays
    }

    private static func removals(_ of: AccountCase) -> [Removal] {
        switch of.behavior {
        case .mirror: of.object.removals
        case .delete: of.object.removals.filter { $0 != .clear }
        default: [.delete]
        }
    }
}
