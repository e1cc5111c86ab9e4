import ConnectorKit
import DestinationPlanhat
import Foundation
import ProjectConfig
import Records
import TestKit
import Testing

/// Answers of a server, and files that people write.
struct ForeignTextFuzzTests {
    static func corpusPath(_ kind: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().path + "/Corpus/" + kind
    }

    static func corpus(_ kind: String) throws -> [[UInt8]] {
        let folder = corpusPath(kind)
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
            try FuzzFolder.read(folder + "/" + $0)
        }
    }

    /// A batch has an outcome for each operation, or a number that fits, or an error with a code: whatever was answered.
    @Test func answersToWrites() throws {
        let objects = [PlanhatObjects.company, PlanhatObjects.endUser, PlanhatObjects.metric]
        try Fuzz(name: "answers", corpus: try Self.corpus("answers")).run(usually: 6_000) { bytes, random in
            let status = [200, 200, 206, 400, 403, 409, 422, 429, 500, 301].randomElement(using: &random) ?? 200
            let object = objects.randomElement(using: &random) ?? PlanhatObjects.company
            var batch = OperationBatch(kind: .upsert, keyField: "externalId")
            for key in 1...random.number(1...4) {
                batch.append(key: String(key), payload: #"{"externalId":"\#(key)","name":"Company \#(key)"}"#)
            }
            batch.wantsIDs = random.chance(percent: 30)
            do throws(DestinationError) {
                let answer = PlanhatAnswer(status: status, body: bytes)
                let read = object.name == "metric" ? AnalyticsResponse.outcome : PlanhatResponse.outcome
                let outcome = try read(batch, object, answer, "https://api.planhat.com")
                switch outcome {
                case .attributed(let outcomes, let tally):
                    #expect(outcomes.count == batch.count)
                    #expect(tally.created >= 0 && tally.updated >= 0 && tally.created + tally.updated <= batch.count)
                    #expect(tally.ids.isEmpty || tally.ids.count == batch.count)
                case .unattributed(let failed, _, let tally):
                    #expect((1...batch.count).contains(failed))
                    #expect(tally.created >= 0 && tally.updated >= 0)
                }
            } catch {
                #expect(!error.code.isEmpty && !error.message.isEmpty && !error.hint.isEmpty)
            }
        }
    }

    /// What is read is read again the same.
    @Test func texts() throws {
        try Fuzz(name: "json", corpus: try Self.corpus("answers")).run(usually: 20_000) { bytes, _ in
            guard let value = DestinationPlanhat.JSONReader.valueIfAny(bytes) else { return }
            #expect(DestinationPlanhat.JSONReader.valueIfAny(bytes) == value)
        }
    }

    /// A project, or diagnostics that each say where and what to do.
    @Test func projectFiles() throws {
        let folder = try FuzzFolder()
        let loader = ProjectLoader(environment: ["KEY": "value"], workingDirectory: folder.path)
        let catalog = ConnectorCatalog(
            sources: [Self.source], destinations: [PlanhatDestination.type])
        try Fuzz(name: "project", corpus: try Self.corpus("projects")).run(usually: 1_500) { bytes, _ in
            try folder.write(bytes, "sluice.yaml")
            let (loaded, diagnostics) = loader.check(folder.path + "/sluice.yaml", catalog: catalog)
            #expect(loaded != nil || diagnostics.contains { $0.severity == .error })
            for diagnostic in diagnostics { #expect(!diagnostic.code.isEmpty && !diagnostic.message.isEmpty) }
        }
    }

    @Test func environmentFiles() throws {
        let text = "A=1\nexport B=\"two\\n\"\n# c\nC='three ${A}'\nD=\n  E = f # g\n"
        try Fuzz(name: "environment", corpus: [Array(text.utf8)]).run(usually: 5_000) { bytes, _ in
            _ = EnvironmentFile(String(decoding: bytes, as: UTF8.self), file: ".env")
        }
    }

    private static let source = SourceType(
        ConnectorDeclaration(
            type: "sqlite", displayName: "SQLite",
            settings: [SettingDeclaration("path", .path, isRequired: true, help: "The file.", example: "data.db")])
    ) { _ throws(ConnectorError) in
        throw ConnectorError(code: "unused", message: "Unused.", hint: "Unused.", disposition: .stop)
    }
}
