internal import ConnectorKit
internal import Foundation

/// Reads a schedule: `{cron, timezone}`, `{every}` or `{after}`.
struct ScheduleDecoder {
    let log: DiagnosticLog

    func schedule(_ entry: ConfigNode.Entry) -> ScheduleDefinition? {
        guard
            let reader = MappingReader(
                entry.value, what: "`schedule`", at: entry.keyLocation, keys: ["cron", "timezone", "every", "after"],
                expected: "{cron: …}, {every: …} or {after: […]}", log: log)
        else { return nil }
        let kinds = ["cron", "every", "after"].compactMap { reader.entry($0) }
        guard kinds.count == 1, let kind = kinds.first else {
            log.error(
                code: kinds.isEmpty ? "missing_key" : "conflicting_keys",
                kinds.isEmpty
                    ? "`schedule` needs `cron`, `every` or `after`"
                    : "`schedule` has both `\(kinds[0].key)` and `\(kinds[1].key)`",
                hint: "keep exactly one of them", at: kinds.isEmpty ? entry.keyLocation : kinds[1].keyLocation)
            return nil
        }
        if kind.key != "cron", let zone = reader.entry("timezone") {
            log.error(
                code: "conflicting_keys", "`timezone` goes only with `cron`", hint: "remove the line",
                at: zone.keyLocation)
        }
        let trigger: ScheduleDefinition.Trigger? =
            switch kind.key {
            case "cron": cron(reader, at: kind)
            case "every": every(reader, at: kind)
            default: after(reader)
            }
        return trigger.map { ScheduleDefinition($0, location: kind.value.location) }
    }

    private func cron(_ reader: MappingReader, at entry: ConfigNode.Entry) -> ScheduleDefinition.Trigger? {
        let zone = zone(reader)
        guard let text = reader.text("cron", expected: "a cron line such as \"0 6 * * *\"") else { return nil }
        do {
            let cron = try CronExpression(text)
            return zone.map { .cron(cron, timeZone: $0) }
        } catch {
            log.error(
                code: "invalid_schedule", "the cron line `\(text.prefix(80))` is not valid: \(error.message)",
                hint: "minute hour day month weekday, such as \"0 6 * * mon-fri\"", at: entry.value.location)
            return nil
        }
    }

    private func zone(_ reader: MappingReader) -> String? {
        guard let entry = reader.entry("timezone") else { return "UTC" }
        guard let text = reader.text("timezone", expected: "a time zone such as Europe/Stockholm") else { return nil }
        if text == "UTC" { return text }
        let known = TimeZone.knownTimeZoneIdentifiers
        if known.contains(text) || (text.contains("/") && TimeZone(identifier: text) != nil) { return text }
        log.error(
            code: "invalid_schedule", "there is no time zone `\(text)`",
            hint: NearestName.among(known, to: text).map { "did you mean `\($0)`?" }
                ?? "write UTC or a name such as Europe/Stockholm", at: entry.value.location)
        return nil
    }

    private func every(_ reader: MappingReader, at entry: ConfigNode.Entry) -> ScheduleDefinition.Trigger? {
        guard let text = reader.text("every", expected: "a duration such as 15m") else { return nil }
        let seconds = EveryDuration.seconds(text)
        if let seconds, (EveryDuration.secondsMin...EveryDuration.secondsMax).contains(seconds) {
            return .every(seconds: seconds)
        }
        log.error(
            code: "invalid_schedule",
            seconds == nil
                ? "`\(text.prefix(40))` is not a duration" : "`every: \(text)` is not from 10 seconds to 366 days",
            hint: "write a number and s, m, h or d, such as 15m or 1h30m", at: entry.value.location)
        return nil
    }

    private func after(_ reader: MappingReader) -> ScheduleDefinition.Trigger? {
        guard let texts = reader.texts("after", expected: "a list of syncs") else { return nil }
        var names: [String] = []
        for (name, _) in texts where !names.contains(name) { names.append(name) }
        guard names.isEmpty else { return .after(names) }
        log.error(
            code: "invalid_schedule", "`after` names no sync", hint: "write `after: [SYNC]`",
            at: reader.value("after")?.location ?? reader.location)
        return nil
    }
}

/// Reads whom to tell: `{webhook, on}` or `{command, on}`.
struct NotifyDecoder {
    let log: DiagnosticLog
    let settings: SettingDecoder

    private static let keys = [
        "webhook", "command", "on", "form", "signing_secret", "allow_private", "send_for", "not_arrived_percent_min",
        "stale_after",
    ]

    func notify(_ entry: ConfigNode.Entry) -> NotifyDefinition? {
        guard
            let reader = MappingReader(
                entry.value, what: "`notify`", at: entry.keyLocation, keys: Self.keys,
                expected: "{webhook: …, on: […]} or {command: …, on: […]}", log: log)
        else { return nil }
        let events = events(reader)
        guard var notify = target(reader, events, entry) else { return nil }
        notify.form = reader.choice("form", of: NotifyDefinition.Form.self)
        notify.signingSecret = reader.entry("signing_secret").flatMap { settings.setting($0) }
        notify.allowsPrivate = reader.boolean("allow_private") ?? false
        if case .command = notify.target { refuseKeysOfWebhooks(reader) }
        if let frequency = reader.choice("send_for", of: NotifyDefinition.Frequency.self) {
            notify.sendFor = frequency
        }
        if let percent = reader.number("not_arrived_percent_min", in: 0...100) { notify.notArrivedPercentMin = percent }
        notify.staleAfterSeconds = staleAfter(reader)
        return notify
    }

    private func refuseKeysOfWebhooks(_ reader: MappingReader) {
        for entry in ["form", "signing_secret", "allow_private"].compactMap({ reader.entry($0) }) {
            log.error(
                code: "conflicting_keys", "`\(entry.key)` goes only with `webhook`", hint: "remove the line",
                at: entry.keyLocation)
        }
    }

    private func staleAfter(_ reader: MappingReader) -> Int? {
        guard let text = reader.text("stale_after", expected: "a duration such as 6h"),
            let entry = reader.entry("stale_after")
        else { return nil }
        if let seconds = EveryDuration.seconds(text), (60...EveryDuration.secondsMax).contains(seconds) {
            return seconds
        }
        log.error(
            code: "invalid_value", "`stale_after: \(text.prefix(40))` is not a duration from 1 minute to 366 days",
            hint: "write a number and s, m, h or d, such as 6h", at: entry.value.location)
        return nil
    }

    private func target(
        _ reader: MappingReader, _ events: [NotifyDefinition.Event], _ entry: ConfigNode.Entry
    ) -> NotifyDefinition? {
        switch (reader.entry("webhook"), reader.entry("command")) {
        case (.some(let webhook), nil):
            return settings.setting(webhook).map { definition(.webhook($0), events, entry) }
        case (nil, .some(let command)):
            return settings.setting(command).map { definition(.command($0), events, entry) }
        case (nil, nil):
            log.error(
                code: "missing_key", "`notify` needs `webhook` or `command`", hint: "write `webhook: \"${URL}\"`",
                at: entry.keyLocation)
        case (.some, .some(let command)):
            log.error(
                code: "conflicting_keys", "`notify` has both `webhook` and `command`", hint: "keep one of them",
                at: command.keyLocation)
        }
        return nil
    }

    private func definition(
        _ target: NotifyDefinition.Target, _ events: [NotifyDefinition.Event], _ entry: ConfigNode.Entry
    ) -> NotifyDefinition {
        NotifyDefinition(target, events: events, location: entry.keyLocation)
    }

    /// All of them where the project does not say.
    private func events(_ reader: MappingReader) -> [NotifyDefinition.Event] {
        guard let words = reader.texts("on", expected: "a list of events") else {
            return NotifyDefinition.Event.allCases
        }
        return words.compactMap { word, location in
            if let event = NotifyDefinition.Event(rawValue: word) { return event }
            log.error(
                code: "invalid_value", "`on` cannot be `\(word)`",
                hint: NearestName.hint(for: word, among: NotifyDefinition.Event.allCases.map(\.rawValue)),
                at: location)
            return nil
        }
    }
}
