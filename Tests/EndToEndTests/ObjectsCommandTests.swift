import Testing

/// `sluice objects` tells what is declared of an object.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ObjectsCommandTests {
    @Test func objectsTellsWhatOneRequestMayCarry() async throws {
        let project = try await CompanyProject()
        let text = try await project.sluice("objects", "planhat", "company").output
        #expect(
            text.contains("limits: 5,000 rows and 8,388 kB in a request; 1,048 kB in a row; 1 removal in a request"),
            "\(text)")
        let company = try await project.sluice("objects", "planhat", "company", "--json").json()["limits"]
        #expect(company["rows_max"].int == 5_000 && company["bytes_max"].int == 8 << 20)
        #expect(company["row_bytes_max"].int == 1 << 20 && company["removals_max"].int == 1)
        let metric = try await project.sluice("objects", "planhat", "metric", "--json").json()["limits"]
        #expect(metric["rows_max"].int == 50_000 && metric["bytes_max"].int == 24 << 20)
        #expect(metric.keys == ["rows_max", "bytes_max", "row_bytes_max", "sends_max", "removals_max"])
        #expect(metric["removals_max"].int == nil && metric["sends_max"].int == 50_000)
        let note = try await project.sluice("objects", "planhat", "note", "--json").json()["limits"]
        #expect(note["sends_max"].int == 1 && note["removals_max"].int == 1 && company["sends_max"].int == nil)
    }
}
