import Records
import Testing

@Suite struct RowBatchTests {
    private let row: [Value] = [
        .null, .boolean(true), .boolean(false), .integer(.min), .double(1.5), .decimal("-12.5"), .text("åäö \"x\""),
        .date(20_000), .time(1), .timestamp(.max), .localTimestamp(-1), .interval("P1D"),
        .uuid("00000000-0000-0000-0000-000000000001"), .json("{}"), .bytes([0, 255]), .array("[1]"),
        .unreadable(Reason(code: "c", message: "m", hint: "h")),
    ]

    @Test func aKindsTagIsItsRawValue() {
        for kind in CellKind.allCases {
            #expect(kind.tag == kind.rawValue)
            #expect(CellKind(tag: kind.rawValue) == kind)
        }
    }

    @Test func everyKindOfValueComesBackAsItWentIn() {
        let batch = RowBatch(rows: [row, row.reversed()], columnCount: row.count)
        #expect(batch.rowCount == 2)
        for (column, value) in row.enumerated() {
            #expect(batch.value(row: 0, column: column) == value)
            #expect(batch.value(row: 1, column: row.count - 1 - column) == value)
        }
    }

    @Test func equalRowsHaveEqualBytesWhereverTheyStand() {
        let batch = RowBatch(rows: [row, [.null] + row.dropFirst(), row], columnCount: row.count)
        batch.withRows { rows in
            #expect(Array(rows.bytes(0)) == Array(rows.bytes(2)))
        }
    }

    @Test func rowsThatDifferInOneCellHaveOtherBytes() {
        let pairs: [(Value, Value)] = [
            (.integer(1), .text("1")), (.null, .text("")), (.double(0), .integer(0)), (.text("a"), .text("a ")),
            (.boolean(true), .boolean(false)), (.date(1), .timestamp(1)),
        ]
        for (left, right) in pairs {
            RowBatch(rows: [[left], [right]], columnCount: 1).withRows { rows in
                #expect(Array(rows.bytes(0)) != Array(rows.bytes(1)), "\(left) and \(right)")
            }
        }
    }

    @Test func theLengthOfATextIsPartOfItsBytes() {
        let batch = RowBatch(rows: [[.text("ab"), .text("c")], [.text("a"), .text("bc")]], columnCount: 2)
        batch.withRows { rows in
            #expect(Array(rows.bytes(0)) != Array(rows.bytes(1)))
        }
    }

    @Test func negativeZeroAndEveryNaNAreOneValue() {
        var builder = RowBatchBuilder(columnCount: 1)
        let numbers: [Double] = [0.0, -0.0, .nan, -.nan, Double(nan: 7, signaling: false)]
        for number in numbers {
            builder.append(number)
            builder.endRow()
        }
        builder.finish().withRows { rows in
            #expect(Array(rows.bytes(0)) == Array(rows.bytes(1)))
            #expect(Array(rows.bytes(2)) == Array(rows.bytes(3)))
            #expect(Array(rows.bytes(2)) == Array(rows.bytes(4)))
        }
    }

    @Test func aBuilderIsFullAtItsRowsAndAtItsBytes() {
        var few = RowBatchBuilder(columnCount: 1, rowsMax: 2, bytesMax: 1 << 20)
        few.append(Int64(1))
        few.endRow()
        let isFullAtOne = few.isFull
        #expect(!isFullAtOne)
        few.append(Int64(2))
        few.endRow()
        let isFullAtTwo = few.isFull
        #expect(isFullAtTwo)
        var small = RowBatchBuilder(columnCount: 1, rowsMax: 100, bytesMax: 64)
        small.append(.text, String(repeating: "x", count: 59))
        small.endRow()
        let isSmallFull = small.isFull
        #expect(isSmallFull)
    }

    @Test func aBuilderGrowsForARowBeyondItsBytesAndStartsAnewAfterIt() {
        var builder = RowBatchBuilder(columnCount: 2, rowsMax: 4, bytesMax: 100)
        let large = String(repeating: "å", count: 200_000)
        builder.append(.text, large)
        builder.append(Int64(7))
        builder.endRow()
        let first = builder.finish()
        builder.appendNull()
        builder.append(Int64(8))
        builder.endRow()
        let second = builder.finish()
        #expect(first.value(row: 0, column: 0) == .text(large))
        #expect(second.value(row: 0, column: 1) == .integer(8))
        #expect(second.rowCount == 1)
    }
}

@Suite struct Hash128Tests {
    @Test func theHashIsThatOfTheReferenceLibrary() {
        // XXH3-128 of the empty string with seed 0, as xxhsum 0.8.1 prints it.
        #expect(Hash128.of("", seed: 0).hexadecimal == "99aa06d3014798d86001c324468d497f")
    }

    /// As xxhsum -H2 prints it of so many zeros: short, middling and long inputs take different ways.
    @Test(arguments: [
        (240, "0550e1dd88b6c17ca499f0a80fd3850a"), (241, "b9b45065a364c5b95c5b5d5d40c59ce3"),
        (1_000, "3fb94aea6d09b97224c1ea6074dd588c"), (100_000, "e1f876364c6fec62315c72a64b7df4d2"),
    ])
    func longInputsAreHashedAsTheReferenceLibraryDoes(count: Int, hexadecimal: String) {
        let bytes = [UInt8](repeating: 0, count: count)
        let hash = bytes.withUnsafeBytes { Hash128.of($0, seed: 0) }
        #expect(hash.hexadecimal == hexadecimal)
    }

    @Test func anotherSeedGivesAnotherHash() {
        #expect(Hash128.of("acct-1", seed: 1) != Hash128.of("acct-1", seed: 2))
        #expect(Hash128.of("acct-1", seed: 1) == Hash128.of("acct-1", seed: 1))
    }

    @Test func hashesAreOrderedAsOneNumber() {
        let small = Hash128(high: 1, low: .max)
        #expect(small < Hash128(high: 2, low: 0))
        #expect(Hash128(high: 1, low: 0) < small)
        #expect(Hash128.void.isVoid)
    }
}

@Suite struct LedgerTests {
    @Test func rowsBalanceOnlyIfEveryRowIsCountedOnce() {
        var rows = RowLedger()
        rows.scanned = 10
        rows.unchanged = 4
        rows.invalid = 2
        rows.planned = 3
        #expect(!rows.isBalanced)
        rows.held = 1
        #expect(rows.isBalanced)
    }

    @Test func operationsBalanceOnlyIfTheKindsOfAcceptanceAddUpToo() {
        var operations = OperationLedger()
        operations.planned = 3
        operations.accepted = 2
        operations.rejected = 1
        operations.created = 1
        #expect(!operations.isBalanced)
        operations.alreadyEqual = 1
        #expect(operations.isBalanced)
    }

    @Test func memoryThatIsUsedAgainSaysNothingOfTheRowsBefore() {
        var builder = RowBatchBuilder(columnCount: 2, rowsMax: 8, bytesMax: 1_000)
        for round in 0..<50 {
            for row in 0..<(round % 8 + 1) {
                builder.append(.text, String(repeating: "x", count: round * row))
                if row.isMultiple(of: 2) { builder.appendNull() } else { builder.append(Int64(round)) }
                builder.endRow()
            }
            let batch = builder.finish()
            #expect(batch.rowCount == round % 8 + 1)
            for row in 0..<batch.rowCount {
                #expect(batch.value(row: row, column: 0) == .text(String(repeating: "x", count: round * row)))
                #expect(batch.value(row: row, column: 1) == (row.isMultiple(of: 2) ? .null : .integer(Int64(round))))
            }
        }
    }

    @Test func aBatchThatIsStillReadKeepsItsMemory() {
        var builder = RowBatchBuilder(columnCount: 1)
        var kept: [RowBatch] = []
        for number in 0..<20 {
            builder.append(Int64(number))
            builder.endRow()
            kept.append(builder.finish())
        }
        for (number, batch) in kept.enumerated() {
            #expect(batch.value(row: 0, column: 0) == .integer(Int64(number)))
        }
    }
}
