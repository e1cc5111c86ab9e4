import Runner
import SyncCore
import TestKit
import Testing

@Suite struct StoredMarksTests {
    @Test func marksInAFileAreThoseOfMemoryAndLeaveNothingBehind() throws {
        let fixture = try RunFixture([])
        let before = try Files.listing(fixture.folder)
        let stored = try StoredMarks.table(of: 100_003, directory: fixture.folder, wordsInMemoryMax: 0)
        let model = SeenTable(count: 100_003)
        #expect(stored.unseenCount == 100_003)
        var random = SeededRandom(seed: 5)
        for _ in 0..<50_000 {
            let index = Int32(random.number(0...100_002))
            let mark = SeenTable.Mark(rawValue: UInt8(random.number(0...7))) ?? .unseen
            stored[index] = mark
            model[index] = mark
        }
        #expect((0..<Int32(100_003)).allSatisfy { stored[$0] == model[$0] })
        #expect(stored.unseenCount == model.unseenCount)
        #expect(try Files.listing(fixture.folder) == before)
    }

    @Test func aFolderThatIsNotThereIsAnErrorOfTheState() {
        #expect(throws: (any Error).self) {
            try StoredMarks.table(of: 100, directory: "/nonexistent/folder", wordsInMemoryMax: 0)
        }
        #expect(throws: Never.self) { try StoredMarks.table(of: 100, directory: "/nonexistent/folder") }
    }
}
