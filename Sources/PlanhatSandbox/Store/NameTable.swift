internal import Records

/// Numbers for property names, so that a record keeps two bytes and not the name. The numbers of `Property` come first,
/// custom names as they turn up.
struct NameTable {
    struct Name {
        let text: String
        let isCustom: Bool
        /// The name as JSON, with quotes and colon.
        let key: [UInt8]
    }

    private(set) var names: [Name] = []
    private var topLevel: [Hash128: UInt16] = [:]
    private var custom: [Hash128: UInt16] = [:]

    init() {
        for property in Property.allCases {
            let inner = JSONText.inner(of: property.text)
            topLevel[KeyHash.of(inner)] = UInt16(names.count)
            names.append(Self.name(inner, isCustom: false))
        }
    }

    /// The number of a known top-level property; `inner` is its canonical text without quotes.
    func property(_ inner: ArraySlice<UInt8>) -> UInt16? { topLevel[KeyHash.of(inner)] }

    /// The number of a custom field's name, made where it is new. Nil when there are 60,000 already.
    mutating func customName(_ inner: ArraySlice<UInt8>) -> UInt16? {
        let hash = KeyHash.of(inner)
        if let known = custom[hash] { return known }
        guard names.count < 60_000 else { return nil }
        let number = UInt16(names.count)
        custom[hash] = number
        names.append(Self.name(inner, isCustom: true))
        return number
    }

    /// The number of a custom field's name if it was ever used.
    func knownCustomName(_ text: String) -> UInt16? { custom[KeyHash.of(JSONText.inner(of: text))] }

    private static func name(_ inner: ArraySlice<UInt8>, isCustom: Bool) -> Name {
        let quoted = [UInt8(ascii: "\"")] + inner + [UInt8(ascii: "\"")]
        return Name(text: JSONText.plain(quoted[...]), isCustom: isCustom, key: quoted + [UInt8(ascii: ":")])
    }
}
