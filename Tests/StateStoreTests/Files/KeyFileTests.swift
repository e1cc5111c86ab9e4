import Records
import StateStore
import Testing

/// The texts and ids of keys, for syncs that remove records.
@Suite struct KeyFileTests {
    private static func batch(_ numbers: some Sequence<Int>) -> OperationBatch {
        var batch = OperationBatch(kind: .upsert, keyField: "externalId")
        for number in numbers {
            batch.append(key: "acct-\(number)", payload: "{}", keyHash: key(number), rowHash: row(number))
        }
        return batch
    }

    /// A run that accepted these and whose log was taken in.
    private static func run(_ files: SyncFiles, _ run: Int64, _ numbers: [Int], ids: [String?]) throws {
        let log = try KeyLog.open(files)
        try log.append(keysOf: batch(numbers))
        try log.append(ids: ids, of: batch(numbers))
        try files.run(run, [numbers.map { (key($0), row($0), .set) }])
        _ = try files.closeRun(run)
        try KeyFile.close(files)
    }

    @Test func noFileKnowsNothing() throws {
        let files = try ScratchFolder.kept()
        #expect(try KeyFile.open(files.sync) == nil)
        try KeyFile.close(files.sync)
        #expect(try KeyFile.open(files.sync) == nil)
    }

    @Test func keysAreFoundByHashWithTheirIDs() throws {
        let files = try ScratchFolder.kept()
        let numbers = (0..<3_000).shuffled()
        try Self.run(files.sync, 1, numbers, ids: numbers.map { $0 % 2 == 0 ? "id\($0)" : nil })
        let names = try #require(try KeyFile.open(files.sync))
        #expect(names.count == 3_000)
        for number in numbers {
            let found = try #require(names.find(key(number)))
            #expect(found.key == "acct-\(number)" && found.id == (number % 2 == 0 ? "id\(number)" : ""))
        }
        #expect(names.find(key(3_000)) == nil)
        #expect(try RawFile.mode(files.sync.folder + "/keys") == 0o600)
    }

    @Test func laterRunsAddAndAnIDThatIsNotToldAgainStays() throws {
        let files = try ScratchFolder.kept()
        try Self.run(files.sync, 1, [1, 2], ids: ["one", nil])
        try Self.run(files.sync, 2, [1, 2, 3], ids: [nil, "two", nil])
        let names = try #require(try KeyFile.open(files.sync))
        #expect(names.count == 3 && names.find(key(1))?.id == "one" && names.find(key(2))?.id == "two")
        #expect(names.find(key(3))?.id == "")
    }

    @Test func whatIsNoLongerKnownIsLeftOut() throws {
        let files = try ScratchFolder.kept()
        try Self.run(files.sync, 1, [1, 2], ids: [nil, nil])
        let log = try KeyLog.open(files.sync)
        try log.append(keysOf: Self.batch([3]))
        try files.sync.run(2, [[(key(1), row(1), .remove), (key(3), row(3), .set)]])
        _ = try files.sync.closeRun(2)
        try KeyFile.close(files.sync)
        let names = try #require(try KeyFile.open(files.sync))
        #expect(names.find(key(1)) == nil && names.find(key(2)) != nil && names.find(key(3)) != nil)
    }

    @Test func aTornLogKeepsItsWholePieces() throws {
        let files = try ScratchFolder.kept()
        let log = try KeyLog.open(files.sync)
        try log.append(keysOf: Self.batch([1]))
        try log.append(keysOf: Self.batch([2]))
        let path = files.sync.folder + "/keys.log"
        let whole = try RawFile.read(path)
        try RawFile.write(path, Array(whole.dropLast(3)))
        let again = try KeyLog.open(files.sync)
        try again.append(keysOf: Self.batch([3]))
        try KeyFile.close(files.sync)
        let names = try #require(try KeyFile.open(files.sync))
        #expect(names.find(key(1)) != nil && names.find(key(2)) == nil && names.find(key(3)) != nil)
    }

    @Test(arguments: [StepName.keysWritten, .keysRenamed]) func aKilledCloseIsDoneAgain(step: StepName) throws {
        let files = try ScratchFolder.kept()
        try Self.run(files.sync, 1, [1], ids: ["one"])
        let log = try KeyLog.open(files.sync)
        try log.append(keysOf: Self.batch([2]))
        try files.sync.run(2, [[(key(2), row(2), .set)]])
        _ = try files.sync.closeRun(2)
        for steps in [StepCounter.kill(at: step), StepCounter.diskFull(at: step), StepCounter.tear(step, bytes: 30)] {
            let failing = SyncFiles(name: "companies", folder: files.sync.folder, steps: steps)
            #expect(throws: (any Error).self) { try KeyFile.close(failing) }
            #expect(try KeyFile.open(files.sync)?.find(key(1))?.id == "one")
        }
        try KeyFile.close(files.sync)
        #expect(try KeyFile.open(files.sync)?.count == 2)
    }

    @Test func aDamagedFileCountsAsNone() throws {
        let files = try ScratchFolder.kept()
        try Self.run(files.sync, 1, [1, 2, 3], ids: [nil, nil, nil])
        let path = files.sync.folder + "/keys"
        let good = try RawFile.read(path)
        for offset in good.indices {
            var bad = good
            bad[offset] ^= 2
            try RawFile.write(path, bad)
            #expect(try KeyFile.open(files.sync) == nil, "byte \(offset)")
        }
        try RawFile.write(path, Newer.version(of: good))
        #expect(code { _ = try KeyFile.open(files.sync) } == "state_newer")
    }

    @Test func oneKeyCanBeForgotten() throws {
        let files = try ScratchFolder.kept()
        try Self.run(files.sync, 1, [1, 2], ids: ["one", "two"])
        #expect(try KeyFile.remove(key(1), from: files.sync))
        #expect(try !KeyFile.remove(key(1), from: files.sync))
        let names = try #require(try KeyFile.open(files.sync))
        #expect(names.count == 1 && names.find(key(2))?.id == "two")
    }
}
