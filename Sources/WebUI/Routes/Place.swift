/// Every address of the server. Made from the path of a request, and back for links, so that a link that does not exist
/// does not compile.
package enum Place: Sendable, Hashable {
    package enum Tab: String, Sendable, CaseIterable {
        case health, timeline, mapping, definition
    }

    package enum End: String, Sendable, Hashable {
        case source = "sources"
        case destination = "destinations"
    }

    case overview
    case syncs
    case sync(String)
    /// What a form asks of a sync: `run`, `plan`, `pause`, `resume`, `reset`, `resend`, `confirm`.
    case syncAction(String, SyncAction)
    case record(sync: String, key: String)
    case runs
    case run(Int64)
    case runEvents(Int64)
    case records(run: Int64)
    case recordsCSV(run: Int64)
    case cancel(run: Int64)
    case exchange(run: Int64, number: Int)
    case connections
    case connection(End, String)
    case check(End, String)
    case checkEvents(End, String)
    case errors
    case system
    /// A file about the program for who helps from afar.
    case diagnostics
    case audit
    case people
    case person(String)
    /// One's own page.
    case account
    case signIn
    case signOut
    /// The one-time link of the first start, or of an invitation.
    case welcome(String)
    case health, ready, metrics
    case asset(String)
    /// A form that defines something.
    case making(Making)

    package enum SyncAction: String, Sendable, Hashable, CaseIterable {
        case run, plan, pause, resume, reset, resend, confirm
    }

    /// The address, without a query.
    package var path: String {
        switch self {
        case .overview: "/"
        case .syncs: "/syncs"
        case .sync(let name): "/syncs/" + PathText.encoded(name)
        case .syncAction(let name, let action): "/syncs/" + PathText.encoded(name) + "/" + action.rawValue
        case .record(let sync, let key): "/syncs/" + PathText.encoded(sync) + "/records/" + PathText.encoded(key)
        case .runs: "/runs"
        case .run(let id): "/runs/\(id)"
        case .runEvents(let id): "/runs/\(id)/events"
        case .records(let id): "/runs/\(id)/records"
        case .recordsCSV(let id): "/runs/\(id)/records.csv"
        case .cancel(let id): "/runs/\(id)/cancel"
        case .exchange(let run, let number): "/exchanges/\(run)-\(number)"
        case .connections: "/connections"
        case .connection(let end, let name): "/\(end.rawValue)/" + PathText.encoded(name)
        case .check(let end, let name): "/\(end.rawValue)/" + PathText.encoded(name) + "/check"
        case .checkEvents(let end, let name): "/\(end.rawValue)/" + PathText.encoded(name) + "/check/events"
        case .errors: "/errors"
        case .system: "/system"
        case .diagnostics: "/system/diagnostics"
        case .audit: "/audit"
        case .people: "/people"
        case .person(let name): "/people/" + PathText.encoded(name)
        case .account: "/account"
        case .signIn: "/sign-in"
        case .signOut: "/sign-out"
        case .welcome(let token): "/welcome/" + PathText.encoded(token)
        case .health: "/healthz"
        case .ready: "/readyz"
        case .metrics: "/metrics"
        case .asset(let name): "/assets/" + name
        case .making(let making): making.path
        }
    }

    /// The address with a query; pairs without a value are left out.
    package func link(_ query: [(String, String?)] = []) -> String {
        let pairs = query.compactMap { name, value in value.map { name + "=" + PathText.encoded($0) } }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }

    /// The place that a request asks for, and whether as JSON: the same address with `.json` behind it.
    package static func parse(_ path: String) -> (place: Place, isJSON: Bool)? {
        var path = path[...]
        let isJSON = path.hasSuffix(".json")
        if isJSON { path = path.dropLast(5) }
        guard path.first == "/" else { return nil }
        var segments: [String] = []
        for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = PathText.decoded(segment) else { return nil }
            segments.append(decoded)
        }
        if segments == [""] { segments = [] }
        // An empty segment is nothing's address, but a record's key may be anything.
        return place(segments).map { ($0, isJSON) }
    }

    private static func place(_ segments: [String]) -> Place? {
        if let making = Making(segments) { return .making(making) }
        switch segments.count {
        case 0: return .overview
        case 1: return single[segments[0]]
        case 2: return second(segments[0], segments[1])
        case 3: return third(segments)
        case 4 where segments[0] == "syncs" && segments[2] == "records":
            return .record(sync: segments[1], key: segments[3])
        case 4 where segments[2] == "check" && segments[3] == "events" && !segments[1].isEmpty:
            return End(rawValue: segments[0]).map { .checkEvents($0, segments[1]) }
        default: return nil
        }
    }

    private static let single: [String: Place] = [
        "overview": .overview, "syncs": .syncs, "runs": .runs, "connections": .connections, "errors": .errors,
        "system": .system, "audit": .audit, "people": .people, "account": .account, "sign-in": .signIn,
        "sign-out": .signOut,
        "healthz": .health, "readyz": .ready, "metrics": .metrics,
    ]

    private static func second(_ first: String, _ name: String) -> Place? {
        guard !name.isEmpty else { return nil }
        switch first {
        case "syncs": return .sync(name)
        case "runs": return runNumber(name).map { .run($0) }
        case "sources": return .connection(.source, name)
        case "destinations": return .connection(.destination, name)
        case "people": return .person(name)
        case "welcome": return .welcome(name)
        case "assets": return .asset(name)
        case "system" where name == "diagnostics": return .diagnostics
        case "exchanges":
            let parts = name.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let run = runNumber(String(parts[0])), let number = Int(parts[1]), number >= 0
            else { return nil }
            return .exchange(run: run, number: number)
        default: return nil
        }
    }

    private static func third(_ segments: [String]) -> Place? {
        let (name, verb) = (segments[1], segments[2])
        switch segments[0] {
        case "syncs": return SyncAction(rawValue: verb).map { .syncAction(name, $0) }
        case "sources" where verb == "check": return .check(.source, name)
        case "destinations" where verb == "check": return .check(.destination, name)
        case "runs":
            guard let id = runNumber(name) else { return nil }
            switch verb {
            case "events": return .runEvents(id)
            case "records": return .records(run: id)
            case "records.csv": return .recordsCSV(run: id)
            case "cancel": return .cancel(run: id)
            default: return nil
            }
        default: return nil
        }
    }

    private static func runNumber(_ text: String) -> Int64? {
        guard let number = Int64(text), number > 0, !text.hasPrefix("+") else { return nil }
        return number
    }
}
