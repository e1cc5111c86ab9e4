import ConnectorKit
import Foundation
import Records
import SourcePostgres
import Testing

/// Every type as a real server sends it.
@Suite(.enabled(if: TestServer.isConfigured, TestServer.skipText))
struct TypeTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var sql: String
        var value: Value
        var testDescription: String { sql.count > 60 ? String(sql.prefix(60)) + "..." : sql }

        init(_ sql: String, _ value: Value) {
            self.sql = sql
            self.value = value
        }
    }

    @Test(arguments: [
        Example("true", .boolean(true)), Example("false", .boolean(false)), Example("null::bool", .null),
        Example("'-32768'::int2", .integer(-32_768)), Example("2147483647::int4", .integer(2_147_483_647)),
        Example("'-9223372036854775808'::int8", .integer(.min)), Example("4294967295::oid", .integer(4_294_967_295)),
        Example("0.1::float4", .double(0.1)), Example("16777217::float4", .double(16_777_216)),
        Example("'1e38'::float4", .double(1e38)), Example("'-Infinity'::float4", .double(-.infinity)),
        Example("0.1::float8", .double(0.1)), Example("'Infinity'::float8", .double(.infinity)),
        Example("'-0'::float8", .double(0)), Example("12.5::money", .decimal("12.5")),
    ])
    func numbersAreRead(_ example: Example) async throws {
        #expect(try await TestServer.row("select \(example.sql) as v") == [example.value])
    }

    @Test func theRolesTimeZoneChangesNoText() async throws {
        let sql = """
            select tstzrange('2026-01-01 00:00Z', '2026-01-02 00:00Z') as r, '2026-01-01 12:00Z'::timestamptz::text as t
            """
        try await TestServer.withSchema { schema in
            let role = try schema.makeRole("tokyo")
            let plain = try await TestServer.read(try TestServer.source(["user": role]), .query(sql))
            try schema.run("alter role \(role) set timezone to 'Asia/Tokyo'")
            let moved = try await TestServer.read(try TestServer.source(["user": role]), .query(sql))
            #expect(moved == plain && moved.first?.last == .text("2026-01-01 12:00:00+00"))
        }
    }

    @Test func nanIsRead() async throws {
        guard case .double(let number) = try await TestServer.row("select 'NaN'::float8 as v")[0] else {
            Issue.record("not a double")
            return
        }
        #expect(number.isNaN)
    }

    @Test(arguments: [
        Example("0", .decimal("0")), Example("0.000", .decimal("0")), Example("'-0.0'", .decimal("0")),
        Example("1.500", .decimal("1.5")), Example("-12345678.90", .decimal("-12345678.9")),
        Example("0.000001", .decimal("0.000001")), Example("1e-20", .decimal("0.00000000000000000001")),
        Example("1e20", .decimal("100000000000000000000")), Example("10000", .decimal("10000")),
        Example("9999.9999", .decimal("9999.9999")), Example("10000.0001", .decimal("10000.0001")),
        Example("'NaN'", .decimal("NaN")), Example("'Infinity'", .decimal("Infinity")),
        Example("'-Infinity'", .decimal("-Infinity")),
        Example(
            "(repeat('7', 1000) || '.' || repeat('3', 1000))",
            .decimal(
                String(repeating: "7", count: 1_000) + "." + String(repeating: "3", count: 1_000))),
        Example("('1' || repeat('0', 999))", .decimal("1" + String(repeating: "0", count: 999))),
    ])
    func numericIsExact(_ example: Example) async throws {
        #expect(try await TestServer.row("select (\(example.sql))::numeric as v") == [example.value])
    }

    @Test func numericEqualsTheServersOwnTextForRandomValues() async throws {
        let rows = try await TestServer.read(
            TestServer.source(),
            .query(
                """
                select v, trim_scale(v)::text as t from (
                  select ((random() - 0.5) * power(10, (random() * 30)::int))::numeric
                    * power(10::numeric, (random() * 40)::int - 25) as v
                  from generate_series(1, 2000)) x
                """))
        #expect(rows.count == 2_000)
        for row in rows { #expect(row[0].text == row[1].text) }
    }

    @Test(arguments: [
        Example("'it''s \"ä\" 日本 😀'::text", .text("it's \"ä\" 日本 😀")), Example("''::text", .text("")),
        Example("'ab  '::char(6)", .text("ab")), Example("'ab  '::varchar(6)", .text("ab  ")),
        Example("'a'::\"char\"", .text("a")), Example("'pg_class'::name", .text("pg_class")),
        Example("'literal'", .text("literal")),
        Example("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", .uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        Example("'{\"b\": 1,  \"a\": [1e2]}'::json", .json("{\"b\": 1,  \"a\": [1e2]}")),
        Example("'{\"b\": 1,  \"a\": [1.50]}'::jsonb", .json("{\"a\": [1.50], \"b\": 1}")),
        Example("'null'::jsonb", .json("null")), Example("'\\x00ff10'::bytea", .bytes([0, 255, 16])),
        Example("''::bytea", .bytes([])),
        Example("'10.1.2.3'::inet", .text("10.1.2.3")), Example("'10.1.2.3/8'::inet", .text("10.1.2.3/8")),
        Example("'10.0.0.0/8'::cidr", .text("10.0.0.0/8")), Example("'::1'::inet", .text("::1")),
        Example("'2001:db8:0:0:1:0:0:1/64'::inet", .text("2001:db8::1:0:0:1/64")),
        Example("'::ffff:1.2.3.4'::inet", .text("::ffff:1.2.3.4")), Example("'::'::inet", .text("::")),
        Example("'08:00:2b:01:02:03'::macaddr", .text("08:00:2b:01:02:03")),
        Example("B'101'::bit(3)", .text("101")), Example("B'10101'::varbit", .text("10101")),
        Example("'[1,5)'::int4range", .text("[1,5)")), Example("'(1,2)'::point", .text("(1,2)")),
        Example("'a b'::tsvector", .text("'a' 'b'")), Example("'<a>1</a>'::xml", .text("<a>1</a>")),
        Example("row(1, 'x')", .text("(1,x)")), Example("'pg_class'::regclass", .text("pg_class")),
        Example("'1 2'::int2vector", .text("1 2")), Example("'0/16B3748'::pg_lsn", .text("0/16B3748")),
    ])
    func textsAndDocumentsAreRead(_ example: Example) async throws {
        #expect(try await TestServer.row("select \(example.sql) as v") == [example.value])
    }

    @Test func addressesAreWrittenAsTheServerWritesThem() async throws {
        let rows = try await TestServer.read(
            TestServer.source(),
            .query(
                """
                select a, format('%s', a) as t from (select ('::'::inet + (case when i % 2 = 0 then 1 else 65536 end)
                * (random() * 1e13)::bigint) as a from generate_series(1, 300) i
                union all select ('1:2:3:4:5:6:7:8'::inet & ('ffff:0:ffff:0:ffff:ffff:0:0'::inet | ('::'::inet + i)))
                from generate_series(1, 300) i union all select '1:0:0:2:0:0:0:3'::inet) x
                """))
        for row in rows { #expect(row[0].text == row[1].text) }
    }

    @Test(arguments: [
        Example("'1970-01-01'::date", .date(0)), Example("'1969-12-31'::date", .date(-1)),
        Example("'2000-02-29'::date", .date(11_016)), Example("'infinity'::date", .date(.max)),
        Example("'-infinity'::date", .date(.min)), Example("'12:34:56.789'::time", .time(45_296_789_000)),
        Example("'24:00'::time", .time(86_400_000_000)), Example("'12:34:56.789+02'::timetz", .text("12:34:56.789+02")),
        Example("'1970-01-01 00:00:00'::timestamp", .localTimestamp(0)),
        Example("'1969-12-31 23:59:59.999999'::timestamp", .localTimestamp(-1)),
        Example("'2020-01-01 02:00:00+02'::timestamptz", .timestamp(1_577_836_800_000_000)),
        Example("'infinity'::timestamptz", .timestamp(.max)), Example("'-infinity'::timestamp", .localTimestamp(.min)),
        Example("'1 year -2 mons +3 days -04:05:06.007'::interval", .interval("P10M3DT-4H-5M-6.007S")),
        Example("'-1 day -0.5 seconds'::interval", .interval("P-1DT-0.5S")),
        Example("'0'::interval", .interval("PT0S")),
        Example("'100:00:00'::interval", .interval("PT100H")), Example("'-14 months'::interval", .interval("P-1Y-2M")),
    ])
    func datesAndTimesAreRead(_ example: Example) async throws {
        #expect(try await TestServer.row("select \(example.sql) as v") == [example.value])
    }

    @Test func yearsOutsideISOAreRead() async throws {
        let row = try await TestServer.row(
            """
            select '0044-03-15 BC'::date as a, '12020-01-01'::date as b, '0044-03-15 12:00 BC'::timestamp as c,
            '12020-01-01 00:00+00'::timestamptz as d, '294276-12-31 23:59:59'::timestamp as e
            """)
        #expect(row[0].text == "0044-03-15 BC")
        #expect(row[1].text == "12020-01-01")
        #expect(row[2].text == "0044-03-15T12:00:00 BC")
        #expect(row[3].text == "12020-01-01T00:00:00Z")
        guard case .unreadable(let reason) = row[4] else {
            Issue.record("an instant beyond 64 bits was read as \(row[4])")
            return
        }
        #expect(reason.code == "value_out_of_range")
    }

    @Test(arguments: [
        Example("'{1,null,3}'::int[]", .array("[1,null,3]")), Example("'{}'::int[]", .array("[]")),
        Example("'{{1,2},{3,4}}'::int8[]", .array("[[1,2],[3,4]]")),
        Example("'{{{1},{2}}}'::int2[]", .array("[[[1],[2]]]")), Example("'[5:6]={1,2}'::int[]", .array("[1,2]")),
        Example("array['a\"b', E'\\\\ \\n', null, 'ä']", .array("[\"a\\\"b\",\"\\\\ \\n\",null,\"ä\"]")),
        Example("'{1.50,NaN,0.000001}'::numeric[]", .array("[1.5,\"NaN\",0.000001]")),
        Example("'{0.1,Infinity,1e20}'::float8[]", .array("[0.1,\"Infinity\",1e+20]")),
        Example("'{0.1}'::float4[]", .array("[0.1]")), Example("'{t,f}'::bool[]", .array("[true,false]")),
        Example("array['{\"a\": 1}'::jsonb, 'null']", .array("[{\"a\": 1},null]")),
        Example("array['[1]'::json]", .array("[[1]]")), Example("'{ab,c }'::char(3)[]", .array("[\"ab\",\"c\"]")),
        Example("array['2020-01-02'::date, 'infinity']", .array("[\"2020-01-02\",\"infinity\"]")),
        Example("array['2020-01-02 03:04:05+00'::timestamptz]", .array("[\"2020-01-02T03:04:05Z\"]")),
        Example("array['2020-01-02 03:04:05.5'::timestamp]", .array("[\"2020-01-02T03:04:05.500000\"]")),
        Example("array['\\x00ff'::bytea]", .array("[\"\\\\x00ff\"]")),
        Example("array['1 day'::interval]", .array("[\"P1D\"]")),
        Example("array['10.0.0.1'::inet]", .array("[\"10.0.0.1\"]")), Example("array[1.5::money]", .array("[1.5]")),
        Example("array['[1,2)'::int4range]", .array("[\"[1,2)\"]")), Example("array[B'10']", .array("[\"10\"]")),
        Example("array['08:00'::time]", .array("[\"08:00:00\"]")),
        Example(
            "array['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid]",
            .array("[\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"]")),
    ])
    func arraysAreJSON(_ example: Example) async throws {
        let value = try await TestServer.row("select \(example.sql) as v")[0]
        #expect(value == example.value)
        #expect(try JSONSerialization.jsonObject(with: Data(value.text.utf8)) is [Any])
    }

    @Test func typesOfTheUsersOwnMakingAreRead() async throws {
        try await TestServer.withSchema { schema in
            try schema.run(
                """
                create type mood as enum ('sad', 'very happy');
                create domain price as numeric(10, 2);
                create domain tag as text check (value <> '');
                create domain tags as tag[];
                create type pair as (a int, b text);
                create table all_types (m mood, ms mood[], p price not null, ps price[], t tag, ts tags, c pair,
                  cs pair[]);
                insert into all_types values ('very happy', '{sad,NULL}', 1.50, '{2.50}', 'x', '{y,z}', (1, 'q'),
                  array[(2, 'r')::pair]);
                """)
            let source = try TestServer.source()
            let rows = try await TestServer.read(source, schema.table("all_types"))
            #expect(
                rows == [
                    [
                        .text("very happy"), .array("[\"sad\",null]"), .decimal("1.5"), .array("[2.5]"), .text("x"),
                        .array("[\"y\",\"z\"]"), .text("(1,q)"), .array("[\"(2,r)\"]"),
                    ]
                ])
            let columns = try await source.columns(of: schema.table("all_types"))
            #expect(columns.map(\.type) == [.text, .array, .decimal, .array, .text, .array, .text, .array])
            #expect(columns[2].declaredType == "numeric(10,2)")
            #expect(columns.map(\.isNullable) == [true, true, false, true, true, true, true, true])
            let query = try await TestServer.read(source, .query("select * from \(schema.name).all_types"))
            #expect(query == rows)
        }
    }

    @Test func extensionTypesAreText() async throws {
        try await TestServer.withSchema { schema in
            do {
                try schema.run(
                    "create extension citext schema \(schema.name); create extension hstore schema \(schema.name)")
            } catch is TestConnection.Refused {
                return  // The contrib modules are not installed.
            }
            let rows = try await TestServer.read(
                TestServer.source(),
                .query("select 'Ab'::\(schema.name).citext as c, 'a=>1'::\(schema.name).hstore as h"))
            #expect(rows == [[.text("Ab"), .text("\"a\"=>\"1\"")]])
        }
    }

    @Test func everyBuiltInTypeYieldsSomething() async throws {
        try await TestServer.withSchema { schema in
            let types = try schema.run(
                """
                select format_type(oid, null) from pg_type where typnamespace = 'pg_catalog'::regnamespace
                and typtype in ('b', 'r', 'm') and typisdefined and typcategory <> 'Z' order by oid
                """
            ).compactMap { $0[0] }
            let columns = types.enumerated().map { "null::\($0.element) as c\($0.offset)" }.joined(separator: ", ")
            let rows = try await TestServer.read(TestServer.source(), .query("select \(columns)"))
            #expect(rows == [Array(repeating: Value.null, count: types.count)])
            #expect(types.count > 100)
        }
    }
}
