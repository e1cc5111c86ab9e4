internal import ProjectConfig

/// A schedule as people say it: every 15 minutes, each day at 06:00, after another sync.
struct ScheduleForm: Sendable {
    enum Kind: String, CaseIterable {
        case none, every, daily, weekly, cron, after
    }

    var kind = Kind.none
    var count = 15
    /// `m`, `h`, `d`.
    var unit = "m"
    var time = "06:00"
    /// 0 is Sunday, as in a cron line.
    var day = 1
    var cron = ""
    var zone = "UTC"
    /// The syncs that come before it, all of them.
    var after: [String] = []

    static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    init(_ form: Fields) {
        kind = form["kind"].flatMap { Kind(rawValue: $0) } ?? .none
        count = form.number("count") ?? 0
        unit = form["unit"] ?? unit
        time = form["time"] ?? time
        day = form.number("day") ?? day
        cron = form["cron"] ?? ""
        zone = form["zone"] ?? "UTC"
        for name in form.all("after") where !name.isEmpty && !after.contains(name) { after.append(name) }
    }

    init(_ schedule: ScheduleDefinition?) {
        switch schedule?.trigger {
        case nil: kind = .none
        case .every(let seconds): takeEvery(seconds)
        case .after(let names): (kind, after) = (.after, names)
        case .cron(let expression, let zone):
            (kind, cron, self.zone) = (.cron, expression.text, zone)
            takeDay(expression.text)
        }
    }

    private mutating func takeEvery(_ seconds: Int) {
        kind = .every
        for (word, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] where seconds % size == 0 {
            (count, unit) = (seconds / size, word)
            return
        }
        (count, unit) = (seconds, "s")
    }

    /// A cron line that says one time of each day or of one day a week.
    private mutating func takeDay(_ text: String) {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count == 5, let minute = Int(parts[0]), let hour = Int(parts[1]), parts[2] == "*",
            parts[3] == "*"
        else { return }
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        if parts[4] == "*" {
            (kind, time) = (.daily, two(hour) + ":" + two(minute))
        } else if let day = Int(parts[4]), (0...6).contains(day) {
            (kind, self.day, time) = (.weekly, day, two(hour) + ":" + two(minute))
        }
    }

    /// Nil for none.
    var value: DefinitionValue? {
        switch kind {
        case .none: return nil
        case .every: return .mapping([.init("every", .text("\(count)\(unit)"))])
        case .after: return .mapping([.init("after", .list(after.map { .text($0) }))])
        case .cron: return Self.cron(cron, zone)
        case .daily, .weekly:
            let parts = time.split(separator: ":").map(String.init)
            let hour = parts.first.flatMap { Int($0) }.map(String.init) ?? time
            let minute = parts.count > 1 ? Int(parts[1]).map(String.init) ?? parts[1] : "0"
            return Self.cron("\(minute) \(hour) * * \(kind == .daily ? "*" : String(day))", zone)
        }
    }

    private static func cron(_ line: String, _ zone: String) -> DefinitionValue {
        .mapping([.init("cron", .text(line)), .init("timezone", .text(zone))])
    }

    /// The input that a problem of the definition is shown at.
    func input(_ field: [String]) -> String {
        if field.last == "timezone" { return "zone" }
        return switch kind {
        case .every: "count"
        case .daily, .weekly: "time"
        case .after: "after"
        case .cron, .none: "cron"
        }
    }

    static let units: [(value: String, label: String)] = [
        ("m", "minutes"), ("h", "hours"), ("d", "days"),
    ]

    // MARK: The form's inputs

    func html(others: [String], problems: [FormProblem]) -> HTML {
        func radio(_ kind: Kind, _ label: HTML, _ inputs: HTML = .empty, input: String = "") -> HTML {
            let checked: HTML = kind == self.kind ? " checked" : .empty
            let wrong = problems.filter { !input.isEmpty && $0.input == input && kind == self.kind }.html { problem in
                "<span class=\"said\" id=\"wrong-\(input)\">\(IconView.icon(.bad))<span>\(Prose.sentences(problem))</span></span>"
            }
            return """
                <li class="radio"><input type="radio" id="kind-\(kind.rawValue)" name="kind" value="\(kind.rawValue)"\(checked)><label for="kind-\(kind.rawValue)">\(label)</label>\(inputs)\(wrong)</li>
                """
        }
        func described(_ input: String) -> HTML {
            problems.contains { $0.input == input }
                ? " aria-invalid=\"true\" aria-describedby=\"wrong-\(input)\"" : .empty
        }
        var units = Self.units
        if unit == "s" { units.append(("s", "seconds")) }
        let every: HTML = """
            <span><input id="count" name="count" type="number" min="1" value="\(count)" aria-label="How many"\(described("count"))><select id="unit" name="unit" aria-label="Of what">\(EntryView.options(units, unit))</select></span>
            """
        let at: HTML = """
            <span><input id="time" name="time" type="time" value="\(time)" aria-label="Time of day"\(described("time"))></span>
            """
        let weekday: HTML = """
            <span><select id="day" name="day" aria-label="Day of the week">\(EntryView.options(Self.days.enumerated().map { (String($0.offset), $0.element) }, String(day)))</select></span>
            """
        let line: HTML = """
            <span><input id="cron" name="cron" value="\(cron)" placeholder="0 6 * * mon-fri" aria-label="Cron line"\(described("cron")) spellcheck="false"></span>
            """
        var zoneEntry = EntryView(
            "Time zone", "zone", value: zone,
            help: "Of the time of day: UTC, or such as Europe/Stockholm.")
        zoneEntry.problems = problems
        let parents: HTML =
            others.isEmpty
            ? .empty
            : radio(.after, "After other syncs", parents(others, described("after")), input: "after")
        return """
            <fieldset><legend class="hidden">When it runs</legend><ul class="radios">\(radio(.none, "Only by hand"))\(radio(.every, "Every", every, input: "count"))\(radio(.daily, "Every day at", at, input: "time"))\(radio(.weekly, "Once a week, at that time on", weekday))\(parents)\(radio(.cron, "By a cron line", line, input: "cron"))</ul></fieldset>\(zoneEntry.text())
            """
    }

    /// Those that there are, each to be taken out, and one more to choose.
    private func parents(_ others: [String], _ described: HTML) -> HTML {
        let kept = after.enumerated().html { index, name in
            """
            <span class="tick"><input type="checkbox" id="after-\(index)" name="after" value="\(name)" checked><label for="after-\(index)">\(name)</label></span>
            """
        }
        var options = others.filter { !after.contains($0) }.map { (value: $0, label: $0) }
        if !after.isEmpty { options.insert((value: "", label: "and another"), at: 0) }
        let label: HTML = after.isEmpty ? "Which sync" : "Which other sync"
        let isTyped = options.count > FormView.namesMax
        let more: HTML =
            options.count < 2 && !after.isEmpty
            ? .empty
            : isTyped
                ? "<input id=\"after\" name=\"after\" value=\"\" placeholder=\"name of a sync\" aria-label=\"\(label)\"\(described) spellcheck=\"false\">"
                : "<select id=\"after\" name=\"after\" aria-label=\"\(label)\"\(described)>\(EntryView.options(options, ""))</select>"
        return "<span>\(kept)\(more)</span>"
    }
}
