import Glibc
import StateStore
import Testing

@Suite struct SharedFolderTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private var place: String { scratch.path + "/states/sluice/limits" }

    @Test func itIsMadeForItsOwnerAlone() throws {
        let folder = try SharedFolder(path: place + "/")
        #expect(folder.path == place)
        #expect(try RawFile.mode(place) == 0o700)
        #expect(try SharedFolder(path: place).path == place)
    }

    @Test(arguments: [0o755, 0o770, 0o701] as [mode_t]) func oneThatOthersMayEnterIsRefused(mode: mode_t) throws {
        #expect(mkdir(scratch.path + "/open", 0o700) == 0 && chmod(scratch.path + "/open", mode) == 0)
        #expect(code { _ = try SharedFolder(path: scratch.path + "/open") } == "limits_not_shared")
    }

    @Test func aLinkIsRefusedWhereverItLeads() throws {
        #expect(mkdir(scratch.path + "/real", 0o700) == 0)
        #expect(symlink(scratch.path + "/real", scratch.path + "/link") == 0)
        #expect(code { _ = try SharedFolder(path: scratch.path + "/link") } == "limits_not_shared")
        #expect(code { _ = try SharedFolder(path: scratch.path + "/real") } == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a folder to somebody else"))
    func thatOfAnotherUserIsRefused() throws {
        #expect(mkdir(scratch.path + "/theirs", 0o700) == 0 && chown(scratch.path + "/theirs", 65_534, 65_534) == 0)
        #expect(code { _ = try SharedFolder(path: scratch.path + "/theirs") } == "limits_not_shared")
    }

    @Test(arguments: ["limits", "./limits", "", "/dev/null/limits", "/proc/sluice/limits"])
    func aPlaceWhereNoneCanBeIsTold(path: String) {
        #expect(code { _ = try SharedFolder(path: path) } == "limits_not_shared")
    }

    @Test func whatNobodyUsesAnyMoreIsSweptAndNothingElse() throws {
        let folder = try SharedFolder(path: place)
        func make(_ name: String, idleSeconds: Int) throws {
            try RawFile.write(place + "/" + name, [1])
            let then = timespec(tv_sec: time(nil) - idleSeconds, tv_nsec: 0)
            #expect(utimensat(AT_FDCWD, place + "/" + name, [then, then], 0) == 0)
        }
        try make("account-1-old", idleSeconds: 100_000)
        try make("account-1-held", idleSeconds: 100_000)
        try make("account-1-young", idleSeconds: 10)
        try make("other", idleSeconds: 100_000)
        let held = try #require(try WriteTurn(path: place + "/account-1-held").take())
        folder.sweep(prefix: "account-1-", idleSeconds: 86_400)
        held.release()
        #expect(ScratchFolder.names(place) == ["account-1-held", "account-1-young", "other"])
    }
}

@Suite struct SharedNumberTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private var path: String { scratch.path + "/number" }

    private func add(_ more: Int64) throws -> Int64 {
        try SharedNumber(path: path, patience: .milliseconds(50)).update { number in
            number += more
            return number
        }
    }

    @Test func whoeverAsksSeesWhatTheLastOneLeft() throws {
        #expect(try add(3) == 3)
        #expect(try add(4) == 7)
        #expect(try RawFile.read(path).count == 8 && RawFile.mode(path) == 0o600)
    }

    /// What is read is a number whatever stands there; whoever uses it judges it.
    @Test(arguments: [0, 1, 7, 8, 9, 4_096]) func somethingElseInTheFileIsTolerated(bytes: Int) throws {
        try RawFile.write(path, (0..<bytes).map { UInt8(truncatingIfNeeded: $0 * 37 + 1) })
        _ = try SharedNumber(path: path).update { $0 = 5 }
        #expect(try add(1) == 6)
    }

    @Test func aLinkIsNotFollowedAndAFolderIsTold() throws {
        try RawFile.write(scratch.path + "/precious", [1, 2, 3])
        #expect(symlink(scratch.path + "/precious", path) == 0)
        #expect(code { _ = try add(1) } == "state_unwritable")
        #expect(try RawFile.read(scratch.path + "/precious") == [1, 2, 3])
        #expect(unlink(path) == 0 && mkdir(path, 0o700) == 0)
        #expect(code { _ = try add(1) } == "state_unwritable")
    }

    @Test func aProcessThatIsStoppedWithTheLockHoldsNobodyForEver() throws {
        #expect(try add(1) == 1)
        let held = try #require(try WriteTurn(path: path).take())
        #expect(code { _ = try add(1) } == "state_unwritable")
        held.release()
        #expect(try add(1) == 2)
    }
}
