internal import Foundation

/// The sandbox's state in a file of JSON lines: a first line that says what it is, one line for each record, and a last
/// line with their number. Written aside and renamed, so a reader sees the old file or the new one, never a half.
struct DataFile: Sendable {
    /// Two since activities and metrics are in it; files of version one are read too.
    static let version = 2
    let path: String

    /// Reads the file into a state; nil where there is no file.
    func read(switches: SandboxSwitches) throws(SandboxError) -> StoreState? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes: [UInt8]
        do {
            bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw SandboxError(
                .dataUnreadable, "the data file \(path) cannot be read: \(error.localizedDescription)",
                hint: "check that it is a file and that you may read it")
        }
        var loader = DataLoader(switches: switches)
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            do throws(DataLoader.Problem) {
                try loader.read(Array(line), isFirst: index == 0)
            } catch {
                throw corrupt("line \(index + 1): \(error.message)")
            }
        }
        guard loader.isComplete else { throw corrupt("it ends early, after line \(lines.count)") }
        return loader.finish()
    }

    /// - Throws: `sandbox_data_unwritable`.
    func write(_ state: StoreState) throws(SandboxError) {
        let aside = path + ".new"
        do {
            let manager = FileManager.default
            _ = manager.createFile(atPath: aside, contents: nil, attributes: [.posixPermissions: 0o600])
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: aside))
            try writeLines(state) { try file.write(contentsOf: Data($0)) }
            try file.synchronize()
            try file.close()
            if unsafe rename(aside, path) != 0 { throw CocoaError(.fileWriteUnknown) }
        } catch {
            throw SandboxError(
                .dataUnwritable, "the data file \(path) cannot be written: \(error.localizedDescription)",
                hint: "check that its folder exists, that you may write there and that the disk is not full")
        }
    }

    private func writeLines(_ state: StoreState, _ flush: ([UInt8]) throws -> Void) throws {
        var out = JSONWriter(capacity: 1 << 20)
        out.open("{")
        out.member("planhat_sandbox", Self.version)
        out.close("}")
        out.lineFeed()
        var count = 0
        for model in SandboxModel.allCases where model.storage == model {
            let writer = RecordWriter(model, .bare, state)
            for (number, record) in state[model].records.enumerated() {
                guard let record else { continue }
                count += 1
                out.open("{")
                out.member("model", model.path)
                out.member("created", Int(record.createdAt))
                out.member("updated", Int(record.updatedAt))
                out.name("record")
                writer.write(number, record, to: &out)
                out.close("}")
                out.lineFeed()
                if out.bytes.count > 1 << 20 { try flush(out.take()) }
            }
        }
        for piece in state.events.activityLines.pieces {
            for line in piece.split(separator: 0x0A) {
                count += 1
                out.open("{")
                out.member("activity", raw: line)
                out.close("}")
                out.lineFeed()
            }
            if out.bytes.count > 1 << 20 { try flush(out.take()) }
        }
        for row in state.events.metricTable.rows {
            count += 1
            out.open("{")
            out.name("metric")
            out.open("{")
            MetricRules.writeLine(row, state.events.metricTable, to: &out)
            out.close("}")
            out.close("}")
            out.lineFeed()
            if out.bytes.count > 1 << 20 { try flush(out.take()) }
        }
        out.open("{")
        out.member("records", count)
        out.close("}")
        out.lineFeed()
        try flush(out.take())
    }

    private func corrupt(_ what: String) -> SandboxError {
        SandboxError(
            .dataCorrupt, "the data file \(path) is damaged: \(what)",
            hint: "put back a copy, or delete the file to start empty")
    }
}

/// Takes a data file's lines, one after the other.
private struct DataLoader {
    struct Problem: Error {
        let message: String
    }

    private var state: StoreState
    private var count = 0
    private(set) var isComplete = false

    init(switches: SandboxSwitches) { state = StoreState(switches: switches) }

    consuming func finish() -> StoreState {
        state.readCustomFields()
        return state
    }

    mutating func read(_ line: [UInt8], isFirst: Bool) throws(Problem) {
        guard !isComplete else { throw Problem(message: "something follows the last line") }
        let parts: [String: [UInt8]]
        do {
            parts = try Self.members(line)
        } catch {
            throw Problem(message: error.message)
        }
        if isFirst {
            guard let version = parts["planhat_sandbox"] else { throw Problem(message: "not a file of the sandbox") }
            guard ["1", String(DataFile.version)].contains(where: { version.elementsEqual($0.utf8) }) else {
                throw Problem(message: "written by another version of the sandbox")
            }
        } else if let total = parts["records"] {
            guard total.elementsEqual(String(count).utf8) else {
                throw Problem(message: "records are missing before it")
            }
            isComplete = true
        } else if let line = parts["activity"] ?? parts["metric"] {
            try restore(line, isActivity: parts["activity"] != nil)
            count += 1
        } else {
            try place(parts)
        }
    }

    private mutating func restore(_ line: [UInt8], isActivity: Bool) throws(Problem) {
        do throws(PayloadError) {
            if isActivity { return try ActivityRules.restore(line, in: &state) }
            let fields = try EventFields.read(line)
            guard fields.count == 1, MetricRules.restore(fields[0], in: &state) else {
                throw PayloadError.notAnObject
            }
        } catch {
            throw Problem(message: isActivity ? "not an activity" : "not a metric")
        }
    }

    private mutating func place(_ parts: [String: [UInt8]]) throws(Problem) {
        guard let path = parts["model"], let model = SandboxModel.named(JSONText.plain(path[...])),
            let created = Self.number(parts["created"]), let updated = Self.number(parts["updated"]),
            let row = parts["record"]
        else { throw Problem(message: "not a record") }
        let payload: Payload
        do {
            payload = try Payload.row(row, &state.names)
        } catch {
            throw Problem(message: error.message)
        }
        var number: Int?
        var bytes: [UInt8] = []
        var company: UInt32 = 0
        for field in payload.fields {
            let value = payload.value(field)
            switch Property(rawValue: field.name) {
            case .id: number = RecordID.number(JSONText.inner(value), of: model)
            case .companyId, .cId:
                company = UInt32(1 + (RecordID.number(JSONText.inner(value), of: .companies) ?? -1))
            case .createdAt, .updatedAt: break
            default: StoredRecord.append(field.name, value, to: &bytes)
            }
        }
        guard let number, number < 100_000_000 else { throw Problem(message: "the record's _id is not one of ours") }
        var record = StoredRecord(fields: bytes, createdAt: created)
        record.updatedAt = updated
        record.company = company
        guard state.tables[model.rawValue].place(record, at: number) else {
            throw Problem(message: "the _id is there twice")
        }
        count += 1
    }

    private static func number(_ bytes: [UInt8]?) -> Int64? {
        bytes.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
    }

    private static func members(_ line: [UInt8]) throws(JSONError) -> [String: [UInt8]] {
        var reader = try JSONReader(line)
        guard try reader.peek() == .object else { throw reader.failure("not an object") }
        var found: [String: [UInt8]] = [:]
        var isMore = try reader.enter(.object)
        while isMore {
            var name: [UInt8] = []
            try reader.copyName(into: &name)
            var value: [UInt8] = []
            try reader.copyValue(into: &value)
            found[JSONText.plain(name[...])] = value
            isMore = try reader.hasNext(in: .object)
        }
        try reader.expectEnd()
        return found
    }
}
