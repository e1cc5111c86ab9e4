internal import ConnectorKit
internal import Records

/// One field of a compiled mapping, small enough to be copied without a thought.
struct MappingStep: BitwiseCopyable {
    enum Source: UInt8, BitwiseCopyable {
        case column, constant, key
    }

    var source: Source
    /// A null leaves the field out.
    var skipsNull: Bool
    /// The kinds of cells, one bit each, that the field takes as their own kind of JSON, without a cast.
    var plainKinds: UInt32
    var column: Int32
    /// Where `,"name":` stands, and after it the JSON of a constant.
    var nameStart: Int32
    var nameEnd: Int32
    /// The bit of a field that rows may have to fill, or 0.
    var required: UInt64 = 0

    var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
}

/// What a step needs only for a cast, or for saying why a row is invalid.
struct MappedField: Sendable {
    var name: String
    var column: String
    var type: FieldType
    /// How the value of a reference names its record.
    var reference = ReferenceRule.prefix("")
    /// The longest text that the field takes.
    var charactersMax: Int?
    var textForm: TextForm?
    /// Values that the destination keeps for itself.
    var reserved: [String] = []
    /// The field whose bounds a number must keep; nil where it has none.
    var bounded: DestinationField?

    init(name: String, column: String, type: FieldType) {
        self.name = name
        self.column = column
        self.type = type
    }

    /// A field as it is declared, or as it was found in the account; nil for one of which nothing is known.
    init(_ declared: DestinationField?, name: String = "", allowsUnknownChoices: Bool) {
        self.init(
            name: name, column: "", type: Self.type(of: declared, allowsUnknownChoices: allowsUnknownChoices))
        charactersMax = declared?.charactersMax
        textForm = declared?.textForm
        reserved = declared?.reservedValues ?? []
        bounded = declared?.bounds == nil ? nil : declared
        // A constant is the destination's own id.
        if case .referenceList(_, let forms)? = declared?.type {
            reference.members = forms.first { $0.lookup == nil }?.members ?? []
        }
    }

    /// Without choices, any text is one.
    private static func type(of field: DestinationField?, allowsUnknownChoices: Bool) -> FieldType {
        switch field?.type {
        case .choice where allowsUnknownChoices: .choice([])
        case .choiceList where allowsUnknownChoices: .choiceList([])
        case let type: type ?? .any
        }
    }

    /// Appends the value; returns whether it was written as null.
    func write(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) -> Bool {
        if let charactersMax, [.text, .json, .array].contains(cell.kind) { try checkLength(cell, charactersMax) }
        if let textForm { try checkForm(cell, textForm) }
        if !reserved.isEmpty { try checkReserved(cell) }
        let start = writer.count
        let isNull = try Cast.write(cell, as: type, reference: reference, to: &writer)
        if let bounded, !isNull { try checkBounds(cell, bounded, written: writer.count - start, writer) }
        return isNull
    }

    private func checkBounds(
        _ cell: Cell, _ field: DestinationField, written count: Int, _ writer: borrowing ByteWriter
    ) throws(Cast.Problem) {
        let number = unsafe Double(String(decoding: writer.bytes.suffix(count), as: UTF8.self))
        guard let number, !field.admits(number) else { return }
        let shown = Value(cell).text
        throw Cast.Problem(
            code: "out_of_range",
            message: "\(shown.prefix(60)) is not in the field's bounds: \(field.bounds ?? "").",
            hint: "Correct the value in the source, or leave it out in the dataset's SQL.")
    }

    private func checkForm(_ cell: Cell, _ form: TextForm) throws(Cast.Problem) {
        let text = Value(cell).text
        guard cell.kind != .null, let misfit = form.misfit(in: text) else { return }
        let shown = text.count > 60 ? text.prefix(60) + "…" : text
        let what = misfit.isWhitespace ? "a blank at one of its ends" : "\"\(misfit)\" in it"
        throw Cast.Problem(
            code: "text_not_of_form", message: "\"\(shown)\" has \(what), which the field does not take.",
            hint: "Use letters, digits and \(form.words); replace the rest in the dataset's SQL.")
    }

    private func checkReserved(_ cell: Cell) throws(Cast.Problem) {
        guard cell.kind != .null else { return }
        let text = Value(cell).text.trimmingBlanks
        guard reserved.contains(text) else { return }
        throw Cast.Problem(
            code: "reserved_value",
            message: "\"\(text)\" is one of the destination's own values, which no row may write.",
            hint: "Use a value of your own account; reserved are: \(reserved.joined(separator: ", ")).")
    }

    private func checkLength(_ cell: Cell, _ max: Int) throws(Cast.Problem) {
        guard unsafe cell.bytes.count > max else { return }
        let count = Value(cell).text.count
        guard count > max else { return }
        throw Cast.Problem(
            code: "text_too_long", message: "The text has \(count) characters; the field takes \(max).",
            hint: "Shorten it in the source or in the dataset's SQL, or leave the column out of the mapping.")
    }

    func reason(_ problem: Cast.Problem) -> Reason {
        Reason(
            code: problem.code, message: "Column \(column) for field \(name): \(problem.message)", hint: problem.hint)
    }
}

/// Compiles a shape: the key first, then the fields of the object itself, then those under the name for the account's
/// own fields.
struct MappingCompiler {
    var steps: [MappingStep] = []
    var fields: [MappedField] = []
    var text: [UInt8] = []
    var ownCount = 0
    var nestedName = 0..<0
    var key: KeyWriter?
    private(set) var required: RequiredFields
    /// The bits of the fields that every row fills: constants, and the key.
    var filled: UInt64 = 0

    private let shape: SyncShape
    private let scanColumns: [String]
    private let lookups: [LookupName: LookupTable]

    init(_ shape: SyncShape, scanColumns: [String], lookups: [LookupName: LookupTable]) {
        self.shape = shape
        self.lookups = lookups
        self.scanColumns = scanColumns
        required = RequiredFields(shape)
        let under = shape.object.acceptsUnknownFieldsUnder
        let prefix = under.map { $0 + "." }
        let isNested = { (rule: MappingRule) in prefix.map { rule.field.hasPrefix($0) } ?? false }
        addKey()
        for rule in shape.rules where !isNested(rule) {
            add(rule, name: shape.object.field(rule.field)?.name ?? rule.field)
        }
        ownCount = steps.count
        for rule in shape.rules where isNested(rule) {
            add(rule, name: String(rule.field.dropFirst(prefix?.count ?? 0)))
        }
        if let under { nestedName = addName(under) }
    }

    private mutating func addKey() {
        guard let name = shape.key.field, shape.behavior != .send else { return }
        var alone = shape
        alone.key.within = nil
        key = KeyWriter(alone, scanColumns: scanColumns)
        let field = MappedField(name: name, column: shape.key.columns[0], type: .text)
        let keyName = shape.object.key(name)?.name ?? name
        append(field, .key, addName(keyName), column: 0, nulls: .clear)
        filled |= required.bit(of: keyName)
    }

    private mutating func add(_ rule: MappingRule, name: String) {
        var field = MappedField(
            shape.field(rule.field), name: rule.field, allowsUnknownChoices: shape.allowsUnknownChoices)
        let bit = shape.object.field(rule.field).map { required.bit(of: $0.name) } ?? 0
        var place = addName(name)
        switch rule.source {
        case .column(let column):
            field.column = column
            field.reference = reference(of: rule)
            append(
                field, .column, place, column: scanColumns.firstIndex(of: column) ?? 0, nulls: rule.nulls,
                required: bit)
        case .constant(let value):
            text += json(of: value, field)
            place = place.lowerBound..<text.count
            append(field, .constant, place, column: 0, nulls: rule.nulls)
            if value != .null && !value.text.trimmingBlanks.isEmpty { filled |= bit }
        }
    }

    /// Where the records were not read, there are none, and every value is missing.
    private func reference(of rule: MappingRule) -> ReferenceRule {
        let form = shape.form(of: rule)?.form
        let way =
            shape.lookup(of: rule).map { .lookup(lookups[$0] ?? LookupTable($0, seed: 0)) }
            ?? ReferenceRule.Way.prefix(form?.prefix ?? "")
        return ReferenceRule(way: way, members: form?.members ?? [])
    }

    private mutating func append(
        _ field: MappedField, _ source: MappingStep.Source, _ place: Range<Int>, column: Int, nulls: NullPolicy,
        required: UInt64 = 0
    ) {
        fields.append(field)
        steps.append(
            MappingStep(
                source: source, skipsNull: nulls == .skip, plainKinds: Self.plainKinds(of: field),
                column: Int32(column), nameStart: Int32(place.lowerBound), nameEnd: Int32(place.upperBound),
                required: required))
    }

    private static func plainKinds(of field: MappedField) -> UInt32 {
        let kinds: [CellKind] =
            switch field.type {
            case _ where field.textForm != nil || field.bounded != nil || !field.reserved.isEmpty: []
            case .text, .richText, .email: field.charactersMax == nil ? [.text, .uuid] : [.uuid]
            case .any:
                [
                    .text, .uuid, .integer, .false, .true, .decimal, .double, .date, .timestamp, .localTimestamp, .json,
                    .array,
                ]
            case .number: [.integer, .decimal, .double]
            case .integer: [.integer]
            case .boolean: [.false, .true]
            case .date: [.date]
            case .dateTime: [.timestamp, .localTimestamp]
            case .dayNumber, .choice, .textList, .choiceList, .reference, .referenceList: []
            }
        return kinds.reduce(0) { $0 | 1 << UInt32($1.tag) }
    }

    /// Adds `,"name":` and returns where it stands.
    private mutating func addName(_ name: String) -> Range<Int> {
        let start = text.count
        var writer = ByteWriter(capacity: 64)
        writer.append(UInt8(ascii: ","))
        JSONText.appendString(name, to: &writer)
        writer.append(UInt8(ascii: ":"))
        text += unsafe Array(writer.bytes)
        return start..<text.count
    }

    /// A constant's JSON, made once. A run does not begin with one that cannot be cast; where rows are only shown, each of
    /// them is invalid.
    private mutating func json(of value: Value, _ field: MappedField) -> [UInt8] {
        do throws(Cast.Problem) {
            return try ConstantCast.json(of: value, field)
        } catch {
            required.refuse(
                Reason(
                    code: error.code, message: "The constant for field \(field.name): \(error.message)",
                    hint: error.hint))
            return []
        }
    }
}
