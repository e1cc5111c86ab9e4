import ConnectorKit
import Records
import SyncCore
import TestKit
import Testing

@Suite struct AdmitTests {
    private func admit(_ ids: [Value], key: String = "externalId", seed: UInt64 = 7) -> (AdmittedRows, Dataset) {
        let shape = Sample.shape([], key: key)
        let dataset = Dataset(shape, scanColumns: shape.scanColumns, seed: seed)
        var admitted = AdmittedRows()
        RowBatch(rows: ids.map { [$0] }, columnCount: 1).withRows { dataset.admit($0, into: &admitted) }
        return (admitted, dataset)
    }

    @Test func aNumberAndItsTextAreOneKey() {
        let (admitted, dataset) = admit([.integer(1), .text("1"), .decimal("1"), .double(1)])
        #expect(Set(admitted.keyHashes) == [dataset.hash(ofKey: "1")])
    }

    @Test func nullBlankAndUnusableValuesAreNoKey() {
        let values: [Value] = [
            .null, .text(""), .text(" \t\n"), .boolean(true), .bytes([1]), .json("{}"), .array("[]"), .time(1),
            .interval("P1D"), .text(String(repeating: "x", count: 1_025)),
            .unreadable(Reason(code: "invalid_utf8", message: "m")),
        ]
        let (admitted, _) = admit(values)
        #expect(admitted.rows.isEmpty)
        #expect(
            admitted.invalid.map(\.reason.code) == ["missing_key", "missing_key", "missing_key"]
                + Array(repeating: "key_not_usable", count: 6) + ["key_too_long", "invalid_utf8"])
    }

    @Test func aKeyOfTheLongestLengthIsAdmitted() {
        #expect(admit([.text(String(repeating: "x", count: 1_024))]).0.rows.count == 1)
    }

    @Test func addressesThatDifferInCaseAreOneKeyOnlyWhereTheFieldSaysSo() {
        #expect(Set(admit([.text("A@x.se"), .text("a@X.se")], key: "email").0.keyHashes).count == 1)
        #expect(Set(admit([.text("A"), .text("a")]).0.keyHashes).count == 2)
    }

    @Test func withinAParentTheSameKeyIsAnotherRecord() {
        let shape = Sample.shape([], within: "parent")
        let dataset = Dataset(shape, scanColumns: shape.scanColumns, seed: 1)
        var admitted = AdmittedRows()
        let rows: [[Value]] = [[.text("1"), .text("a")], [.text("1"), .text("b")], [.text("1"), .text("a")]]
        RowBatch(rows: rows, columnCount: 2).withRows { dataset.admit($0, into: &admitted) }
        #expect(Set(admitted.keyHashes).count == 2)
        #expect(admitted.keyHashes[0] == dataset.hash(ofKey: #"["1","a"]"#))
    }

    @Test(arguments: [#"["1","a"]"#, #"["1", "a"]"#, #" [ 1 , "a" ] "#, #"[1,"\u0061"]"#])
    func aCompositeKeyIsAnyJSONArrayOfItsParts(_ typed: String) {
        let shape = Sample.shape([], within: "parent")
        let dataset = Dataset(shape, scanColumns: shape.scanColumns, seed: 1)
        #expect(dataset.normalized(key: typed) == #"["1","a"]"#)
    }

    @Test(arguments: ["1", "", "[1", "[1] x", "[null]", "[[1]]", "{}"])
    func whatIsNoCompositeKeyIsLeftAsItIs(_ typed: String) {
        let shape = Sample.shape([], within: "parent")
        #expect(Dataset(shape, scanColumns: shape.scanColumns, seed: 1).normalized(key: typed) == typed)
        // Where the key is one column an array is its text.
        let single = Sample.shape([])
        #expect(Dataset(single, scanColumns: single.scanColumns, seed: 1).normalized(key: "[ 1 ]") == "[ 1 ]")
    }

    @Test func theSeedMakesTheHashesTheSyncsOwn() {
        #expect(admit([.text("a")], seed: 1).0.keyHashes != admit([.text("a")], seed: 2).0.keyHashes)
    }

    @Test func aChangedMappingMakesEveryRowAnotherRowButNotAnotherRecord() {
        let hashes = [NullPolicy.clear, .skip].map { nulls in
            let shape = Sample.shape([MappingRule(field: "name", source: .column("v"), nulls: nulls)])
            var admitted = AdmittedRows()
            RowBatch(rows: [[.text("k"), .text("v")]], columnCount: 2).withRows {
                Dataset(shape, scanColumns: shape.scanColumns, seed: 1).admit($0, into: &admitted)
            }
            return (admitted.keyHashes[0], admitted.rowHashes[0])
        }
        #expect(hashes[0].0 == hashes[1].0)
        #expect(hashes[0].1 != hashes[1].1)
    }
}

@Suite struct DifferTests {
    private func diff(
        _ keys: [UInt64], rows: [UInt64], known: [Probe], isFull: Bool = false, seen: SeenTable
    ) -> (Int, [Differ.Finding]) {
        var admitted = AdmittedRows()
        admitted.rows = keys.indices.map { Int32($0) }
        admitted.keyHashes = keys.map { Hash128(high: $0, low: 0) }
        admitted.rowHashes = rows.map { Hash128(high: 0, low: $0) }
        var findings: [Differ.Finding] = []
        let unchanged = Differ(isFull: isFull).diff(admitted, known: known, seen: seen, findings: &findings)
        return (unchanged, findings)
    }

    @Test func whatIsEqualIsUnchangedAndFindsNothing() {
        let seen = SeenTable(count: 2)
        let known = [
            Probe(index: 0, rowHash: Hash128(high: 0, low: 1)), Probe(index: 1, rowHash: Hash128(high: 0, low: 2)),
        ]
        let (unchanged, findings) = diff([1, 2], rows: [1, 2], known: known, seen: seen)
        #expect(unchanged == 2)
        #expect(findings.isEmpty)
        #expect(seen.unseenCount == 0)
    }

    @Test func aVoidFingerprintIsNeverUnchanged() {
        let seen = SeenTable(count: 1)
        let (unchanged, findings) = diff([1], rows: [5], known: [Probe(index: 0, rowHash: .void)], seen: seen)
        #expect(unchanged == 0)
        #expect(findings.map(\.change) == [.changed])
    }

    @Test func aFullRunFindsEveryKnownRecordChanged() {
        let seen = SeenTable(count: 1)
        let known = [Probe(index: 0, rowHash: Hash128(high: 0, low: 1))]
        #expect(diff([1], rows: [1], known: known, isFull: true, seen: seen).1.map(\.change) == [.changed])
    }

    @Test func theSecondRowOfAKnownKeyIsADuplicateAndSaysWhatTheFirstWas() {
        let seen = SeenTable(count: 1)
        let known = Array(repeating: Probe(index: 0, rowHash: Hash128(high: 0, low: 1)), count: 3)
        let (unchanged, findings) = diff([1, 1, 1], rows: [1, 1, 2], known: known, seen: seen)
        #expect(unchanged == 1)
        #expect(findings.map(\.change) == [.duplicate, .duplicate])
        #expect(findings.map(\.before) == [.unchanged, .duplicate])
    }

    @Test func whatIsNotKnownIsAdded() {
        let seen = SeenTable(count: 0)
        #expect(diff([1], rows: [1], known: [.unknown], seen: seen).1.map(\.change) == [.added])
    }
}

@Suite struct SeenTableTests {
    @Test func everyKeyKeepsItsOwnMark() {
        let marks: [SeenTable.Mark] = [.unseen, .unchanged, .planned, .held, .skipped, .deferred, .invalid, .duplicate]
        var random = SeededRandom(seed: 3)
        let table = SeenTable(count: 101)
        var model = Array(repeating: SeenTable.Mark.unseen, count: 101)
        for _ in 0..<2_000 {
            let (index, mark) = (random.number(0...100), marks[random.number(0...7)])
            table[Int32(index)] = mark
            model[index] = mark
        }
        #expect((0...100).map { table[Int32($0)] } == model)
        var unseen: [Int] = []
        table.forEachUnseen { unseen.append($0) }
        #expect(unseen == model.indices.filter { model[$0] == .unseen })
        #expect(table.unseenCount == unseen.count)
    }
}
