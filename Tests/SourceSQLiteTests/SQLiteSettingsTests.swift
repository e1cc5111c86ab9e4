import ConnectorKit
import SourceSQLite
import Testing

@Suite struct SQLiteSettingsTests {
    private func code(_ texts: [String: String]) -> String? {
        do throws(ConnectorError) {
            _ = try SQLiteSource.type.make(ConnectorSettings(name: "local", texts: texts))
            return nil
        } catch {
            #expect(error.message.contains("local") && !error.hint.isEmpty)
            return error.code
        }
    }

    @Test func pathAndTimeoutAreRead() throws {
        let given = ConnectorSettings(name: "local", texts: ["path": "/a.db", "busy_timeout_seconds": "30"])
        #expect(try SQLiteSettings(given) == SQLiteSettings(path: "/a.db", busyTimeoutSeconds: 30))
        #expect(try SQLiteSettings(ConnectorSettings(name: "local", texts: ["path": "/a.db"])).busyTimeoutSeconds == 5)
    }

    @Test func settingsThatCannotBeUsedAreRefused() {
        #expect(code([:]) == "setting_missing")
        #expect(code(["path": ""]) == "setting_missing")
        #expect(code(["path": "a\u{0}b"]) == "setting_invalid")
        #expect(code(["path": "/a", "busy_timeout_seconds": "soon"]) == "setting_invalid")
        #expect(code(["path": "/a", "busy_timeout_seconds": "601"]) == "setting_invalid")
        #expect(code(["path": "/a", "busy_timeout_seconds": "-1"]) == "setting_invalid")
        #expect(code(["path": "/a", "busy_timeout_seconds": "0"]) == nil)
    }

    @Test func declarationNamesEverySetting() {
        let declaration = SQLiteSource.type.declaration
        #expect(declaration.type == "sqlite" && declaration.displayName == "SQLite")
        #expect(declaration.settings.map(\.name) == ["path", "busy_timeout_seconds"])
        #expect(declaration.settings.map(\.isRequired) == [true, false])
        #expect(declaration.settings[1].defaultValue == "5")
    }
}
