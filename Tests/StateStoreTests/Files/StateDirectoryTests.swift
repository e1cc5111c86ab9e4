import Foundation
import Glibc
import Records
import StateStore
import Testing

@Suite struct StateDirectoryTests {
    @Test func foldersAndFilesArePrivate() throws {
        let scratch = try ScratchFolder()
        let directory = try StateDirectory(path: scratch.path + "/deep/er/state/")
        #expect(directory.path == scratch.path + "/deep/er/state")
        let files = directory.sync("companies")
        try files.run(1, [[(key(1), row(1), .set)]])
        _ = try files.closeRun(1)
        let lock = try #require(try SyncLock.acquire(files))
        for folder in [directory.path, directory.path + "/syncs", directory.path + "/plans", files.folder] {
            #expect(try RawFile.mode(folder) == 0o700)
        }
        for name in ScratchFolder.names(files.folder) {
            #expect(try RawFile.mode(files.folder + "/" + name) == 0o600)
        }
        lock.release()
    }

    @Test func everyNameHasAFolderOfItsOwn() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        let long = String(repeating: "x", count: 300)
        let names = [
            "a", "A", "a/b", "a%2Fb", "..", ".", "", "%", "é", "e\u{301}x", "a b", "a\nb", "lock", long, long + "y",
            "\u{0}", "-rf",
        ]
        var folders: Set<String> = []
        for name in names {
            let folder = directory.sync(name).folder
            #expect(folder.hasPrefix(directory.path + "/syncs/"))
            let last = folder.dropFirst(directory.path.count + 7)
            #expect(!last.isEmpty && !last.contains("/") && last != "." && last != ".." && last.utf8.count <= 200)
            folders.insert(folder)
        }
        #expect(folders.count == names.count)
    }

    @Test func fileInThePlaceOfTheDirectoryIsToldPlainly() throws {
        let scratch = try ScratchFolder()
        try RawFile.write(scratch.path + "/state", [1])
        #expect(code { _ = try scratch.directory() } == "state_unwritable")
    }

    @Test(arguments: ["/proc/sluice/state", "/sys/sluice/state", "/dev/null/state"])
    func placeThatCannotHoldFoldersIsToldNotTriedForEver(path: String) throws {
        let code = code { _ = try StateDirectory(path: path) }
        #expect(code == "state_unwritable" || code == "state_io")
    }

    @Test func plansAreListedByTheirRun() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        for run in [10, 2] as [Int64] { try RawFile.write(directory.planPath(run: run), [1]) }
        try RawFile.write(directory.path + "/plans/other", [1])
        #expect(try directory.plannedRuns() == [2, 10])
        try directory.removePlan(run: 2)
        try directory.removePlan(run: 2)
        #expect(try directory.plannedRuns() == [10])
    }

    @Test func spaceIsLookedAtBeforeItIsNeeded() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        try directory.requireFreeSpace(bytes: 1)
        #expect(code { try directory.requireFreeSpace(bytes: .max) } == "disk_full")
    }

    /// A plan that must leave room on a disk with so many bytes free, of as many MiB.
    private func grow(_ mebibytes: Int, free: Int64, leavesRoom: Bool = true) throws -> String? {
        let scratch = try ScratchFolder()
        var steps = FileSteps.none
        steps.freeBytes = { _ in free }
        var writer = try PlanWriter(
            path: scratch.path + "/1.plan", header: [], leavesRoom: leavesRoom, steps: steps)
        let large = String(repeating: "x", count: 1 << 20)
        do {
            try PlanTests.write(&writer, Array(repeating: PlanTests.Planned(payload: large), count: mebibytes))
            try writer.seal(summary: [])
            return nil
        } catch let error as StateError {
            return error.code
        }
    }

    @Test func aPlanThatGrowsLeavesTheDiskRoom() throws {
        #expect(try grow(40, free: DiskRoom.leftMin - 1) == "disk_full")
        #expect(try grow(40, free: DiskRoom.leftMin) == nil)
        // What is small was looked for before it was begun.
        #expect(try grow(20, free: 0) == nil)
        #expect(try grow(40, free: 0, leavesRoom: false) == nil)
    }

    @Test func renamedSyncKeepsItsState() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        try directory.sync("old").run(1, [[(key(1), row(1), .set)]])
        _ = try directory.sync("old").closeRun(1)
        let earlier = try #require(try SyncLock.acquire(directory.sync("new")))
        earlier.release()
        #expect(try directory.rename(sync: "old", to: "new"))
        #expect(try directory.sync("new").contents() == [key(1): row(1)])
        #expect(try directory.sync("old").hasState() == false)
        #expect(try directory.rename(sync: "old", to: "new") == false)
        #expect(try directory.rename(sync: "new", to: "new") == false)
        #expect(try SyncLock.acquire(directory.sync("new")) != nil)
    }

    @Test func whatBelongsToARenameComesFirstAndMayCallItOff() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        try directory.sync("old").run(1, [[(key(1), row(1), .set)]])
        let (old, new) = (directory.sync("old"), directory.sync("new"))
        let done = try directory.rename(sync: "old", to: "new") {
            let isHeld = try SyncLock.isHeld(old) && SyncLock.isHeld(new)
            #expect(isHeld)
            return false
        }
        #expect(!done)
        #expect(try old.hasState())
        #expect(try new.hasState() == false)
        #expect(throws: CancellationError.self) {
            try directory.rename(sync: "old", to: "new") { throw CancellationError() }
        }
        #expect(try directory.rename(sync: "old", to: "new"))
        // Of a sync without files nothing is left, not even the folder that its lock made.
        #expect(try directory.rename(sync: "old", to: "new") == false)
        #expect(!FileManager.default.fileExists(atPath: old.folder))
    }

    @Test func renameWaitsForNobodyAndOverwritesNothing() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        try directory.sync("old").run(1, [])
        let held = try #require(try SyncLock.acquire(directory.sync("old")))
        #expect(code { try directory.rename(sync: "old", to: "new") } == "sync_already_running")
        held.release()
        try directory.sync("new").run(1, [])
        #expect(code { try directory.rename(sync: "old", to: "new") } == "sync_state_exists")
        #expect(try directory.sync("old").hasState() && directory.sync("new").hasState())
    }

    @Test func removedSyncIsUnknownAgain() throws {
        let scratch = try ScratchFolder()
        let directory = try scratch.directory()
        let files = directory.sync("companies")
        for run in 1...3 as ClosedRange<Int64> {
            try files.run(run, [[(key(1), row(Int(run)), .set)]])
            _ = try files.closeRun(run)
        }
        try PendingFile.write(files, [])
        let held = try #require(try SyncLock.acquire(files))
        #expect(code { try directory.remove(sync: "companies") } == "sync_already_running")
        try files.removeState()
        #expect(ScratchFolder.names(files.folder) == ["lock"])
        held.release()
        try directory.remove(sync: "companies")
        try directory.remove(sync: "companies")
        #expect(ScratchFolder.names(directory.path + "/syncs").isEmpty)
    }

    @Test(arguments: 0..<7)
    func killedResetForgetsAllOrKeepsTheNewestSnapshot(step: Int) throws {
        let files = try ScratchFolder.kept()
        for run in 1...2 as ClosedRange<Int64> {
            try files.sync.run(run, [[(key(1), row(Int(run)), .set)]])
            _ = try files.sync.closeRun(run)
        }
        let killed = SyncFiles(
            name: "companies", folder: files.sync.folder, steps: StepCounter.kill(at: .stateRemoved, after: step))
        if (try? killed.removeState()) == nil {
            #expect(try files.sync.contents() == [key(1): row(2)])
        } else {
            #expect(try files.sync.contents().isEmpty)
        }
        try files.sync.removeState()
        #expect(try files.sync.hasState() == false)
    }
}

@Suite struct SyncLockTests {
    @Test func secondHolderInTheSameProcessIsTurnedAway() throws {
        let files = try ScratchFolder.kept()
        let first = try #require(try SyncLock.acquire(files.sync))
        #expect(try SyncLock.acquire(files.sync) == nil)
        let owner = try #require(try SyncLock.owner(files.sync))
        #expect(owner.process == getpid() && abs(owner.since - Int64(time(nil))) < 100)
        first.release()
        first.release()
        let second = try #require(try SyncLock.acquire(files.sync))
        #expect(try SyncLock.acquire(files.sync) == nil)
        second.release()
    }

    @Test func locksOfTwoSyncsDoNotMeet() throws {
        let scratch = try ScratchFolder()
        let one = try #require(try SyncLock.acquire(scratch.sync("one")))
        let two = try #require(try SyncLock.acquire(scratch.sync("two")))
        one.release()
        two.release()
    }

    @Test func forgottenLockIsFree() throws {
        let files = try ScratchFolder.kept()
        do { _ = try SyncLock.acquire(files.sync) }
        #expect(try SyncLock.acquire(files.sync) != nil)
    }

    @Test func ownerOfALockNeverTakenIsUnknown() throws {
        let files = try ScratchFolder.kept()
        #expect(try SyncLock.owner(files.sync) == nil)
    }

    @Test func lookingWhetherALockIsHeldNeitherTakesItNorKeepsOthersFromIt() throws {
        let files = try ScratchFolder.kept()
        #expect(try !SyncLock.isHeld(files.sync))
        let lock = try #require(try SyncLock.acquire(files.sync))
        let owner = try SyncLock.owner(files.sync)
        #expect(try SyncLock.isHeld(files.sync) && SyncLock.isHeld(files.sync))
        lock.release()
        #expect(try !SyncLock.isHeld(files.sync) && SyncLock.owner(files.sync) == owner)
        let path = files.sync.folder + "/lock"
        let child = try Child.holding(path)
        #expect(try SyncLock.isHeld(files.sync))
        child.end()
        #expect(try !SyncLock.isHeld(files.sync))
        #expect(try SyncLock.acquire(files.sync) != nil)
    }

    @Test func whoWantsTheLockIsNotTurnedAwayByOneWhoLooks() async throws {
        let files = try ScratchFolder.kept()
        _ = try SyncLock.acquire(files.sync)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<2_000 { _ = try SyncLock.isHeld(files.sync) }
            }
            for _ in 0..<300 {
                let lock = try #require(try SyncLock.acquire(files.sync))
                lock.release()
            }
            try await group.waitForAll()
        }
    }

    @Test func lockOfAnotherProcessIsRespectedUntilItEnds() throws {
        let files = try ScratchFolder.kept()
        let lock = try #require(try SyncLock.acquire(files.sync))
        lock.release()
        let path = files.sync.folder + "/lock"
        let child = try Child.holding(path)
        #expect(try SyncLock.acquire(files.sync) == nil)
        child.end()
        #expect(try SyncLock.acquire(files.sync) != nil)
    }
}

/// Another process that holds a lock: util-linux's flock around a cat that waits for its input to end.
final class Child {
    private let process: pid_t
    private let input: Int32

    private init(process: pid_t, input: Int32) {
        self.process = process
        self.input = input
    }

    static func holding(_ path: String) throws -> Child {
        var (input, output) = ([Int32](repeating: 0, count: 2), [Int32](repeating: 0, count: 2))
        guard pipe(&input) == 0, pipe(&output) == 0 else { throw ScratchFailure(number: errno) }
        for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let words = ["/usr/bin/flock", path, "/bin/sh", "-c", "echo held; read line"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let failed = posix_spawn(&process, words[0], &actions, nil, &arguments, environ)
        close(input[0])
        close(output[1])
        defer { close(output[0]) }
        guard failed == 0 else { throw ScratchFailure(number: failed) }
        var byte: UInt8 = 0
        guard read(output[0], &byte, 1) == 1 else { throw ScratchFailure(number: errno) }
        return Child(process: process, input: input[1])
    }

    func end() {
        close(input)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}
