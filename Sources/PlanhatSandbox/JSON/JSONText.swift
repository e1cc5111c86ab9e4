/// Small readings of canonical JSON values (the form that `JSONReader` copies out).
enum JSONText {
    /// What stands between the quotes of a canonical string, escapes and all; the bytes themselves of anything else.
    static func inner(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard value.first == UInt8(ascii: "\""), value.count >= 2 else { return value }
        return value.dropFirst().dropLast()
    }

    /// The canonical bytes between the quotes of a string that says `text`.
    static func inner(of text: String) -> ArraySlice<UInt8> {
        var quoted: [UInt8] = []
        JSONWriter.appendString(text, to: &quoted)
        return inner(quoted[...])
    }

    /// A value as text for people: a string without its quotes and escapes, anything else as its JSON.
    static func plain(_ value: ArraySlice<UInt8>) -> String {
        let text = inner(value)
        guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
        var result = ""
        var isEscaped = false
        var iterator = String(decoding: text, as: UTF8.self).unicodeScalars.makeIterator()
        while let scalar = iterator.next() {
            if isEscaped {
                isEscaped = false
                result.unicodeScalars.append(unescaped(scalar, rest: &iterator))
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func unescaped(
        _ scalar: Unicode.Scalar,
        rest: inout String.UnicodeScalarView.Iterator
    ) -> Unicode.Scalar {
        switch scalar {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "u":
            var value: UInt32 = 0
            for _ in 0..<4 {
                value = value << 4 | UInt32(rest.next().flatMap { Character($0).hexDigitValue } ?? 0)
            }
            return Unicode.Scalar(value) ?? "\u{FFFD}"
        default: return scalar
        }
    }

    /// The elements of a canonical array, each as its canonical bytes. Empty for anything else.
    static func elements(_ value: ArraySlice<UInt8>) -> [[UInt8]] {
        var result: [[UInt8]] = []
        do {
            var reader = try JSONReader(Array(value))
            guard try reader.peek() == .array else { return [] }
            var isMore = try reader.enter(.array)
            while isMore {
                var element: [UInt8] = []
                try reader.copyValue(into: &element)
                result.append(element)
                isMore = try reader.hasNext(in: .array)
            }
        } catch {
            return []
        }
        return result
    }

    /// The value of one property of an object; nil where the object has none, or the text is another value.
    static func member(_ wanted: String, of text: [UInt8]) throws(JSONError) -> [UInt8]? {
        var found: [UInt8]?
        var reader = try JSONReader(text)
        if try reader.peek() == .object {
            var isMore = try reader.enter(.object)
            while isMore {
                var name: [UInt8] = []
                try reader.copyName(into: &name)
                var value: [UInt8] = []
                try reader.copyValue(into: &value)
                if plain(name[...]) == wanted { found = value }
                isMore = try reader.hasNext(in: .object)
            }
        } else {
            var value: [UInt8] = []
            try reader.copyValue(into: &value)
        }
        try reader.expectEnd()
        return found
    }

    /// A canonical array of canonical values.
    static func array(_ elements: [[UInt8]]) -> ArraySlice<UInt8> {
        [UInt8(ascii: "[")] + elements.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
    }

    /// A number as JSON, whole where it is whole.
    static func number(_ value: Double) -> [UInt8] {
        let rounded = (value * 100).rounded() / 100
        if let whole = Int(exactly: rounded) { return Array(String(whole).utf8) }
        return Array(String(rounded).utf8)
    }

    /// A number as JSON with all its digits, whole where it is whole.
    static func exact(_ value: Double) -> [UInt8] {
        if let whole = Int(exactly: value) { return Array(String(whole).utf8) }
        return Array(String(value).utf8)
    }

    /// Whether two canonical values say the same: equal bytes, or two numbers of one value (`1` and `1.0`).
    static func isEqual(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        if left.elementsEqual(right) { return true }
        guard isNumber(left), isNumber(right), !(isDigits(left) && isDigits(right)) else { return false }
        guard let first = Double(String(decoding: left, as: UTF8.self)),
            let second = Double(String(decoding: right, as: UTF8.self))
        else { return false }
        return first == second
    }

    /// Whole numbers are compared as written: as doubles, large neighbours would be one.
    private static func isDigits(_ value: ArraySlice<UInt8>) -> Bool {
        value.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    static func isNumber(_ value: ArraySlice<UInt8>) -> Bool {
        guard let first = value.first else { return false }
        return first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    }
}
