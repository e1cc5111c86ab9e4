internal import Records

/// Makes a reason out of what Planhat says of a refused row, in whatever shape it says it.
enum RefusalText {
    static let charactersMax = 500

    static func reason(_ entry: PlanhatEnvelope.Entry, object: String) -> Reason {
        let said = text(of: entry.value)
        let isPermission = entry.list == "permissionErrors"
        let unsaid =
            isPermission
            ? "The API key may not write \(object)." : "Planhat refused the record and does not say why."
        return Reason(
            code: isPermission ? "forbidden" : "refused_by_destination", message: said.isEmpty ? unsaid : said,
            hint: hint(for: said, isPermission: isPermission, object: object))
    }

    static func dropped(object: String) -> Reason {
        let hint =
            object == "end_user"
            ? "Planhat ignores an end user for whom it finds no company: map companyId, and sync the company first."
            : "Check that the key and the required fields have values."
        return Reason(
            code: "dropped_by_destination",
            message: "Planhat took the request but neither wrote the record nor refused it.", hint: hint)
    }

    /// What refused a removal, in whatever way the record is taken away: there is no row that could be corrected.
    static func removal(_ reason: Reason) -> Reason {
        guard reason.hint == correctRow else { return reason }
        var reason = reason
        reason.hint =
            "Correct the record in Planhat, or remove it there. The next run that reads the whole dataset tries it "
            + "again; with `incremental` that is the next complete scan."
        return reason
    }

    static let ambiguous = Reason(
        code: "ambiguous_key", message: "More than one record of Planhat could be meant by this key; none was removed.",
        hint: "Let a key find it that is unique: sourceId, or Planhat's own _id.")

    static func unaccounted(_ count: Int) -> Reason {
        Reason(
            code: "dropped_by_destination",
            message: "Planhat's answer leaves \(count) records unaccounted for and does not say which.",
            hint: "The records are sent in smaller batches until each is known.")
    }

    /// The words of an entry: a string, one of the usual members, or the entry's own JSON; empty if it says nothing.
    static func text(of value: JSONValue) -> String {
        cut(words(of: value, depth: 0) ?? (saysNothing(value) ? "" : compact(value)))
    }

    private static func saysNothing(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .object([]), .array([]): true
        case .string(let text): text.trimmed().isEmpty
        default: false
        }
    }

    static func cut(_ text: String) -> String {
        let text = text.trimmed()
        return text.count <= charactersMax ? text : text.prefix(charactersMax - 1) + "…"
    }

    private static func words(of value: JSONValue, depth: Int) -> String? {
        guard depth < 4 else { return nil }
        switch value {
        case .string(let text): return text.trimmed().isEmpty ? nil : text
        case .array(let parts):
            let texts = parts.prefix(10).compactMap { words(of: $0, depth: depth + 1) }
            return texts.isEmpty ? nil : texts.joined(separator: "; ")
        case .object(let members):
            for name in ["message", "errmsg", "error", "reason", "description", "detail", "msg", "errors"] {
                if let found = value[name].flatMap({ words(of: $0, depth: depth + 1) }) { return found }
            }
            // Validation errors are often an object of one error for each field.
            guard depth > 0 else { return nil }
            let texts = members.prefix(10).compactMap { words(of: $0.value, depth: depth + 1) }
            return texts.isEmpty ? nil : texts.joined(separator: "; ")
        default: return nil
        }
    }

    private static func compact(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let digits): digits
        case .string(let text): "\"\(text)\""
        case .array(let parts): "[" + parts.prefix(20).map(compact).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.prefix(20).map { "\($0.name): \(compact($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    private static func hint(for said: String, isPermission: Bool, object: String) -> String {
        let text = said.lowercased()
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if isPermission || says("permission", "not allowed", "not permitted", "forbidden") {
            return "Give the service account permission to create and update \(object) in Planhat."
        }
        if says("duplicat", "e11000", "already exists", "must be unique") {
            return "Another record in Planhat already has a value that must be unique, such as its external id, "
                + "source id or email. Correct one of the two."
        }
        if text.contains("compan"), says("not found", "does not exist", "no company", "unknown", "not exist") {
            return
                "The company is not in Planhat under that id. Sync companies first, and check the lookup of companyId."
        }
        if says("required", "missing", "is mandatory", "cannot be empty") {
            return "Planhat needs a field that is not mapped or empty in this row."
        }
        if says("cast to", "invalid", "not a valid", "must be", "not valid", "wrong type", "out of range") {
            return "Planhat does not take one of the values: compare it with the field's type in Planhat."
        }
        return correctRow
    }

    private static let correctRow =
        "Correct the row at the source, or the field in Planhat; it is tried again by the next run."
}
