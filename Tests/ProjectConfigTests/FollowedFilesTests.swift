import Foundation
import ProjectConfig
import Testing

/// When the files of a project are read again.
@Suite struct FollowedFilesTests {
    private let project: TemporaryProject
    private let loader: ProjectLoader

    init() throws {
        project = try TemporaryProject([
            "sluice.yaml": Sample.project + "include: [more.yaml, 'syncs/*.yaml']\n", "more.yaml": "sources: {}\n",
        ])
        loader = ProjectLoader(environment: [:], workingDirectory: project.directory)
    }

    private func write(_ text: String, to name: String = "sluice.yaml") throws {
        try project.write(Data(text.utf8), to: name)
    }

    /// Written aside and put in the place of the old one, with the old one's time.
    private func replace(_ name: String, with text: String) throws {
        let path = project.directory + "/" + name
        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
        try write(text, to: name + ".new")
        try FileManager.default.setAttributes([.modificationDate: date as Any], ofItemAtPath: path + ".new")
        guard rename(path + ".new", path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private func age(_ name: String, _ seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: project.directory + "/" + name)
    }

    @Test func aFileThatStaysAsItIsIsNotReadAgain() {
        let places = loader.places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        for _ in 1...3 { #expect(followed.finding(places.look()) == .unchanged) }
    }

    @Test func aChangedFileIsReadOnceItIsStill() throws {
        try age("sluice.yaml", 1_000)
        let places = loader.places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        // Written bit by bit: each look finds another file.
        for size in 1...3 {
            try write(String(repeating: "#", count: size))
            #expect(followed.finding(places.look()) == .changing)
        }
        #expect(followed.finding(places.look()) == .changed)
        followed = FollowedFiles(read: places.look())
        #expect(followed.finding(places.look()) == .unchanged)
    }

    @Test func aFileInTheOldOnesPlaceIsAnotherAlsoWithItsTimeAndLength() throws {
        let places = loader.places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        let text = try String(contentsOfFile: project.directory + "/sluice.yaml", encoding: .utf8)
        try replace("sluice.yaml", with: text.replacing("account_name", with: "account_nama"))
        #expect(followed.finding(places.look()) == .changing)
        #expect(followed.finding(places.look()) == .changed)
    }

    @Test(arguments: ["more.yaml", "syncs/new.yaml", ".env", ".env.test"])
    func whatTheProjectFileNamesIsFollowedToo(_ name: String) throws {
        let places = loader.places("sluice.yaml", environmentName: "test")
        var followed = FollowedFiles(read: places.look())
        try write("# another content\n", to: name)
        #expect(followed.finding(places.look()) == .changing)
        #expect(followed.finding(places.look()) == .changed)
        try write("# of no matter\n", to: "notes.txt")
        followed = FollowedFiles(read: places.look())
        #expect(followed.finding(places.look()) == .unchanged)
    }

    @Test func anIncludedFileThatIsNotThereIsWaitedFor() throws {
        try write(Sample.project + "include: later.yaml\n")
        let places = loader.places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        #expect(followed.finding(places.look()) == .unchanged)
        try write("sources: {}\n", to: "later.yaml")
        _ = followed.finding(places.look())
        #expect(followed.finding(places.look()) == .changed)
    }

    @Test func aProjectWithErrorsIsFollowedInAllItsFiles() throws {
        try write(Sample.project + "include: broken.yaml\nnonsense: 1\n")
        try write("sources: [", to: "broken.yaml")
        let places = loader.places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        try write("sources: {}\n", to: "broken.yaml")
        _ = followed.finding(places.look())
        #expect(followed.finding(places.look()) == .changed)
    }

    @Test func aProjectFileThatIsGoneIsNoNewProject() throws {
        let places = loader.places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        let path = project.directory + "/sluice.yaml"
        try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
        #expect(followed.finding(places.look()) == .changing)
        #expect(followed.finding(places.look()) == .gone)
        #expect(followed.finding(places.look()) == .gone)
        try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
        #expect(followed.finding(places.look()) == .unchanged)
    }

    @Test func aProjectFileThatAppearsIsRead() throws {
        let empty = try TemporaryProject()
        let places = ProjectLoader(environment: [:], workingDirectory: empty.directory).places("sluice.yaml")
        var followed = FollowedFiles(read: places.look())
        #expect(followed.finding(places.look()) == .unchanged)
        try empty.write(Data("version: 1\n".utf8), to: "sluice.yaml")
        #expect(followed.finding(places.look()) == .changing)
        #expect(followed.finding(places.look()) == .changed)
    }
}
