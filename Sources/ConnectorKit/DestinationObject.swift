public import Records

/// A kind of record in the destination, as data: batching, validation, forms, help and docs are made from it.
public struct DestinationObject: Sendable, Hashable {
    /// The word in the project file (`company`).
    public var name: String
    public var displayName: String
    /// Where the destination keeps it; read by the destination alone.
    public var path: String
    public var keys: [KeyField]
    public var behaviors: [Behavior]
    public var fields: [DestinationField]
    /// Fields beyond the declared ones are written into an object of this name, one level deep (`custom`).
    public var acceptsUnknownFieldsUnder: String?
    public var batchItemsMax: Int
    public var batchBytesMax: Int
    /// A row of more bytes is not sent: it could never arrive. Nil where nothing is known.
    public var rowBytesMax: Int?
    public var removalItemsMax: Int
    /// How many rows one request sends where rows are sent, if fewer than `batchItemsMax`.
    public var sendItemsMax: Int?
    /// Of writes by key. What is sent is never repeatable.
    public var repeatable: Repeatability
    /// The ways in which a record can be taken away; empty if there is none.
    public var removals: [Removal] = []
    /// The field that archives a record where it is true.
    public var archiveField: String?
    /// Groups of fields of which each row must fill at least one, whether it creates or updates: the destination drops a
    /// row without them, and does not say so. Rows that go by the destination's own id need none.
    public var requiredInEachRow: [[String]] = []
    /// The field by which people know a record (a name, a title, an e-mail address).
    public var labelField: String?
    /// Whether many records rightly have the same label (licenses of one product): it then says nothing of a double.
    public var labelRepeats = false
    /// Settings of the connection that only some objects need, this one among them.
    public var requiredSettings: [String] = []
    /// Whether its records can be listed and read.
    public var isReadable = true
    /// Keys by which only the whole list is sure to find a record, as it shows them under another name: what is to be
    /// removed is found by one paged read, however little it is.
    public var keysFoundByList: Set<String> = []
    /// What is to be said of a row that the destination passed over without a word, perhaps counting it as unchanged; nil
    /// where it is not known to do so.
    public var passedOver: Reason?
    /// One paragraph for help and docs.
    public var help = ""

    public init(
        name: String, displayName: String, path: String, keys: [KeyField], behaviors: [Behavior],
        fields: [DestinationField], acceptsUnknownFieldsUnder: String? = nil, batchItemsMax: Int,
        batchBytesMax: Int, removalItemsMax: Int = 1, repeatable: Repeatability
    ) {
        self.name = name
        self.displayName = displayName
        self.path = path
        self.keys = keys
        self.behaviors = behaviors
        self.fields = fields
        self.acceptsUnknownFieldsUnder = acceptsUnknownFieldsUnder
        self.batchItemsMax = batchItemsMax
        self.batchBytesMax = batchBytesMax
        self.removalItemsMax = removalItemsMax
        self.repeatable = repeatable
    }

    /// The field with that name or alias, exact case.
    public func field(_ name: String) -> DestinationField? {
        fields.first { $0.name == name || $0.aliases.contains(name) }
    }

    public func key(_ name: String) -> KeyField? {
        keys.first { $0.name == name || $0.aliases.contains(name) }
    }

    /// The object as a sync with that behavior writes it: a record that is sent has no key to be found by, although
    /// others of the object are written by one.
    public func written(by behavior: Behavior) -> DestinationObject {
        guard behavior == .send, repeatable != .never else { return self }
        var object = self
        object.repeatable = .never
        return object
    }
}

/// Whether the same write may be sent twice without a second record coming to be.
public enum Repeatability: Sendable, Hashable {
    /// Safe: the destination finds the record by its key.
    case byKey
    /// Not safe: each request adds.
    case never
}

/// A field of an object that can be the sync key.
public struct KeyField: Sendable, Hashable {
    public var name: String
    /// How the destination's API spells it, where that differs.
    public var aliases: [String]
    /// False for ids that only the destination gives out: a row whose key is unknown there cannot be created.
    public var canCreate: Bool
    /// Keys that differ only in case are one (e-mail addresses).
    public var ignoresCase: Bool
    /// The reference field within whose record the key is unique; nil if unique everywhere.
    public var uniqueWithin: String?
    /// Fields that make the identity of a row together with this one, where an object is sent.
    public var identityFields: [String] = []
    /// Whether several records may have it although it is a key: the destination does not enforce that it is unique.
    public var mayRepeat = false
    /// Whether it is only assumed that the destination finds a record by it: if it does not, a change makes a second one.
    public var isMatchAssumed = false
    /// One sentence for help texts, where there is something to know.
    public var note: String

    public init(
        _ name: String, aliases: [String] = [], canCreate: Bool = true, ignoresCase: Bool = false,
        uniqueWithin: String? = nil, note: String = ""
    ) {
        self.name = name
        self.aliases = aliases
        self.canCreate = canCreate
        self.ignoresCase = ignoresCase
        self.uniqueWithin = uniqueWithin
        self.note = note
    }
}

/// A field of an object.
public struct DestinationField: Sendable, Hashable {
    public var name: String
    public var type: FieldType
    /// A new record is refused without it.
    public var isRequiredOnCreate: Bool
    /// False for what the destination computes itself: mapping it is an error.
    public var isWritable: Bool
    public var aliases: [String]
    public var help: String
    /// What a number must lie in.
    public var range: ClosedRange<Double>?
    /// Whether zero, though in the range, is refused too (`value` of a license).
    public var excludesZero = false
    /// The longest text that makes sense; nil where nothing is known.
    public var charactersMax: Int?
    /// Whether a record may not be without it once it is there, though it need not have come with it: clearing leaves it.
    public var isNeverCleared = false
    /// Other fields of which one does as well, where this one is required.
    public var orElse: [String] = []
    /// Values that are the destination's own, which rows must not write although it need not refuse them.
    public var reservedValues: [String] = []
    /// The characters of which a text may be made; nil where any may stand in it.
    public var textForm: TextForm?
    /// The record that a value has to name, where the destination takes a row without it and drops it.
    public var requiredRecord: RequiredRecord?
    /// Other objects whose records a value may name although the field is no reference: they are written first.
    public var pointsTo: [String] = []

    public init(
        _ name: String, _ type: FieldType, isRequiredOnCreate: Bool = false, isWritable: Bool = true,
        aliases: [String] = [], help: String = ""
    ) {
        self.name = name
        self.type = type
        self.isRequiredOnCreate = isRequiredOnCreate
        self.isWritable = isWritable
        self.aliases = aliases
        self.help = help
    }
}

extension DestinationField {
    /// Whether it keeps its value where the mapped fields of a record are cleared.
    public var staysWhenCleared: Bool { isRequiredOnCreate || isNeverCleared }
}

/// What a number may be.
extension DestinationField {
    /// Whether a number is within the declared bounds.
    public func admits(_ number: Double) -> Bool {
        (range?.contains(number) ?? true) && !(excludesZero && number == 0)
    }

    /// The bounds in words (`1 to 5`, `more than 0`); nil where any number will do.
    public var bounds: String? {
        guard let range else { return excludesZero ? "not 0" : nil }
        let most = Double.greatestFiniteMagnitude
        let (lower, upper) = (Self.plain(range.lowerBound), Self.plain(range.upperBound))
        let butZero = excludesZero && range.contains(0) ? ", not 0" : ""
        switch (range.lowerBound > -most, range.upperBound < most) {
        case (true, true): return "\(lower) to \(upper)" + butZero
        case (true, false): return excludesZero && range.lowerBound == 0 ? "more than 0" : "\(lower) or more" + butZero
        case (false, true): return "\(upper) or less" + butZero
        case (false, false): return excludesZero ? "not 0" : nil
        }
    }

    private static func plain(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? String(number) }
}

/// Of what characters a text is made: letters, digits, and these.
public struct TextForm: Sendable, Hashable {
    public var punctuation: String

    public init(punctuation: String) { self.punctuation = punctuation }

    /// What may stand in a text beside letters and digits, for people.
    public var words: String {
        punctuation.map { $0 == " " ? "blanks between them" : String($0) }.joined(separator: ", ")
    }

    /// The first character of a text that may not stand where it stands (blanks may not at the ends); nil where the
    /// text is of this form.
    public func misfit(in text: String) -> Character? {
        // What Unicode says of a character is slow to find, and seldom needed.
        if text.utf8.allSatisfy({ Self.isPlain($0) }) { return nil }
        if let first = text.first, first.isWhitespace { return first }
        if let last = text.last, last.isWhitespace { return last }
        return text.first { !$0.isLetter && !$0.isNumber && !punctuation.contains($0) }
    }

    /// An unaccented letter or a digit.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}

/// A record that must be at the destination already for a row to count.
public struct RequiredRecord: Sendable, Hashable {
    /// The object it is of, unless the row says otherwise.
    public var object: String
    /// Its field that has the value.
    public var field: String
    /// The field of the row that names another object, and what its words stand for.
    public var kindField: String?
    public var kinds: [String: String]

    public init(object: String, field: String, kindField: String? = nil, kinds: [String: String] = [:]) {
        self.object = object
        self.field = field
        self.kindField = kindField
        self.kinds = kinds
    }
}

/// What a field takes. A value is cast to it, or its row is invalid with a reason.
public enum FieldType: Sendable, Hashable {
    case text
    /// HTML; a plain text is sent as it is.
    case richText
    case email
    case number
    case integer
    case boolean
    /// ISO 8601 date.
    case date
    /// ISO 8601 instant, written in UTC with milliseconds.
    case dateTime
    /// Days since 1970-01-01 as a number.
    case dayNumber
    /// One of these.
    case choice([String])
    /// A JSON array of texts.
    case textList
    /// A JSON array of texts out of these.
    case choiceList([String])
    /// Another record; `forms` are the ways a column may identify it.
    case reference(to: String, forms: [ReferenceForm])
    /// A JSON array of references, each the record's id or, where its form has `members`, an object with the id in it.
    case referenceList(to: String, forms: [ReferenceForm])
    /// Any JSON value, as it is.
    case any

    /// The word for help texts.
    public var word: String {
        switch self {
        case .text: "text"
        case .richText: "rich text"
        case .email: "email"
        case .number: "number"
        case .integer: "integer"
        case .boolean: "boolean"
        case .date: "date"
        case .dateTime: "date-time"
        case .dayNumber: "day number"
        case .choice: "choice"
        case .textList: "list of texts"
        case .choiceList: "list of choices"
        case .reference(let object, _): "reference to \(object)"
        case .referenceList(let object, _): "references to \(object)"
        case .any: "any"
        }
    }
}

/// One way to name the record that a reference points to.
public struct ReferenceForm: Sendable, Hashable {
    /// The word after `lookup:`; nil for the destination's own id, which needs none.
    public var lookup: String?
    /// Written before the value (`extid-`).
    public var prefix: String
    /// The field of the other object that the column's value is looked for in; what is written is then the id of the
    /// record that was found. Nil where the destination finds the record by itself.
    public var matchField: String?
    /// Values that differ only in case are one (e-mail addresses, domains).
    public var ignoresCase: Bool
    /// Where each record of a list stands in an object of its own: the names under which its id is written there. An
    /// element of a column that is such an object already is written as it is.
    public var members: [String] = []

    public init(lookup: String?, prefix: String) {
        self.lookup = lookup
        self.prefix = prefix
        matchField = nil
        ignoresCase = false
    }

    /// A form that is resolved by reading the other object.
    public init(lookup: String, matchField: String, ignoresCase: Bool = false) {
        self.lookup = lookup
        prefix = ""
        self.matchField = matchField
        self.ignoresCase = ignoresCase
    }
}
