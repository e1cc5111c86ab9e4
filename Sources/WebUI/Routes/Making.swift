internal import Runner

/// The addresses of the forms that define things.
package enum Making: Sendable, Hashable {
    package enum Deed: String, Sendable, Hashable, CaseIterable {
        case edit, rename, delete
        /// The first runs of a new sync.
        case first
        case schedule
    }

    /// The three steps of the first start.
    case start
    /// Makes the sample.
    case sample
    /// Which kind the new connection is of.
    case kinds(Place.End)
    case newConnection(Place.End, type: String)
    case connection(Place.End, String, Deed)
    case datasets
    case newDataset
    case dataset(String)
    case datasetDeed(String, Deed)
    case newSync
    case sync(String, Deed)

    var path: String {
        switch self {
        case .start: "/start"
        case .sample: "/start/sample"
        case .kinds(let end): "/new/" + end.rawValue
        case .newConnection(let end, let type): "/new/\(end.rawValue)/" + PathText.encoded(type)
        case .connection(let end, let name, let deed):
            "/\(end.rawValue)/" + PathText.encoded(name) + "/" + deed.rawValue
        case .datasets: "/datasets"
        case .newDataset: "/new/dataset"
        case .dataset(let name): "/datasets/" + PathText.encoded(name)
        case .datasetDeed(let name, let deed): "/datasets/" + PathText.encoded(name) + "/" + deed.rawValue
        case .newSync: "/new/sync"
        case .sync(let name, let deed): "/syncs/" + PathText.encoded(name) + "/" + deed.rawValue
        }
    }

    /// Nil where the address is of something else.
    init?(_ segments: [String]) {
        guard !segments.contains("") else { return nil }
        switch (segments.first, segments.count) {
        case ("start", 1): self = .start
        case ("start", 2) where segments[1] == "sample": self = .sample
        case ("datasets", 1): self = .datasets
        case ("datasets", 2): self = .dataset(segments[1])
        case ("new", 2), ("new", 3):
            guard let made = Self.new(segments) else { return nil }
            self = made
        case (let first?, 3):
            guard let deed = Deed(rawValue: segments[2]), let made = Self.deed(first, segments[1], deed) else {
                return nil
            }
            self = made
        default: return nil
        }
    }

    private static func new(_ segments: [String]) -> Making? {
        if segments.count == 3 { return Place.End(rawValue: segments[1]).map { .newConnection($0, type: segments[2]) } }
        switch segments[1] {
        case "dataset": return .newDataset
        case "sync": return .newSync
        default: return Place.End(rawValue: segments[1]).map { .kinds($0) }
        }
    }

    private static func deed(_ first: String, _ name: String, _ deed: Deed) -> Making? {
        let isOfSync = deed == .first || deed == .schedule
        switch first {
        case "syncs": return .sync(name, deed)
        case "datasets" where !isOfSync: return .datasetDeed(name, deed)
        default: return isOfSync ? nil : Place.End(rawValue: first).map { .connection($0, name, deed) }
        }
    }

    /// What a visitor needs for it. Whoever may define may look at rows and use connections too.
    var right: Permission {
        switch self {
        case .start, .datasets, .sync(_, .first): .see
        case .dataset: .seeRows
        default: .edit
        }
    }

    /// For the audit log.
    var subject: String {
        switch self {
        case .connection(let end, let name, _): "\(end == .source ? "source" : "destination") \(name)"
        case .dataset(let name), .datasetDeed(let name, _): "dataset \(name)"
        case .sync(let name, _): "sync \(name)"
        default: path
        }
    }
}
