/// What Planhat's Segment dock does with a message: a track is an activity, an identify writes a person, a group a
/// company. How it names the company of a person is not documented; the usual places are looked into.
struct SegmentRules {
    /// Microseconds since 1970.
    let now: Int64

    func write(_ message: EventFields, in state: inout StoreState) -> EventResult {
        switch message.text("type")?.lowercased() {
        case "track", "page", "screen": return track(message, in: &state)
        case "identify": return identify(message, in: &state)
        case "group": return group(message, in: &state)
        case let other?: return .failed("type \(other) is not taken")
        case nil: return .failed("type is required")
        }
    }

    /// Whether a message is an activity, and not about what somebody is.
    static func isActivity(_ message: EventFields) -> Bool {
        !["identify", "group"].contains(message.text("type")?.lowercased())
    }

    private func person(_ message: EventFields) -> EventFields {
        let traits = message.object("traits")
        let properties = message.object("properties")
        var event = EventFields()
        func add(_ name: String, _ value: ArraySlice<UInt8>?) {
            guard let value else { return }
            event.set(name, [UInt8(ascii: "\"")] + value + [UInt8(ascii: "\"")])
        }
        add("externalId", message.key("userId", "user_id"))
        add("email", traits.key("email") ?? properties.key("email") ?? message.key("email"))
        let company =
            traits.key("companyExternalId", "companyId", "groupId", "group_id")
            ?? properties.key("companyExternalId", "companyId", "groupId", "group_id")
            ?? traits.object("company").key("id") ?? message.object("context").key("groupId")
        add("companyExternalId", company)
        add("name", traits.key("name"))
        add("firstName", traits.key("firstName", "first_name"))
        add("lastName", traits.key("lastName", "last_name"))
        return event
    }

    private func track(_ message: EventFields, in state: inout StoreState) -> EventResult {
        var event = person(message)
        if let action = message["event"] ?? message["name"] { event.set("action", action) }
        if let date = message["timestamp"] { event.set("date", date) }
        if let info = message["properties"] { event.set("info", info) }
        return ActivityRules(now: now).write(event, in: &state)
    }

    private func identify(_ message: EventFields, in state: inout StoreState) -> EventResult {
        let event = person(message)
        guard event.key("externalId") != nil || event.key("email") != nil,
            let number = ActivityRules(now: now).person(of: event, in: &state)
        else { return .dropped }
        var row = EventFields()
        for name in ["externalId", "email", "firstName", "lastName"] {
            if let value = event[name] { row.set(name, value) }
        }
        return write(row, .endusers, number, in: &state)
    }

    private func group(_ message: EventFields, in state: inout StoreState) -> EventResult {
        guard let key = message.key("groupId", "group_id") else { return .dropped }
        var row = EventFields()
        row.set("externalId", [UInt8(ascii: "\"")] + key + [UInt8(ascii: "\"")])
        if let name = message.object("traits")["name"] { row.set("name", name) }
        return write(row, .companies, nil, in: &state)
    }

    private func write(
        _ fields: EventFields, _ model: SandboxModel, _ number: UInt32?, in state: inout StoreState
    ) -> EventResult {
        var out = JSONWriter()
        out.open("{")
        for member in fields.members { out.member(member.name, raw: member.value) }
        out.close("}")
        do throws(PayloadError) {
            let payload = try Payload.row(out.bytes, &state.names)
            var writer = RowWriter(model, state.switches, now: now, refuse: nil)
            switch writer.write(payload.rows[0], of: payload, to: number, in: &state) {
            case .failed(let failure, _): return .failed(failure.message)
            case .dropped: return .dropped
            case .created, .updated, .unchanged: return .kept
            }
        } catch {
            return .failed(error.message)
        }
    }
}
