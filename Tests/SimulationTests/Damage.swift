import Foundation
import Records
import StateStore
import TestKit

/// Turns bytes of state files over.
struct Damage {
    let state: String

    enum Target { case oneFile, fingerprints }

    struct Strike {
        var name: String
        /// The records whose batch was open before.
        var open: Set<Hash128>
        var before: [(path: String, data: Data)]

        func undo() throws {
            for file in before { try file.data.write(to: URL(filePath: file.path)) }
        }
    }

    /// Damages one byte of a file of the sync, or of a plan; or one of each file that fingerprints can be made of.
    ///
    /// - Returns: nil where there is none.
    func strike(_ target: Target, _ random: inout SeededRandom) throws -> Strike? {
        let folder = state + "/syncs/things"
        let own = try names(folder).filter { $0 != "lock" }.map { folder + "/" + $0 }
        let plans = try names(state + "/plans").map { state + "/plans/" + $0 }
        var paths: [String]
        switch target {
        case .oneFile: paths = (own + plans).randomElement(using: &random).map { [$0] } ?? []
        case .fingerprints:
            paths = own.filter { path in
                ["/snapshot.", "/journal."].contains { path.contains($0) }
            }
        }
        paths = try paths.filter { try !Data(contentsOf: URL(filePath: $0)).isEmpty }
        guard !paths.isEmpty else { return nil }
        let files = SyncFiles(name: "things", folder: folder)
        var strike = Strike(name: "", open: try Self.open(files) ?? [], before: [])
        var told: [String] = []
        for path in paths {
            var data = try Data(contentsOf: URL(filePath: path))
            strike.before.append((path, data))
            let place = random.number(0...data.count - 1)
            data[place] ^= UInt8(random.number(1...255))
            // In place: no name changes.
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.seek(toOffset: UInt64(place))
            try file.write(contentsOf: data[place...place])
            try file.close()
            told.append("\(path.dropFirst(state.count + 1)) at \(place) of \(data.count)")
        }
        strike.name = told.joined(separator: ", ")
        return strike
    }

    /// The records whose batch is open in the journal; nil where it cannot be read, which whoever opens it finds out.
    static func open(_ files: SyncFiles) throws -> Set<Hash128>? {
        var open: [Int: [Hash128]] = [:]
        do {
            _ = try AcceptanceJournal.replay(files) { frame in
                switch frame {
                case .open(let frame): open[frame.batch] = frame.entries.map(\.keyHash)
                case .settled(_, let opened): open[opened.batch] = nil
                }
            }
        } catch let error as StateError where error.code == "state_corrupt" {
            return nil
        }
        return Set(open.values.joined())
    }

    private func names(_ folder: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
}
