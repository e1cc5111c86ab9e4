internal import Runner

/// The live updates of a connection test: all that it has found each time a step begins or the test ends, and in between
/// how long the step that is going on has taken. Each event holds all that its page has to change.
struct CheckStream: TextStream {
    /// Ten minutes; a test that takes longer is followed by the next connection of the browser.
    static let lookMax = 10 * 60 * 4

    private let site: Site
    private let visitor: Visitor
    private let place: (end: Place.End, name: String)
    private var last: (steps: String, time: String)?
    private var looks = 0
    private var hasEnded = false

    init(site: Site, _ end: Place.End, _ name: String, _ visitor: Visitor) throws {
        (self.site, self.visitor, place) = (site, visitor, (end, name))
        _ = try ConnectionPage(site: site, end, name)
    }

    mutating func next() async throws -> String? {
        if looks == 0 {
            looks = 1
            return "retry: 2000\n\n"
        }
        while looks <= Self.lookMax, !hasEnded {
            if looks > 1 { try await site.environment.time.sleep(EventStream.interval) }
            looks += 1
            let view = CheckView(site.work.progress(.check(place.end, place.name)), now: site.now)
            hasEnded = !view.isGoingOn
            let now = (steps: view.number, time: view.stepTime)
            defer { last = now }
            if last?.steps != now.steps { return try event(view) }
            if last?.time != now.time {
                let update = LiveUpdate(ended: false, sentence: view.sentence, parts: [CheckView.timeID: now.time])
                return try update.text("check", id: view.number)
            }
        }
        return nil
    }

    private func event(_ view: CheckView) throws -> String {
        let page = try ConnectionPage(site: site, place.end, place.name)
        let update = LiveUpdate(
            ended: hasEnded, sentence: view.sentence, parts: [CheckView.id: page.check(visitor).source])
        return try update.text("check", id: view.number)
    }
}
