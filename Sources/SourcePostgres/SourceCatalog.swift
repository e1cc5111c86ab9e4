internal import ConnectorKit
internal import Records

/// Questions to pg_catalog over one connection; names always go as bound parameters.
struct SourceCatalog {
    /// A table or view as the catalog has it, and what the role may do with it.
    struct Relation {
        var oid: UInt32
        var schema: String
        var name: String
        var kind: String
        var mayUseSchema: Bool
        var maySelect: Bool
        var maySelectSome: Bool
        var rowsEstimate: Int?

        /// As a person would type it.
        var shown: String { "\(SQLText.shown(schema)).\(SQLText.shown(name))" }
        var quoted: String { "\(SQLText.quoted(schema)).\(SQLText.quoted(name))" }
    }

    /// A column before its type has been looked at.
    struct RawColumn {
        var name: String
        var type: UInt32
        var modifier: Int32
        var isNullable = true
    }

    /// A column with all that a scan has to know.
    struct ReadColumn {
        var column: Column
        var rule: ColumnRule
    }

    let connection: PostgresConnection

    private static let relationColumns = """
        c.oid, n.nspname, c.relname, c.relkind, has_schema_privilege(n.oid, 'usage'),
        has_table_privilege(c.oid, 'select'), has_any_column_privilege(c.oid, 'select'), c.reltuples::bigint, c.relpages
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm', 'f', 'p')
        """

    // MARK: Tables

    /// The table by that name, whether it may be read or not; without a schema the first on the search path.
    func relation(schema: String?, name: String) throws -> Relation? {
        let place = schema == nil ? "pg_catalog.pg_table_is_visible(c.oid)" : "n.nspname = $2"
        return try connection.query(
            "select \(Self.relationColumns) and c.relname = $1 and \(place)", schema.map { [name, $0] } ?? [name]
        ).first.map(Self.relation)
    }

    /// The tables and views that the role may read; partitions are read through their parent.
    func relations() throws -> [Relation] {
        try userRelations("and not c.relispartition").filter { $0.mayUseSchema && ($0.maySelect || $0.maySelectSome) }
    }

    /// Every table and view outside the system's schemas, readable or not.
    func userRelations(_ condition: String = "") throws -> [Relation] {
        try connection.query(
            """
            select \(Self.relationColumns) and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
            \(condition) order by n.nspname collate "C", c.relname collate "C"
            """
        ).map(Self.relation)
    }

    private static func relation(_ row: [String?]) -> Relation {
        let number = { (field: Int) in row[field].flatMap { Int($0) } ?? 0 }
        let estimate = number(7)
        // Before PostgreSQL 14 a table that was never analyzed has 0 and no pages, since then it has -1.
        let isKnown = (row[3] == "r" || row[3] == "m" || row[3] == "p") && (estimate > 0 || number(8) > 0)
        return Relation(
            oid: UInt32(truncatingIfNeeded: number(0)), schema: row[1] ?? "", name: row[2] ?? "",
            kind: kindWord(row[3] ?? ""), mayUseSchema: row[4] == "t", maySelect: row[5] == "t",
            maySelectSome: row[6] == "t", rowsEstimate: isKnown && estimate >= 0 ? estimate : nil)
    }

    private static func kindWord(_ letter: String) -> String {
        switch letter {
        case "v": "view"
        case "m": "materialized view"
        case "f": "foreign table"
        default: "table"
        }
    }

    // MARK: Columns

    /// The columns of tables, by the table's oid.
    func rawColumns(of tables: [UInt32]) throws -> [UInt32: [RawColumn]] {
        let rows = try connection.query(
            """
            select a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull from pg_catalog.pg_attribute a
            where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum
            """, [Self.list(tables)])
        var found: [UInt32: [RawColumn]] = [:]
        for row in rows {
            let column = RawColumn(
                name: row[1] ?? "", type: Self.oid(row[2]), modifier: Int32(row[3] ?? "") ?? -1,
                isNullable: row[4] != "t")
            found[Self.oid(row[0]), default: []].append(column)
        }
        return found
    }

    /// Chooses each column's rule and name of type; domains count as what they are made of.
    func readColumns(_ raw: [RawColumn]) throws -> [ReadColumn] {
        let types = try typeCatalog(raw.map(\.type))
        let resolved = raw.map { types.resolved($0.type, modifier: $0.modifier) }
        let names = try typeNames(resolved.map { ($0.oid, $0.modifier) })
        return raw.indices.map { index in
            let rule = types.rule(for: raw[index].type)
            let column = Column(
                name: raw[index].name, type: rule.columnType, declaredType: names[index],
                isNullable: raw[index].isNullable)
            return ReadColumn(column: column, rule: rule)
        }
    }

    private func typeCatalog(_ oids: [UInt32]) throws -> TypeCatalog {
        var types = TypeCatalog()
        let wanted = Set(oids)
        var missing = types.unknown(wanted)
        while !missing.isEmpty {
            let rows = try connection.query(
                """
                select t.oid, t.typtype, t.typbasetype, t.typtypmod, case when e.oid is null then 0 else t.typelem end
                from pg_catalog.pg_type t
                left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid
                where t.oid = any ($1::oid[])
                """, [Self.list(missing.sorted())])
            for row in rows {
                types.insert(
                    TypeRow(
                        oid: Self.oid(row[0]), kind: row[1] ?? "", base: Self.oid(row[2]),
                        modifier: Int32(row[3] ?? "") ?? -1, element: Self.oid(row[4])))
            }
            let next = types.unknown(types.reached(from: wanted))
            // A type dropped meanwhile stays unknown: its column is then read as text.
            missing = next.subtracting(missing)
        }
        return types
    }

    private func typeNames(_ types: [(UInt32, Int32)]) throws -> [String] {
        let rows = try connection.query(
            """
            select pg_catalog.format_type(o, m) from unnest($1::oid[], $2::int4[]) with ordinality as u(o, m, i)
            order by i
            """, [Self.list(types.map(\.0)), Self.list(types.map(\.1))])
        return rows.map { $0[0] ?? "unknown" }
    }

    private static func list(_ numbers: [some BinaryInteger]) -> String {
        "{" + numbers.map { String($0) }.joined(separator: ",") + "}"
    }

    private static func oid(_ text: String?) -> UInt32 { text.flatMap { UInt32($0) } ?? 0 }
}
