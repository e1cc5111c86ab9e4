internal import Runner

/// Which right each place needs. Asked on the server for every request, whatever a page showed.
enum PlaceRights {
    static func needed(_ place: Place) -> Permission {
        switch place {
        case .syncAction(_, .reset): .force
        case .syncAction, .cancel: .run
        case .records, .recordsCSV, .record, .exchange: .seeRows
        case .check: .useConnections
        case .audit: .seeAudit
        case .people, .person: .managePeople
        case .making(let making): making.right
        default: .see
        }
    }

    /// Throws where the visitor may not, which is noted; notes each look at rows.
    static func check(_ place: Place, _ visitor: Visitor, _ gate: any Gate) throws {
        let right = needed(place)
        guard visitor.may(right) else {
            try gate.note(.refused, by: visitor, subject: subject(place))
            throw PageFailure.forbidden
        }
        if right == .seeRows { try gate.note(.rowsSeen, by: visitor, subject: subject(place)) }
    }

    /// What the audit log says was looked at: never a record's key.
    static func subject(_ place: Place) -> String {
        switch place {
        case .sync(let name), .syncAction(let name, _), .record(let name, _): "sync \(name)"
        case .run(let id), .records(let id), .recordsCSV(let id), .cancel(let id), .runEvents(let id): "run \(id)"
        case .exchange(let run, _): "run \(run)"
        case .connection(.source, let name), .check(.source, let name): "source \(name)"
        case .connection(.destination, let name), .check(.destination, let name): "destination \(name)"
        case .person(let name): "person \(name)"
        case .making(let making): making.subject
        default: place.path
        }
    }
}
