internal import Runner
internal import StateStore

/// What is answered to anybody: assets, and what monitors ask for.
struct OpenPages: Sendable {
    let site: Site

    /// Nil where the place asks for a session.
    func answer(_ place: Place) throws -> WebAnswer? {
        switch place {
        case .asset(let name):
            guard let asset = Assets.all.first(where: { $0.name == name }) else { throw PageFailure.noSuchPage }
            return WebAnswer(.asset(asset.bytes, type: asset.type))
        case .health: return WebAnswer(.text("ok\n", type: "text/plain; charset=utf-8"))
        case .ready: return ready()
        case .metrics:
            guard let metrics = site.engine.metrics else { throw PageFailure.noSuchPage }
            return WebAnswer(.text(try metrics(), type: "text/plain; version=0.0.4; charset=utf-8"))
        default: return nil
        }
    }

    /// Ready: the control database answers and, where there are schedules, they are kept.
    private func ready() -> WebAnswer {
        let type = "text/plain; charset=utf-8"
        do {
            _ = try site.environment.database.pausedSyncs()
        } catch {
            let failure = RunError(error)
            return WebAnswer(.text("not ready: \(failure.code)\n", type: type), status: 503)
        }
        guard site.engine.isScheduling() else {
            return WebAnswer(.text("not ready: the scheduler does not run\n", type: type), status: 503)
        }
        return WebAnswer(.text("ready\n", type: type))
    }
}
