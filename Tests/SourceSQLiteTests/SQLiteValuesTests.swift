import ConnectorKit
import Records
import SourceSQLite
import Testing

@Suite struct SQLiteValuesTests {
    /// The cells of one column that holds those SQL expressions, in order.
    private func cells(_ declared: String, _ expressions: [String]) async throws -> [Value] {
        let values = expressions.enumerated().map { "(\($0.offset), \($0.element))" }.joined(separator: ",")
        let database = try TestDatabase("CREATE TABLE t(n INTEGER, c \(declared)); INSERT INTO t VALUES \(values)")
        let rows = try await database.source.read(sql: "SELECT c FROM t ORDER BY n").rows
        return rows.map { $0[0] }
    }

    @Test func everyStorageClassHasItsKindInOneColumn() async throws {
        let read = try await cells("", ["NULL", "1", "-9223372036854775808", "1.5", "'text'", "x'00ff'", "''", "x''"])
        #expect(
            read == [
                .null, .integer(1), .integer(.min), .double(1.5), .text("text"), .bytes([0, 255]), .text(""),
                .bytes([]),
            ])
    }

    @Test func integerColumnsKeepWhatIsNoInteger() async throws {
        let read = try await cells("INTEGER", ["'7'", "'seven'", "7.5", "x'37'"])
        #expect(read == [.integer(7), .text("seven"), .double(7.5), .bytes([0x37])])
    }

    @Test func realsAreKeptAsStored() async throws {
        let read = try await cells("REAL", ["1", "9e999", "-9e999", "-0.0", "0.1", "1e300"])
        #expect(
            read == [.double(1), .double(.infinity), .double(-.infinity), .double(0), .double(0.1), .double(1e300)])
    }

    @Test func booleanColumnsHoldFlagsWhereTheNumberIsZeroOrOne() async throws {
        let read = try await cells("BOOLEAN", ["0", "1", "2", "-1", "'true'", "NULL", "TRUE", "0.5"])
        #expect(
            read == [
                .boolean(false), .boolean(true), .integer(2), .integer(-1), .text("true"), .null, .boolean(true),
                .double(0.5),
            ])
        #expect(try await cells("bool", ["1"]) == [.boolean(true)])
        #expect(try await cells("INTEGER", ["1"]) == [.integer(1)])
    }

    @Test(arguments: ["DATE", "DATETIME", "TIMESTAMP", "timestamp(3)", "TIMESTAMP WITH TIME ZONE", "timestamptz"])
    func dateColumnsReadWhatTheTextSays(declared: String) async throws {
        let read = try await cells(
            declared,
            [
                "'1970-01-02'", "'1970-01-01 00:00:01'", "'1970-01-01T00:00:01.000002'", "'1970-01-01T01:00:00+01:00'",
                "'1970-01-01 00:00:00Z'", "'1970-01-01 00:01'", "'1969-12-31 23:59:59'",
            ])
        #expect(
            read == [
                .date(1), .localTimestamp(1_000_000), .localTimestamp(1_000_002), .timestamp(0), .timestamp(0),
                .localTimestamp(60_000_000), .localTimestamp(-1_000_000),
            ])
    }

    @Test(arguments: [
        "today", "2024-02-30", "2024-13-01", "2024-1-1", "0000-01-01", "2024-01-01 ", "2024-01-01T", "2024-01-01 25:00",
        "2024-01-01 00:00:00.1234567", "2024-01-01 00:00:00 +01:00", "0001-01-01T00:00:00+05:00", "2024-01-01x", "",
        "2024-01-01 00:00:60", "2024-01-01 00:00:00.", "9999-12-31T23:59:59-01:00",
    ])
    func dateColumnsKeepOtherTextAsText(text: String) async throws {
        #expect(try await cells("DATETIME", ["'\(text)'"]) == [.text(text)])
    }

    @Test func fractionsOfZeroesBeyondMicrosecondsAreExact() async throws {
        let read = try await cells("DATETIME", ["'1970-01-01 00:00:00.123456000'", "'1970-01-01T00:00:00.5000000Z'"])
        #expect(read == [.localTimestamp(123_456), .timestamp(500_000)])
    }

    @Test func numbersInDateColumnsStayNumbers() async throws {
        let read = try await cells("DATETIME", ["1700000000", "2460000.5"])
        #expect(read == [.integer(1_700_000_000), .double(2_460_000.5)])
    }

    @Test func textColumnsNeverGuessDates() async throws {
        #expect(try await cells("TEXT", ["'2024-01-01'"]) == [.text("2024-01-01")])
    }

    @Test func decimalColumnsKeepIntegersAndReals() async throws {
        let read = try await cells("DECIMAL(12,2)", ["'12.50'", "3", "'abc'"])
        #expect(read == [.double(12.5), .integer(3), .text("abc")])
        #expect(try await cells("NUMERIC", ["'12'"]) == [.integer(12)])
    }

    @Test func jsonColumnsHoldDocumentsAndOtherText() async throws {
        let read = try await cells("JSON", ["'{\"a\": [1, null]}'", "'{a: 1}'", "'\"x\"'", "''"])
        #expect(read == [.json("{\"a\": [1, null]}"), .text("{a: 1}"), .json("\"x\""), .text("")])
    }

    @Test func invalidUTF8IsAReasonAndDoesNotEndTheScan() async throws {
        let read = try await cells("TEXT", ["CAST(x'6162636465666768ff' AS TEXT)", "'after'"])
        guard case .unreadable(let reason) = read[0] else {
            Issue.record("\(read[0])")
            return
        }
        #expect(reason.code == "invalid_utf8")
        #expect(reason.message.contains("byte 8") && reason.message.contains("column c"))
        #expect(!reason.hint.isEmpty)
        #expect(read[1] == .text("after"))
    }

    @Test func textIsReadByItsLengthBeyondANul() async throws {
        #expect(try await cells("TEXT", ["CAST(x'610062' AS TEXT)"]) == [.text("a\u{0}b")])
    }

    @Test func textOfManyScriptsArrivesUnchanged() async throws {
        let text = "Åsa 🙂 日本語 ‎עברית e\u{301}"
        #expect(try await cells("TEXT", ["'\(text)'"]) == [.text(text)])
    }

    @Test(arguments: ["UTF-16le", "UTF-16be"])
    func databasesInUTF16AreConverted(encoding: String) async throws {
        let database = try TestDatabase(
            "PRAGMA encoding = '\(encoding)'; CREATE TABLE \"tå\"(\"ö\" TEXT); INSERT INTO \"tå\" VALUES ('é🙂'), ('')")
        let read = try await database.source.read(table: "tå")
        #expect(read.columns.map(\.name) == ["ö"])
        #expect(read.rows == [[.text("é🙂")], [.text("")]])
    }

    @Test func hugeValueIsAReasonAndDoesNotEndTheScan() async throws {
        let database = try TestDatabase()
        let sql = "SELECT 1 AS a, zeroblob(67108865) AS b UNION ALL SELECT 2, zeroblob(2)"
        let rows = try await database.source.read(sql: sql).rows
        guard case .unreadable(let reason) = rows[0][1] else {
            Issue.record("not unreadable")
            return
        }
        #expect(reason.code == "value_too_large")
        #expect(reason.message.contains("67108865"))
        #expect(rows[0][0] == .integer(1))
        #expect(rows[1] == [.integer(2), .bytes([0, 0])])
    }

    @Test(arguments: [
        ("INTEGER", ColumnType.integer), ("bigint", .integer), ("VARCHAR(20)", .text), ("clob", .text),
        ("BLOB", .bytes), ("REAL", .double), ("DOUBLE PRECISION", .double), ("BOOLEAN", .boolean), ("DATE", .date),
        ("DATETIME", .localTimestamp), ("TIMESTAMP", .localTimestamp), ("TIMESTAMP WITH TIME ZONE", .timestamp),
        ("TIMESTAMP WITHOUT TIME ZONE", .localTimestamp), ("DECIMAL(10,2)", .decimal), ("NUMERIC", .decimal),
        ("JSON", .json), ("", .any), ("STRING", .any), ("POINT", .integer),
    ])
    func declaredTypeGivesTheColumnsType(declared: String, type: ColumnType) async throws {
        let database = try TestDatabase("CREATE TABLE t(c \(declared))")
        let columns = try await database.source.columns(of: .table(schema: nil, name: "t"))
        #expect(columns == [Column(name: "c", type: type, declaredType: declared)])
    }
}
