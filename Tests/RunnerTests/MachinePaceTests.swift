import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// Processes with state directories of their own share the rate limit of an account. Here each stands for a process: it has
/// its own `MachineLimits`.
final class MachinePaceTests: Sendable {
    /// So few that the permits that may be taken at once are two.
    private static let perMinute = 16

    private let folder = FileManager.default.temporaryDirectory.path + "/sluice-machine-" + UUID().uuidString
    private let time = SteppingTime()

    deinit {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record("\(folder) could not be removed")
        }
    }

    private func limits(_ path: String? = nil) -> MachineLimits {
        MachineLimits(variables: ["SLUICE_LIMITS": path ?? folder + "/limits"])
    }

    /// The pace of a process.
    private func pace(
        _ state: String, key: String = "k1", perMinute: Int = perMinute, _ limits: MachineLimits? = nil
    ) throws -> ConnectionPace {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        let type = DestinationType(
            ConnectorDeclaration(
                type: "account", displayName: "Account",
                settings: [SettingDeclaration("requests_per_minute", .integer(1...1_000), help: "How many.")]),
            objects: SimulatedDestination.objects,
            rateLimitKey: { (settings) throws(ConnectorError) in
                guard let key = settings.secret("api_key") else {
                    throw ConnectorError(
                        code: "api_key_missing", message: "There is none.", hint: "", disposition: .fixConfiguration)
                }
                return key
            }, requestsAtOnceMax: 3,
            make: { (_, context) throws(ConnectorError) in
                SimulatedDestination(SimulatedAccount(), context: context)
            })
        let project = Project(
            directory: "/", file: "sluice.yaml", sources: [:],
            destinations: [
                "account": ConnectionDefinition(
                    name: "account", type: "account", settings: [:], location: here, typeLocation: here,
                    directory: "/")
            ], syncs: [])
        return try ProjectConnections(
            project: project, catalog: ConnectorCatalog(sources: [], destinations: [type]),
            state: try StateDirectory(path: folder + "/" + state), machine: limits ?? self.limits()
        ) { connection, _ in
            ConnectorSettings(
                name: connection.name, texts: ["requests_per_minute": String(perMinute)],
                secrets: key.isEmpty ? [:] : ["api_key": Secret(key)])
        }.pace(things())
    }

    private func waited(_ pace: ConnectionPace) async throws -> Int64 {
        let before = time.now
        try await pace.permit(time: time.time, progress: { _ in })
        return time.now - before
    }

    @Test func twoStateDirectoriesOfOneAccountTakeOneQuota() async throws {
        var random = SeededRandom(seed: 7)
        let paces = [try pace("a"), try pace("b"), try pace("a"), try pace("c")]
        var left: [Int64] = []
        for _ in 0..<200 {
            if random.chance(percent: 5) { time.advance(Int64(random.number(0...90_000))) }
            try await paces[random.number(0...3)].permit(time: time.time, progress: { _ in })
            left.append(time.now)
        }
        for index in left.indices.dropFirst(Self.perMinute) {
            #expect(left[index] - left[index - Self.perMinute] >= 60_000, "\(index)")
        }
    }

    @Test func anotherKeyIsAnotherAccount() async throws {
        let (one, other) = (try pace("a"), try pace("b", key: "k2"))
        for _ in 0..<2 { #expect(try await waited(one) == 0) }
        for _ in 0..<2 { #expect(try await waited(other) == 0) }
        #expect(try await waited(one) > 3_000)
    }

    @Test func whatAnAnswerAskedOfOneHoldsTheOther() async throws {
        let (one, other) = (try pace("a"), try pace("b"))
        one.observe(RateLimitNotice(wait: .seconds(30), isRefusal: true), time: time.time)
        #expect((29_000...31_000).contains(try await waited(other)))
    }

    /// A share of half the quota stays one, and what it takes is gone for the others.
    @Test func twoQuotasOfOneAccountTakeNoMoreThanTheLarger() async throws {
        let paces = [try pace("a"), try pace("b", perMinute: 8)]
        var left: [[Int64]] = [[], []]
        for index in 0..<120 {
            try await paces[index % 2].permit(time: time.time, progress: { _ in })
            left[index % 2].append(time.now)
        }
        let all = (left[0] + left[1]).sorted()
        for index in all.indices.dropFirst(16) { #expect(all[index] - all[index - 16] >= 60_000) }
        for index in left[1].indices.dropFirst(8) { #expect(left[1][index] - left[1][index - 8] >= 60_000) }
    }

    @Test func noFileSaysTheKey() async throws {
        let key = "a-key-that-nobody-may-see"
        _ = try await waited(try pace("a", key: key))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/limits")
        #expect(names.count == 1 && names.allSatisfy { !$0.contains(key) && $0.hasPrefix("account-1-") }, "\(names)")
        for name in names {
            #expect(try Data(contentsOf: URL(filePath: folder + "/limits/" + name)).count == 8)
        }
    }

    @Test(arguments: ["relative", "/dev/null/limits"])
    func aFolderThatCannotBeUsedIsToldOnceAndTheStateDirectoryCounts(path: String) async throws {
        let limits = limits(path)
        let (one, other) = (try pace("a", limits), try pace("a", limits))
        for _ in 0..<2 { #expect(try await waited(one) == 0) }
        #expect(one.warning()?.code == "limits_not_shared")
        #expect(one.warning() == nil && other.warning() == nil)
        #expect(try await waited(other) > 3_000)
    }

    @Test func offIsOffWithoutAWord() async throws {
        let limits = limits("off")
        let (one, other) = (try pace("a", limits), try pace("b", limits))
        for pace in [one, one, other, other] { #expect(try await waited(pace) == 0) }
        #expect(one.warning() == nil)
    }

    @Test func aFileThatIsNoneIsToldAndHoldsNobody() async throws {
        let limits = limits()
        let one = try pace("a", limits)
        #expect(try await waited(one) == 0 && one.warning() == nil)
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder + "/limits").first)
        try FileManager.default.removeItem(atPath: folder + "/limits/" + name)
        try FileManager.default.createDirectory(
            atPath: folder + "/limits/" + name, withIntermediateDirectories: false)
        #expect(try await waited(one) == 0)
        #expect(one.warning()?.code == "limits_not_shared")
    }

    @Test(arguments: [Int64.max, Int64.min, 0x7878_7878_7878_7878, -1])
    func aNumberThatNobodyCanHaveWrittenHoldsNobodyForLong(number: Int64) async throws {
        let one = try pace("a")
        _ = try await waited(one)
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder + "/limits").first)
        try SharedNumber(path: folder + "/limits/" + name).update { $0 = number }
        for _ in 0..<3 { #expect(try await waited(one) <= 4_000) }
    }

    /// What the connector says of its settings is told by whoever makes the destination.
    @Test func withoutAKeyThereIsNoAccountToShare() async throws {
        let (one, other) = (try pace("a", key: ""), try pace("b", key: ""))
        for pace in [one, one, other, other] { #expect(try await waited(pace) == 0) }
        #expect(!FileManager.default.fileExists(atPath: folder + "/limits"))
    }

    @Test func soManyRequestsOfAnAccountAreOnTheirWayAtOnce() async throws {
        let paces = [try pace("a"), try pace("b"), try pace("c"), try pace("d")]
        var ends: [@Sendable () -> Void] = []
        for pace in paces.prefix(3) { ends.append(try await pace.place(time: time.time)) }
        let before = time.now
        // The first of the three ends when the fourth has waited for a while.
        time.atNextSleep(ends[0])
        ends[0] = try await paces[3].place(time: time.time)
        #expect(time.now == before + 20)
        let other = try await pace("e", key: "k2").place(time: time.time)
        #expect(time.now == before + 20)
        for end in ends + [other] { end() }
    }
}

/// A clock that moves only while somebody sleeps.
private final class SteppingTime: Sendable {
    private let state = Mutex<(now: Int64, next: (@Sendable () -> Void)?)>((1_795_000_000_000, nil))

    var now: Int64 { state.withLock { $0.now } }

    func advance(_ milliseconds: Int64) { state.withLock { $0.now += milliseconds } }

    /// Called once, before the next sleep ends.
    func atNextSleep(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.next = body } }

    var time: RunTime {
        RunTime(
            now: { Moment(milliseconds: self.now) },
            sleep: { wait in
                let body = self.state.withLock { state in
                    // Whoever sleeps wakes in the millisecond in which the time is over.
                    state.now += Int64((wait / .microseconds(1)).rounded(.up) + 999) / 1_000
                    defer { state.next = nil }
                    return state.next
                }
                body?()
            },
            chance: { 0 }, seed: { 0 })
    }
}
