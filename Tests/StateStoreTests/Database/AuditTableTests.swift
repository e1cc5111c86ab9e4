import CSQLite
import StateStore
import Testing

@Suite struct AuditTableTests {
    @Test(arguments: ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"])
    func theDatabaseItselfRefusesToChangeTheLog(sql: String) throws {
        try ControlFixture.with { fixture in
            let database = try ControlDatabase.open(path: fixture.path)
            try database.record(audit: AuditRecord(at: noon, who: "eve", action: "runs.asked", subject: "run 1"))
            var handle: OpaquePointer?
            defer { sqlite3_close(handle) }
            #expect(sqlite3_open(fixture.path, &handle) == SQLITE_OK)
            #expect(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_CONSTRAINT)
            #expect(String(cString: sqlite3_errmsg(handle)) == "the audit log only grows")
            #expect(try database.audit(limit: 10).map(\.who) == ["eve"])
        }
    }
}
