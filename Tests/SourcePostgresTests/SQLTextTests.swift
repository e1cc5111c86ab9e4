import SourcePostgres
import Testing

struct SQLTextTests {
    @Test func trailingSemicolonsAndCommentsAreLeftOut() throws {
        #expect(try SQLText.singleStatement("select 1;") == "select 1")
        #expect(try SQLText.singleStatement("select 1 ; ; -- the end") == "select 1 ")
        #expect(try SQLText.singleStatement("select 1 -- the end") == "select 1 -- the end")
        let commented = "/* a; /* b; */ c; */ select 1"
        #expect(try SQLText.singleStatement(commented + "; /* d */\n") == commented)
    }

    @Test func semicolonsInsideQuotesEndNothing() throws {
        for sql in [
            "select ';'", "select 'it''s; fine'", "select e'\\';'", "select \"a;b\"", "select $$;$$",
            "select $tag$ ; $$ ; $tag$", "select 1 -- ;\n + 1", "select ä from ö where ü = ';'",
        ] {
            #expect(try SQLText.singleStatement(sql) == sql)
        }
    }

    @Test func secondStatementIsRefusedWithItsPlace() {
        #expect(throws: SQLText.Fault.secondStatement(position: 11)) {
            try SQLText.singleStatement("select 1; select 2")
        }
        #expect(throws: SQLText.Fault.secondStatement(position: 13)) {
            try SQLText.singleStatement("select 'ä'; drop table t")
        }
    }

    @Test func textWithoutStatementIsEmpty() {
        for sql in ["", "  \n", "-- nothing", ";;", "/* open"] {
            #expect(throws: SQLText.Fault.empty) { try SQLText.singleStatement(sql) }
        }
        #expect(throws: SQLText.Fault.zeroByte) { try SQLText.singleStatement("select '\u{0}'; \u{0}") }
    }

    @Test func unfinishedQuotesEndWithTheText() throws {
        for sql in ["select 'a", "select \"a", "select $$a", "select e'\\", "select $a$ $", "select '"] {
            #expect(try SQLText.singleStatement(sql) == sql)
        }
    }

    @Test func identifiersAreQuotedWhereTheyMustBe() {
        #expect(SQLText.quoted("a\"b") == "\"a\"\"b\"")
        #expect(SQLText.shown("accounts") == "accounts")
        #expect(SQLText.shown("Accounts") == "\"Accounts\"")
        #expect(SQLText.shown("user") == "\"user\"")
        #expect(SQLText.shown("1a") == "\"1a\"")
        #expect(SQLText.shown("") == "\"\"")
    }

    @Test func namesOfAStatementAreFoundAsTheServerReadsThem() {
        let names = SQLText.names(in: "select * from Sales.\"Big \"\"T\"\"\" where x = 'not_this' -- nor_this")
        #expect(names == ["select", "from", "sales", "Big \"T\"", "where", "x"])
        #expect(SQLText.dottedName(at: 15, in: "select * from Sales.\"T\" x") == ["sales", "T"])
    }

    @Test func positionsBecomeLinesAndColumns() {
        #expect(SQLText.lineAndColumn(of: 1, in: "ab\ncd") == (1, 1))
        #expect(SQLText.lineAndColumn(of: 5, in: "ab\ncd") == (2, 2))
    }
}
