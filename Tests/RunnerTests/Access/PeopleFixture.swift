import Foundation
import Runner
import StateStore
import TestKit
import Testing

/// People in a database of their own, with a clock that only tests move and passwords that cost next to nothing.
final class PeopleFixture: Sendable {
    static let password = "four words not alike"
    static let cost = PasswordCost(roundsPower: 4)

    let folder: String
    let database: ControlDatabase
    let clock = SimulatedTime()

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sluice-people-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try ControlDatabase.open(path: folder + "/sluice.db")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var time: RunTime { RunTime(clock) }

    func people(cost: PasswordCost = PeopleFixture.cost) -> People {
        People(database: database, time: time, cost: cost)
    }

    var audit: AuditLog { AuditLog(database: database, time: time) }

    /// With an admin called `root`.
    func peopleWithAdmin() async throws -> People {
        let people = people()
        let token = try #require(try people.firstLink())
        _ = try await people.createFirstAdmin(token: token, name: "root", password: Self.password)
        return people
    }

    func actions() throws -> [String] { try audit.page().map(\.action).reversed() }

    /// Everything that lies on the disk, as text.
    func bytesOnDisk() throws -> String {
        try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
            String(decoding: try Data(contentsOf: URL(filePath: folder + "/" + name)), as: UTF8.self)
        }.joined()
    }
}

extension RunTime {
    init(_ clock: SimulatedTime) {
        self.init(
            now: { Moment(milliseconds: clock.milliseconds) }, sleep: { try await clock.sleep($0) },
            chance: { clock.fraction() }, seed: { clock.bits() })
    }
}

/// The code of the error that `body` throws; nil where it throws none.
func code(of body: () async throws -> Void) async -> String? {
    do {
        try await body()
        return nil
    } catch {
        return RunError(error).code
    }
}
