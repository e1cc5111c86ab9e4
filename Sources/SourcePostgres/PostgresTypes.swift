package import Records

/// How the binary form of a column's cells is read; chosen once for a scan. Formats are those of the `*_send`
/// functions of the server's sources (src/backend/utils/adt), unchanged from PostgreSQL 12 to 17.
package enum CellDecoder: UInt8, Sendable, Hashable, CaseIterable {
    case bool, int2, int4, int8, oid, float4, float8, numeric
    case text
    /// `char(n)`: the blanks at the end are the type's, not the user's.
    case paddedText
    case uuid, json, jsonb, date, time, timestamp, timestamptz, interval, bytea, inet
    case array
}

/// What becomes of one column.
package struct ColumnRule: Sendable, Hashable {
    package var decoder: CellDecoder
    /// The decoder of an array's elements; meaningless for others.
    package var element: CellDecoder
    /// The type that the query casts the column to, for types whose binary form is not read.
    package var cast: String?

    package init(_ decoder: CellDecoder, element: CellDecoder = .text, cast: String? = nil) {
        self.decoder = decoder
        self.element = element
        self.cast = cast
    }

    package var columnType: ColumnType {
        switch decoder {
        case .bool: .boolean
        case .int2, .int4, .int8, .oid: .integer
        case .float4, .float8: .double
        case .numeric: .decimal
        case .text, .paddedText, .inet: .text
        case .uuid: .uuid
        case .json, .jsonb: .json
        case .date: .date
        case .time: .time
        case .timestamp: .localTimestamp
        case .timestamptz: .timestamp
        case .interval: .interval
        case .bytea: .bytes
        case .array: .array
        }
    }
}

/// One row of pg_type, as far as it matters here.
struct TypeRow: Sendable, Hashable {
    var oid: UInt32
    /// `b` base, `d` domain, `e` enum, `c` composite, `r` range, `m` multirange, `p` pseudo.
    var kind: String
    /// The type below a domain; 0 for others.
    var base: UInt32
    /// The type modifier of a domain; -1 for none.
    var modifier: Int32
    /// The type of a true array's elements; 0 for others.
    var element: UInt32
}

/// What is known of the types of one server, enough to choose the rules of columns.
struct TypeCatalog: Sendable {
    private(set) var rows: [UInt32: TypeRow] = [:]

    mutating func insert(_ row: TypeRow) { rows[row.oid] = row }

    /// The types that have to be looked up before `rule` can judge these.
    func unknown(_ oids: some Sequence<UInt32>) -> Set<UInt32> {
        var missing: Set<UInt32> = []
        for oid in oids {
            guard Self.builtIn[oid] == nil else { continue }
            guard let row = rows[oid] else {
                missing.insert(oid)
                continue
            }
            for next in [row.base, row.element] where next != 0 && Self.builtIn[next] == nil && rows[next] == nil {
                missing.insert(next)
            }
        }
        return missing
    }

    /// The types that these lead to, themselves included.
    func reached(from oids: Set<UInt32>) -> Set<UInt32> {
        var reached = oids
        var open = Array(oids)
        while let oid = open.popLast() {
            guard let row = rows[oid] else { continue }
            for next in [row.base, row.element] where next != 0 && reached.insert(next).inserted { open.append(next) }
        }
        return reached
    }

    /// The type below all domains and the modifier they give it.
    func resolved(_ oid: UInt32, modifier: Int32) -> (oid: UInt32, modifier: Int32) {
        var oid = oid
        var modifier = modifier
        while let row = rows[oid], row.kind == "d", row.base != 0 {
            oid = row.base
            if modifier < 0 { modifier = row.modifier }
        }
        return (oid, modifier)
    }

    func rule(for oid: UInt32) -> ColumnRule {
        let base = resolved(oid, modifier: -1).oid
        if let rule = Self.builtIn[base] { return rule }
        guard let row = rows[base] else { return ColumnRule(.text, cast: "text") }
        if row.kind == "e" { return ColumnRule(.text) }
        guard row.element != 0 else { return ColumnRule(.text, cast: "text") }
        let element = rule(for: row.element)
        if element.decoder == .array { return ColumnRule(.text, cast: "text") }
        return ColumnRule(.array, element: element.decoder, cast: element.cast.map { $0 + "[]" })
    }

    /// The fixed oids of src/include/catalog/pg_type.dat.
    private static let builtIn: [UInt32: ColumnRule] = [
        16: ColumnRule(.bool), 17: ColumnRule(.bytea), 19: ColumnRule(.text), 20: ColumnRule(.int8),
        21: ColumnRule(.int2), 23: ColumnRule(.int4), 25: ColumnRule(.text), 26: ColumnRule(.oid),
        114: ColumnRule(.json), 700: ColumnRule(.float4), 701: ColumnRule(.float8),
        790: ColumnRule(.numeric, cast: "numeric"), 869: ColumnRule(.inet), 650: ColumnRule(.inet),
        1042: ColumnRule(.paddedText), 1043: ColumnRule(.text), 1082: ColumnRule(.date), 1083: ColumnRule(.time),
        1114: ColumnRule(.timestamp), 1184: ColumnRule(.timestamptz), 1186: ColumnRule(.interval),
        1700: ColumnRule(.numeric), 2950: ColumnRule(.uuid), 3802: ColumnRule(.jsonb),
    ]
}
