package import ConnectorKit
package import Records

/// Casts one cell to what a field takes, as JSON bytes.
package enum Cast {
    /// Why a value cannot be cast; the row it is in is invalid.
    package struct Problem: Error, Sendable, Hashable {
        package var code: String
        package var message: String
        package var hint: String
    }

    /// Appends the JSON of `cell` as `type`. Null, and blank text where the field takes no text, is written `null`.
    /// Returns whether that was so.
    @inline(__always)
    package static func write(
        _ cell: Cell, as type: FieldType, reference: ReferenceRule = .prefix(""), to writer: inout ByteWriter
    ) throws(Problem) -> Bool {
        switch cell.kind {
        case .null:
            writer.append("null")
            return true
        case .unreadable:
            let reason = cell.reason
            throw Problem(code: reason.code, message: reason.message, hint: reason.hint)
        default:
            break
        }
        if let text = typeTakesBlank(type), !text, isBlank(cell) {
            writer.append("null")
            return true
        }
        try writeValue(cell, as: type, reference: reference, to: &writer)
        return false
    }

    private static func writeValue(
        _ cell: Cell, as type: FieldType, reference: ReferenceRule, to writer: inout ByteWriter
    ) throws(Problem) {
        switch type {
        case .text, .richText, .email: try TextCast.write(cell, prefix: "", to: &writer)
        case .any: try TextCast.writeAsIs(cell, to: &writer)
        case .number: try NumberCast.write(cell, to: &writer)
        case .integer: try NumberCast.writeInteger(cell, to: &writer)
        case .boolean: try NumberCast.writeBoolean(cell, to: &writer)
        case .date: try DateCast.writeDate(cell, to: &writer)
        case .dateTime: try DateCast.writeInstant(cell, to: &writer)
        case .dayNumber: try DateCast.writeDayNumber(cell, to: &writer)
        case .choice(let choices): try TextCast.writeChoice(cell, choices, to: &writer)
        case .textList: try ListCast(element: .text).write(cell, to: &writer)
        case .choiceList(let choices): try ListCast(element: .choice(choices)).write(cell, to: &writer)
        case .reference: try ReferenceCast.write(cell, reference, to: &writer)
        case .referenceList: try ListCast(element: .reference(reference)).write(cell, to: &writer)
        }
    }

    /// Nil or true where a blank text is a value of its own.
    @inline(__always)
    private static func typeTakesBlank(_ type: FieldType) -> Bool? {
        switch type {
        case .text, .richText, .email, .any: nil
        default: false
        }
    }

    private static func isBlank(_ cell: Cell) -> Bool {
        guard cell.kind == .text else { return false }
        return unsafe !cell.bytes.contains { $0 > 0x20 }
    }

    static func cannot(_ cell: Cell, be word: String, hint: String = "") -> Problem {
        var shown = Value(cell).text
        if shown.count > 60 { shown = shown.prefix(60) + "…" }
        return Problem(
            code: "cannot_cast", message: "\"\(shown)\" is not \(word).",
            hint: hint.isEmpty ? "Correct the value in the source, or cast the column in the dataset's SQL." : hint)
    }
}

/// Casts to texts, choices, lists and references.
enum TextCast {
    static func write(_ cell: Cell, prefix: String, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch cell.kind {
        case .text, .decimal, .uuid, .interval, .json, .array:
            writer.append(UInt8(ascii: "\""))
            if !prefix.isEmpty { writer.append(prefix) }
            unsafe JSONText.appendEscaped(cell.bytes, to: &writer)
            writer.append(UInt8(ascii: "\""))
        case .integer:
            writer.append(UInt8(ascii: "\""))
            if !prefix.isEmpty { writer.append(prefix) }
            writer.append(decimal: cell.integer)
            writer.append(UInt8(ascii: "\""))
        case .bytes:
            throw Cast.Problem(
                code: "binary_value", message: "The value is binary and the field takes text.",
                hint: "Encode the column in the dataset's SQL (for example as hexadecimal), or leave it out.")
        default:
            JSONText.appendString(prefix + Value(cell).text, to: &writer)
        }
    }

    /// The value as its own JSON kind, for fields that take anything.
    static func writeAsIs(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch cell.kind {
        case .false: writer.append("false")
        case .true: writer.append("true")
        case .integer: writer.append(decimal: cell.integer)
        case .double, .decimal: try NumberCast.write(cell, to: &writer)
        case .json, .array: unsafe writer.append(cell.bytes)
        case .date: try DateCast.writeDate(cell, to: &writer)
        case .timestamp, .localTimestamp: try DateCast.writeInstant(cell, to: &writer)
        default: try write(cell, prefix: "", to: &writer)
        }
    }

    /// Appends one of the choices.
    static func writeChoice(
        _ cell: Cell, _ choices: [String], to writer: inout ByteWriter
    ) throws(Cast.Problem) {
        guard cell.kind != .bytes else { return try write(cell, prefix: "", to: &writer) }
        try ChoiceCast.write(Value(cell).text, choices, to: &writer)
    }
}

/// Casts to numbers and booleans.
enum NumberCast {
    static func write(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch cell.kind {
        case .integer: writer.append(decimal: cell.integer)
        case .double:
            guard cell.double.isFinite else { throw notFinite(cell) }
            JSONText.append(cell.double, to: &writer)
        case .decimal:
            let bytes = unsafe cell.bytes
            guard let last = unsafe bytes.last, last >= 48, last <= 57 else { throw notFinite(cell) }
            guard unsafe isInRange(bytes) else { throw tooLarge(cell) }
            unsafe writer.append(bytes)
        case .text:
            guard let number = unsafe jsonNumber(cell.bytes) else { throw Cast.cannot(cell, be: "a number") }
            guard unsafe isInRange(number) else { throw tooLarge(cell) }
            unsafe writer.append(number)
        default: throw Cast.cannot(cell, be: "a number")
        }
    }

    static func writeInteger(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        guard let number = WholeNumber.read(cell) else { throw Cast.cannot(cell, be: "a whole number") }
        writer.append(decimal: number)
    }

    static func writeBoolean(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        switch cell.kind {
        case .false: writer.append("false")
        case .true: writer.append("true")
        case .integer where cell.integer == 0 || cell.integer == 1: writer.append(cell.integer == 1 ? "true" : "false")
        case .text:
            switch Value(cell).text.trimmingBlanks.lowercased() {
            case "true", "t", "yes", "y", "on", "1": writer.append("true")
            case "false", "f", "no", "n", "off", "0": writer.append("false")
            default: throw Cast.cannot(cell, be: "true or false")
            }
        default: throw Cast.cannot(cell, be: "true or false")
        }
    }

    private static func notFinite(_ cell: Cell) -> Cast.Problem {
        Cast.Problem(
            code: "not_finite", message: "\(Value(cell).text) cannot be written: JSON has no such number.",
            hint: "Replace NaN and infinities with null in the dataset's SQL.")
    }

    private static func tooLarge(_ cell: Cell) -> Cast.Problem {
        Cast.cannot(
            cell, be: "a number that a destination can hold",
            hint: "It is beyond 1.8e308, where what reads it makes it infinite. Correct the value in the source.")
    }

    /// Whether readers that keep numbers as doubles read a finite one. Only long texts and exponents can be beyond.
    private static func isInRange(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard unsafe bytes.count > 300 || bytes.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return true }
        return unsafe Double(String(decoding: bytes, as: UTF8.self))?.isFinite ?? false
    }

    /// The part of `bytes` that is a JSON number, blanks around it left out; nil if it is anything else.
    static func jsonNumber(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let first = unsafe bytes.firstIndex(where: { $0 > 0x20 }),
            let last = unsafe bytes.lastIndex(where: { $0 > 0x20 })
        else { return nil }
        let trimmed = unsafe UnsafeRawBufferPointer(rebasing: bytes[first...last])
        return unsafe isJSONNumber(trimmed) ? trimmed : nil
    }

    private static func isJSONNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        func digits() -> Int {
            let start = place
            while place < bytes.count, unsafe bytes[place] >= 48, unsafe bytes[place] <= 57 { place += 1 }
            return place - start
        }
        if unsafe bytes[0] == UInt8(ascii: "-") { place = 1 }
        let leading = place
        let whole = digits()
        guard whole > 0, whole == 1 || (unsafe bytes[leading] != 48) else { return false }
        if place < bytes.count, unsafe bytes[place] == UInt8(ascii: ".") {
            place += 1
            guard digits() > 0 else { return false }
        }
        if place < bytes.count, unsafe bytes[place] | 0x20 == UInt8(ascii: "e") {
            place += 1
            if place < bytes.count, unsafe bytes[place] == 43 || bytes[place] == 45 { place += 1 }
            guard digits() > 0 else { return false }
        }
        return place == bytes.count
    }
}

/// Casts to dates and instants. Times without a zone count as UTC. The date of a text with an offset is the one that is
/// written in it; a timestamp with a zone is a point of time, whose date is that of UTC.
enum DateCast {
    static func writeDate(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        let days = try days(cell)
        writer.append(UInt8(ascii: "\""))
        JSONText.appendDate(days, to: &writer)
        writer.append(UInt8(ascii: "\""))
    }

    static func writeDayNumber(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        guard let number = WholeNumber.read(cell) else { return writer.append(decimal: try days(cell)) }
        guard Calendar.isISO(days: number) else { throw noDayNumber(cell) }
        writer.append(decimal: number)
    }

    static func writeInstant(_ cell: Cell, to writer: inout ByteWriter) throws(Cast.Problem) {
        let micros: Int64
        switch cell.kind {
        case .timestamp, .localTimestamp: micros = cell.integer
        case .date: micros = try days(cell) * Calendar.microsPerDay
        case .text:
            guard let instant = unsafe ISOInstant(trimmed(cell.bytes)) else { throw notADate(cell) }
            micros = instant.micros
        default: throw notADate(cell)
        }
        guard micros != .max, micros != .min, Calendar.isISO(days: Calendar.split(micros).days) else {
            throw outOfRange(cell)
        }
        writer.append(UInt8(ascii: "\""))
        JSONText.appendInstant(micros, to: &writer)
        writer.append(UInt8(ascii: "\""))
    }

    private static func days(_ cell: Cell) throws(Cast.Problem) -> Int64 {
        let days: Int64
        switch cell.kind {
        case .date: days = cell.integer
        case .timestamp, .localTimestamp: days = Calendar.split(cell.integer).days
        case .text:
            guard let instant = unsafe ISOInstant(trimmed(cell.bytes)) else { throw notADate(cell) }
            days = instant.days
        default: throw notADate(cell)
        }
        guard Calendar.isISO(days: days) else { throw outOfRange(cell) }
        return days
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let first = unsafe bytes.firstIndex(where: { $0 > 0x20 }),
            let last = unsafe bytes.lastIndex(where: { $0 > 0x20 })
        else { return unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<0]) }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[first...last])
    }

    private static func notADate(_ cell: Cell) -> Cast.Problem {
        Cast.cannot(cell, be: "a date", hint: "Give dates as YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, or as a date column.")
    }

    /// `20260131`, most often.
    private static func noDayNumber(_ cell: Cell) -> Cast.Problem {
        Cast.Problem(
            code: "date_out_of_range",
            message: "\(Value(cell).text) is no number of days since 1970-01-01 of a date in the years 1 to 9999.",
            hint: "Give the date as YYYY-MM-DD or as a date column, or count the days in the dataset's SQL.")
    }

    private static func outOfRange(_ cell: Cell) -> Cast.Problem {
        Cast.Problem(
            code: "date_out_of_range",
            message: "\(Value(cell).text) cannot be written: the destination takes the years 1 to 9999.",
            hint: "Replace infinities and far dates with null in the dataset's SQL.")
    }
}

extension String {
    package var trimmingBlanks: String {
        var text = Substring(self)
        while let first = text.unicodeScalars.first, first.value <= 0x20 { text.unicodeScalars.removeFirst() }
        while let last = text.unicodeScalars.last, last.value <= 0x20 { text.unicodeScalars.removeLast() }
        return String(text)
    }
}
