import Foundation
import StateStore
import Synchronization
import TestKit

/// What of a state directory is on the disk for good, and what a power cut takes away: bytes that were written and not
/// synced, each page by itself, and names that were made, renamed or removed since their folder was synced.
///
/// The control database stays as it is: SQLite looks after itself, and may have more on the disk than the files have.
final class PowerCut: Sendable {
    private typealias Inode = UInt64

    private struct State {
        /// The names of each folder as they are on the disk, whatever the folder is called.
        var names: [Inode: [String: Inode]] = [:]
        var contents: [Inode: Data] = [:]
    }

    private static let pageBytes = 512

    private let root: String
    /// Second names of all files, so that no inode is given twice while its old content may come back.
    private let keep: String
    private let state = Mutex(State())

    /// - Parameter root: the state directory.
    init(root: String, keep: String) throws {
        self.root = root
        self.keep = keep
        try FileManager.default.createDirectory(atPath: keep, withIntermediateDirectories: true)
    }

    var watch: DiskWatch {
        DiskWatch(
            fileSynchronized: { [self] path in noteFile(path) },
            folderSynchronized: { [self] path in noteFolder(path) })
    }

    private static func inode(_ path: String) -> Inode? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value
    }

    private func noteFile(_ path: String) {
        guard let inode = Self.inode(path), let data = FileManager.default.contents(atPath: path) else { return }
        state.withLock { $0.contents[inode] = data }
        link(path, inode)
    }

    private func noteFolder(_ path: String) {
        let now = names(path)
        for (name, inode) in now { link(path + "/" + name, inode) }
        guard let folder = Self.inode(path) else { return }
        state.withLock { $0.names[folder] = now }
    }

    private func link(_ path: String, _ inode: Inode) { _ = Glibc.link(path, "\(keep)/\(inode)") }

    /// The files of a folder, but for the lock, which means nothing once its process is gone.
    private func names(_ folder: String) -> [String: Inode] {
        var found: [String: Inode] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name != "lock" {
            found[name] = Self.inode(folder + "/" + name)
        }
        return found
    }

    private var folders: [String] {
        let syncs = (try? FileManager.default.contentsOfDirectory(atPath: root + "/syncs")) ?? []
        return [root + "/plans"] + syncs.sorted().map { root + "/syncs/" + $0 }
    }

    /// What a power cut takes of all that was not synced.
    enum Loss { case some, all }

    /// Leaves of the directory what the disk may have after a power cut at this moment.
    ///
    /// - Returns: whether anything was lost.
    @discardableResult
    func cut(_ random: inout SeededRandom, losing loss: Loss = .some) throws -> Bool {
        let before = state.withLock { $0 }
        var after = State()
        var hasLost = false
        for folder in folders {
            guard let place = Self.inode(folder) else { continue }
            let (now, then) = (names(folder), before.names[place] ?? [:])
            var left: [String: Data] = [:]
            for name in Set(now.keys).union(then.keys).sorted() {
                let isNew = now[name] == then[name] || loss == .some && random.chance(percent: 50)
                hasLost = hasLost || !isNew
                guard let inode = isNew ? now[name] : then[name] else { continue }
                let real = FileManager.default.contents(
                    atPath: now[name] == inode ? folder + "/" + name : "\(keep)/\(inode)")
                let synced = before.contents[inode]
                left[name] =
                    loss == .all ? synced ?? Data() : Self.survives(real ?? Data(), synced: synced, &random)
                hasLost = hasLost || left[name] != real
            }
            for name in now.keys { try FileManager.default.removeItem(atPath: folder + "/" + name) }
            for (name, data) in left {
                let path = folder + "/" + name
                guard FileManager.default.createFile(atPath: path, contents: data) else {
                    throw CocoaError(.fileWriteUnknown)
                }
                guard let inode = Self.inode(path) else { continue }
                after.contents[inode] = data
                after.names[place, default: [:]][name] = inode
                link(path, inode)
            }
        }
        let kept = after
        state.withLock { $0 = kept }
        return hasLost
    }

    /// All, nothing, or some pages of what was written after the last sync.
    private static func survives(_ real: Data, synced: Data?, _ random: inout SeededRandom) -> Data {
        let synced = synced ?? Data()
        if real == synced { return real }
        switch random.number(0...3) {
        case 0: return synced
        case 1: return real
        default: break
        }
        let size = random.chance(percent: 50) ? real.count : random.number(min(synced.count, real.count)...real.count)
        var mixed = Data(count: size)
        for start in stride(from: 0, to: size, by: pageBytes) {
            let origin = random.chance(percent: 50) ? real : synced
            let end = min(start + pageBytes, size, origin.count)
            if start < end { mixed.replaceSubrange(start..<end, with: origin[start..<end]) }
        }
        return mixed
    }
}
