import ConnectorKit
import Records
import SourcePostgres
import SyncCore

/// What PostgreSQL sends of the table of data-postgres.sql, made here, so that no server is needed.
enum CopiedTable {
    /// In the order of a scan, which is that of the names.
    static let columns = [
        "active", "amount", "email", "id", "quantity", "ratio", "tier", "title", "token", "updated_at",
    ]
    static let rules = [
        ColumnRule(.bool), ColumnRule(.numeric), ColumnRule(.text), ColumnRule(.int8), ColumnRule(.int4),
        ColumnRule(.float8), ColumnRule(.text), ColumnRule(.text), ColumnRule(.text), ColumnRule(.timestamptz),
    ]

    static func bytes(rows: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        for number in 1...rows {
            bytes += big(Int16(rules.count))
            for cell in row(number) { bytes += big(Int32(cell?.count ?? -1)) + (cell ?? []) }
        }
        return bytes + big(Int16(-1))
    }

    private static func row(_ i: Int) -> [[UInt8]?] {
        [
            [i % 3 != 0 ? 1 : 0],
            i % 20 != 0 ? numeric(cents: i * 7_919 % 1_000_000_000) : nil,
            Array("user\(i)@example\(i % 1_000).com".utf8),
            big(Int64(i)),
            big(Int32(i * 31 % 100_000)),
            big((Double(i * 104_729 % 1_000_000_007) / 1_000_000).bitPattern),
            Array(["starter", "growth", "enterprise", "free"][(i + 3) % 4].utf8),
            Array("Åsa \"\(i)\" & Söner – kund nr \(i % 977), Västra Götaland".utf8),
            Array("token\(padded(i * 2_654_435_761 % 4_294_967_296))\(padded(i * 40_503 % 4_294_967_296))".utf8),
            // Microseconds since 2000.
            big(Int64(631_152_000 + i * 97) * 1_000_000),
        ]
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        unsafe withUnsafeBytes(of: number.bigEndian) { unsafe Array($0) }
    }

    /// A numeric(12, 2): digits of base 10,000, without the zeros at either end.
    private static func numeric(cents: Int) -> [UInt8] {
        var digits: [Int] = [cents % 100 * 100]
        var whole = cents / 100
        while whole > 0 {
            digits.insert(whole % 10_000, at: 0)
            whole /= 10_000
        }
        let weight = digits.count - 2
        while digits.last == 0 { digits.removeLast() }
        return big(Int16(digits.count)) + big(Int16(digits.isEmpty ? 0 : weight)) + big(Int16(0)) + big(Int16(2))
            + digits.flatMap { big(Int16($0)) }
    }
}

/// The sync of project-postgres.yaml.
enum BenchmarkedSync {
    private static let object = DestinationObject(
        name: "company", displayName: "Company", path: "companies", keys: [KeyField("externalId")],
        behaviors: [.updateOrCreate], fields: [DestinationField("name", .text)], acceptsUnknownFieldsUnder: "custom",
        batchItemsMax: 5_000, batchBytesMax: 8 << 20, repeatable: .byKey)

    private static let fields = [
        "custom.Active": "active", "custom.Amount": "amount", "custom.Email": "email", "custom.Quantity": "quantity",
        "custom.Ratio": "ratio", "custom.Tier": "tier", "name": "title", "custom.Token": "token",
        "custom.Updated": "updated_at",
    ]

    static let shape = SyncShape(
        object: object, behavior: .updateOrCreate, key: KeyRule(columns: ["id"], field: "externalId"),
        rules: fields.sorted { $0.key < $1.key }.map { MappingRule(field: $0.key, source: .column($0.value)) })
}
