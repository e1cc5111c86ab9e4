import Foundation
import Glibc
import TestKit
import Testing

/// Feeds what reads foreign bytes with mutations of a small corpus, from a seed: a second or two in the normal run, for as
/// long as SLUICE_FUZZ_SECONDS says otherwise. What holds: no crash (the number of the last input is in a file, see `note`),
/// no endless loop, no memory without bound; the body itself says what else.
///
/// `SLUICE_FUZZ_SEED` chooses the seed, `SLUICE_FUZZ_ROUND` plays one round of it again.
struct Fuzz {
    private static let variables = ProcessInfo.processInfo.environment
    private static let seconds = variables["SLUICE_FUZZ_SECONDS"].flatMap { Double($0) }
    private static let seed = variables["SLUICE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    private static let only = variables["SLUICE_FUZZ_ROUND"].flatMap { Int($0) }
    /// What one input may take, and what all of them together may leave in memory.
    private static let roundSecondsMax = 20.0
    private static let growthBytesMax = 768 << 20

    let name: String
    let corpus: [[UInt8]]
    /// Puts right what a format checks first, so that a mutation is seen by what comes after. Every second input.
    var repair: (@Sendable (inout [UInt8]) -> Void)?

    /// Whether one round is played again, which need not come to what all of them together do.
    var isReplay: Bool { Self.only != nil }

    /// - Parameter rounds: of the normal run.
    func run(usually rounds: Int, _ body: (_ bytes: [UInt8], _ random: inout SeededRandom) throws -> Void) throws {
        let progress = Progress(name, of: rounds)
        while progress.goesOn {
            var random = SeededRandom(seed: progress.seed)
            let bytes = mutated(&random)
            progress.begin()
            do { try body(bytes, &random) } catch { return progress.fail(error) }
            guard progress.end() else { return }
        }
        progress.close()
    }

    /// The same of what waits for something.
    func play(
        usually rounds: Int, _ body: (_ bytes: [UInt8], _ random: inout SeededRandom) async throws -> Void
    ) async throws {
        let progress = Progress(name, of: rounds)
        while progress.goesOn {
            var random = SeededRandom(seed: progress.seed)
            let bytes = mutated(&random)
            progress.begin()
            do { try await body(bytes, &random) } catch { return progress.fail(error) }
            guard progress.end() else { return }
        }
        progress.close()
    }

    /// Where the rounds of one reader stand.
    private final class Progress {
        private let name: String
        private let rounds: Int
        private let path: String
        private let noted: Int32
        private let until = Fuzz.seconds.map { ContinuousClock.now + .seconds($0) }
        private let before = Fuzz.memory()
        private var round = Fuzz.only ?? 0
        private var begun = ContinuousClock.now

        init(_ name: String, of rounds: Int) {
            (self.name, self.rounds) = (name, rounds)
            path = NSTemporaryDirectory() + "sluice-fuzz-\(name).round"
            noted = open(path, O_WRONLY | O_CREAT, 0o600)
        }

        deinit { _ = Glibc.close(noted) }

        var seed: UInt64 { Fuzz.seed &* 1_000_003 &+ UInt64(round) }
        private var place: String { "\(name), round \(round) of seed \(Fuzz.seed)" }

        var goesOn: Bool {
            if let only = Fuzz.only { return round == only }
            if let until { return ContinuousClock.now < until }
            return round < rounds
        }

        func begin() {
            var number = UInt64(round)
            pwrite(noted, &number, 8, 0)
            begun = .now
        }

        func fail(_ error: any Error) { Issue.record("\(place): \(type(of: error)) \(error)") }

        /// False where the reader keeps memory.
        func end() -> Bool {
            let took = (ContinuousClock.now - begun) / .seconds(1)
            #expect(took < Fuzz.roundSecondsMax, "\(place) took \(took) s")
            let growth = round % 256 == 0 ? Fuzz.memory() - before : 0
            guard growth < Fuzz.growthBytesMax else {
                Issue.record("\(place): \(growth >> 20) MiB more than at first")
                return false
            }
            round += 1
            return true
        }

        func close() {
            if Fuzz.seconds != nil { print("fuzz \(name): \(round) rounds of seed \(Fuzz.seed)") }
            unlink(path)
        }
    }

    /// Pages of this process that are in memory.
    private static func memory() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let words = text.split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4_096 : 0
    }

    // MARK: Mutation

    private static let odd: [UInt64] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF,
        0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFE0,
    ]

    private func mutated(_ random: inout SeededRandom) -> [UInt8] {
        guard var bytes = corpus.randomElement(using: &random) else { return [] }
        for _ in 0..<random.number(0...6) { mutate(&bytes, &random) }
        if let repair, random.chance(percent: 50) { repair(&bytes) }
        return bytes
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: .min ... .max, using: &random)) }
        let at = random.number(0...bytes.count - 1)
        switch random.number(0...9) {
        case 0: bytes[at] ^= 1 << UInt8(random.number(0...7))
        case 1: bytes[at] = UInt8.random(in: .min ... .max, using: &random)
        case 2: bytes.insert(contentsOf: (0..<random.number(1...9)).map { _ in UInt8(random.number(0...255)) }, at: at)
        case 3: bytes.removeSubrange(at..<min(bytes.count, at + random.number(1...40)))
        case 4: bytes.removeSubrange(at...)
        case 5:
            let piece = Array(bytes[at..<min(bytes.count, at + random.number(1...200))])
            for _ in 0..<random.number(1...4) { bytes.insert(contentsOf: piece, at: at) }
        case 6, 7: number(&bytes, at, &random)
        case 8:
            guard let other = corpus.randomElement(using: &random), !other.isEmpty else { return }
            let from = random.number(0...other.count - 1)
            bytes.replaceSubrange(at..., with: other[from...])
        default:
            // A digit, a bracket, a quote: what texts are made of.
            bytes[at] = Array("0123456789-+.eE\"'\\[]{}:,#&*!|> \t\n\u{0}".utf8).randomElement(using: &random) ?? 0
        }
    }

    /// Writes an odd number of two, four or eight bytes, in either order.
    private func number(_ bytes: inout [UInt8], _ at: Int, _ random: inout SeededRandom) {
        let value = Self.odd.randomElement(using: &random) ?? 0
        let size = [2, 4, 8].randomElement(using: &random) ?? 4
        guard at + size <= bytes.count else { return }
        let isBig = random.chance(percent: 50)
        for index in 0..<size {
            bytes[at + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (isBig ? size - 1 - index : index)))
        }
    }
}

/// A folder of one test.
final class FuzzFolder: Sendable {
    let path: String

    /// - Parameter inMemory: whether nothing waits for a disk, where the system has such a place.
    init(inMemory: Bool = false) throws {
        let memory = "/dev/shm/"
        let base =
            inMemory && FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        path = base + "sluice-fuzz-" + UUID().uuidString.prefix(13)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(filePath: path + "/" + name)) }

    static func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
}
