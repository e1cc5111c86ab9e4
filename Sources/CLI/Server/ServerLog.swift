internal import ConnectorKit
internal import Foundation
internal import Glibc
internal import Logging
internal import Runner
internal import StateStore
internal import Synchronization

/// The log of a server: one line for each event on standard error, as text or as JSON, no secret in any of them.
struct ServerLog: LogHandler {
    enum Format: String, CaseIterable {
        case text, json
        /// The message alone, for commands that people run.
        case note

        /// As SLUICE_LOG_FORMAT names it.
        static func named(_ word: String) throws -> Format {
            guard let format = Format(rawValue: word), format != .note else {
                throw RunError(
                    code: "invalid_option", message: "SLUICE_LOG_FORMAT cannot be \(word).", hint: "It is text or json."
                )
            }
            return format
        }
    }

    let format: Format
    let redaction: Redaction
    /// Which of the program's parts speaks; left out of the text where it is sluice itself.
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    /// Where the lines go, whole ones with their line break.
    var write: @Sendable (String) -> Void = { Output.write($0, to: STDERR_FILENO) }

    init(label: String, format: Format, redaction: Redaction) {
        self.label = label
        self.format = format
        self.redaction = redaction
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, given in given }
        let at = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)).text
        let message = redaction.clean(event.message.description)
        switch format {
        case .text:
            let shown = all.sorted { $0.key < $1.key }
                .map { " \($0.key)=\(Self.word(redaction.clean("\($0.value)")))" }.joined()
            write("\(at) \(event.level) \(Self.line(message))\(shown)\n")
        case .note:
            if event.level >= .warning { write(Self.line(message) + "\n") }
        case .json:
            var fields = all.mapValues { LogField($0, redaction) }
            fields["at"] = .text(at)
            fields["level"] = .text(event.level.rawValue)
            fields["message"] = .text(message)
            fields["logger"] = .text(label)
            write(Self.json(fields) + "\n")
        }
    }

    /// Who reads the log line by line must not be made to see lines that nobody wrote.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == "\u{1B}" ? " " : $0 })
    }

    private static func word(_ text: String) -> String {
        let text = line(text)
        guard text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return text }
        return "\"" + text.replacing("\"", with: "\\\"") + "\""
    }

    private static func json(_ fields: [String: LogField]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(fields), as: UTF8.self)
        } catch {
            return "{\"level\":\"error\",\"message\":\"a line of the log could not be written\"}"
        }
    }
}

/// One field of a line of JSON: what was given as a number or as a truth is one there too.
private enum LogField: Encodable {
    case text(String)
    case number(Int64)
    case truth(Bool)

    init(_ value: Logger.MetadataValue, _ redaction: Redaction) {
        guard case .stringConvertible(let given) = value else {
            self = .text(redaction.clean("\(value)"))
            return
        }
        switch given {
        case let number as Int: self = .number(Int64(number))
        case let number as Int64: self = .number(number)
        case let truth as Bool: self = .truth(truth)
        default: self = .text(redaction.clean("\(given)"))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .truth(let truth): try container.encode(truth)
        }
    }
}

/// Takes the secrets that the program knows out of texts. Shared by whoever writes; the secrets may change.
final class Redaction: Sendable {
    /// A shorter one would stand in ordinary words and numbers.
    static let secretBytesMin = 8

    private let words = Mutex<[String]>([])

    /// From now on these are taken out, and those of before as well: a run that is going may still use one.
    func add(_ secrets: [Secret]) {
        let new = secrets.map { $0.reveal() }.filter { $0.utf8.count >= Self.secretBytesMin }
        words.withLock { words in
            // The longest first: one may be a part of another.
            words = Set(words + new).sorted { ($0.count, $0) > ($1.count, $1) }
        }
    }

    func clean(_ text: String) -> String {
        words.withLock { $0 }.reduce(text) { text, word in
            text.contains(word) ? text.replacing(word, with: "[secret]") : text
        }
    }
}
