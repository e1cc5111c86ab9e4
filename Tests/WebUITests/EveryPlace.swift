import Foundation
import Runner
import Testing
import WebUI

/// Every address of the server, an example of each, and what a person needs to send a form there. A case of `Place` or
/// `Making` that has no example here fails `EveryPlaceTests`, so no address can be forgotten by the tests of attacks.
enum EveryPlace {
    static let examples: [Place] =
        [
            .overview, .syncs, .sync("companies"), .record(sync: "companies", key: "1"), .runs, .run(1), .runEvents(1),
            .records(run: 1), .recordsCSV(run: 1), .cancel(run: 1), .exchange(run: 1, number: 0), .connections,
            .connection(.source, "shop"), .connection(.destination, "crm"), .check(.source, "shop"),
            .check(.destination, "crm"), .checkEvents(.source, "shop"), .checkEvents(.destination, "crm"), .errors,
            .system, .diagnostics, .audit, .people, .person("Ada"), .account,
            .signIn, .signOut,
            .welcome("good"), .health, .ready, .metrics, .asset("style.css"),
        ] + Place.SyncAction.allCases.map { .syncAction("companies", $0) } + making.map { .making($0) }

    private static let making: [Making] =
        [
            .start, .sample, .kinds(.source), .kinds(.destination), .newConnection(.source, type: "table"),
            .newConnection(.destination, type: "account"), .datasets, .newDataset, .dataset("accounts"), .newSync,
        ]
        + Making.Deed.allCases.flatMap { deed -> [Making] in
            let ofSync: [Making] = [.sync("companies", deed)]
            guard deed != .first, deed != .schedule else { return ofSync }
            return ofSync + [
                .connection(.source, "shop", deed), .connection(.destination, "crm", deed),
                .datasetDeed("accounts", deed),
            ]
        }

    /// The name of the case, with what else decides what a form there does.
    static func name(_ place: Place) -> String {
        switch place {
        case .making(let making): "making." + label(making) + (deed(making).map { "." + $0.rawValue } ?? "")
        case .syncAction(_, let action): "syncAction." + action.rawValue
        default: label(place)
        }
    }

    private static func deed(_ making: Making) -> Making.Deed? {
        switch making {
        case .connection(_, _, let deed), .datasetDeed(_, let deed), .sync(_, let deed): deed
        default: nil
        }
    }

    static func label(_ value: Any) -> String {
        Mirror(reflecting: value).children.first?.label ?? String(describing: value)
    }

    /// The addresses that take forms from people who have signed in, and the right that each asks for.
    static let forms: [String: Permission] = [
        "syncAction.run": .run, "syncAction.plan": .run, "syncAction.pause": .run, "syncAction.resume": .run,
        "syncAction.resend": .run, "syncAction.confirm": .run, "syncAction.reset": .force, "cancel": .run,
        "check": .useConnections,
        "people": .managePeople, "person": .managePeople, "account": .see, "signOut": .see, "making.sample": .edit,
        "making.newConnection": .edit, "making.newDataset": .edit, "making.newSync": .edit,
        "making.connection.edit": .edit, "making.connection.rename": .edit, "making.connection.delete": .edit,
        "making.datasetDeed.edit": .edit, "making.datasetDeed.rename": .edit, "making.datasetDeed.delete": .edit,
        "making.sync.edit": .edit, "making.sync.rename": .edit, "making.sync.delete": .edit,
        "making.sync.schedule": .edit,
    ]
}

@Suite struct EveryPlaceTests {
    /// The cases of an enum as its file declares them.
    private func cases(of name: String, in file: String) throws -> Set<String> {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let text = try String(contentsOfFile: root + "/Sources/WebUI/Routes/\(file)", encoding: .utf8)
        let body = try #require(text.components(separatedBy: "package enum \(name):").dropFirst().first)
        var found: Set<String> = []
        for line in body.components(separatedBy: "\n") {
            if line.hasPrefix("}") { break }
            guard line.hasPrefix("    case ") else { continue }
            let bare = line.dropFirst(9).replacing(/\([^)]*\)/, with: "")
            for one in bare.split(separator: ",") { found.insert(one.trimmingCharacters(in: .whitespaces)) }
        }
        return found
    }

    @Test func everyAddressOfTheServerHasAnExample() throws {
        let places = Set(EveryPlace.examples.map { EveryPlace.label($0) })
        #expect(try cases(of: "Place", in: "Place.swift").subtracting(places) == [])
        let making = EveryPlace.examples.compactMap { if case .making(let making) = $0 { making } else { nil } }
        #expect(try cases(of: "Making", in: "Making.swift").subtracting(making.map { EveryPlace.label($0) }) == [])
        #expect(places.count > 25 && making.count > 20)
        for place in EveryPlace.examples { #expect(Place.parse(place.path)?.place == place, "\(place.path)") }
    }
}
