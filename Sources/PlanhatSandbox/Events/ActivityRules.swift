internal import Records

/// What became of one row of an analytics body.
enum EventResult: Equatable {
    case kept
    /// Left out without a word, as Planhat tells in its app only.
    case dropped
    case failed(String)
}

/// What Planhat does with an activity: it belongs to a person, who is made where the company is known.
struct ActivityRules {
    /// What is kept of an activity, in this order.
    static let names = [
        "email", "externalId", "companyExternalId", "action", "date", "weight", "count", "info", "name", "firstName",
        "lastName",
    ]
    /// Old names, which mean the same.
    private static let oldNames = ["externalId": "id", "companyExternalId": "cId"]

    /// Microseconds since 1970.
    let now: Int64

    func write(_ sent: EventFields, in state: inout StoreState) -> EventResult {
        let event = Self.known(sent)
        if let date = event["date"], ISOTime.micros(date) == nil { return .failed("date must be an ISO 8601 date") }
        for name in ["weight", "count"] {
            if let value = event[name], Double(JSONText.plain(value)) == nil {
                return .failed("\(name) must be a number")
            }
        }
        // Nobody can be told without one of the two.
        guard event.key("email") != nil || event.key("externalId") != nil else { return .dropped }
        guard let person = person(of: event, in: &state) else { return .dropped }
        keep(event, person, in: &state)
        return .kept
    }

    /// Puts back a line of a file.
    static func restore(_ line: [UInt8], in state: inout StoreState) throws(PayloadError) {
        guard let fields = try EventFields.read(line).first else { return }
        note(known(fields), in: &state)
        state.events.addActivity(line)
    }

    private func keep(_ event: EventFields, _ person: UInt32, in state: inout StoreState) {
        var out = JSONWriter(capacity: 256)
        out.open("{")
        for member in event.members { out.member(member.name, raw: member.value) }
        out.member("enduserId", raw: RecordID.quoted(.endusers, Int(person)))
        if let company = state[.endusers][person]?.company, company > 0 {
            out.member("companyId", raw: RecordID.quoted(.companies, Int(company) - 1))
        }
        out.member("receivedAt", RecordWriter.timestamp(now))
        out.close("}")
        state.events.addActivity(out.bytes)
        if Self.note(event, in: &state) { state.events.activities.sentAgain += 1 }
    }

    @discardableResult
    private static func note(_ event: EventFields, in state: inout StoreState) -> Bool {
        var identity: [UInt8] = []
        for member in event.members { identity += Array(member.name.utf8) + [0] + member.value + [0] }
        return state.events.note(KeyHash.of(identity[...], seed: 1)) {
            let words = ["email", "externalId", "action", "date"].compactMap { name in
                event.text(name).map { "\(name)=\($0)" }
            }
            return "activities " + words.joined(separator: " ")
        }
    }

    /// The known properties under today's names, in one order.
    private static func known(_ sent: EventFields) -> EventFields {
        var event = EventFields()
        for name in names {
            if let value = sent[name] ?? oldNames[name].flatMap({ sent[$0] }) { event.set(name, value) }
        }
        return event
    }

    /// The person of an event, made where it is not known and the company is. Nil where nobody can be told.
    func person(of event: EventFields, in state: inout StoreState) -> UInt32? {
        let company = company(of: event, state)
        if let known = known(event, company, state) { return known }
        guard let company else { return nil }
        var bytes: [UInt8] = []
        for property in [Property.email, .externalId, .name, .firstName, .lastName] {
            guard let inner = event.key(property.text) else { continue }
            let value = [UInt8(ascii: "\"")] + inner + [UInt8(ascii: "\"")]
            StoredRecord.append(property.rawValue, value[...], to: &bytes)
        }
        var record = StoredRecord(fields: bytes, createdAt: now)
        record.company = company
        return state.insert(record, .endusers)
    }

    /// The number of the company plus one: the one that is named, or the one that claims the email's domain.
    private func company(of event: EventFields, _ state: StoreState) -> UInt32? {
        if let key = event.key("companyExternalId") {
            return state[.companies].records(.externalId, key).first.map { $0 + 1 }
        }
        return event.key("email").flatMap { state.company(ofEmail: $0) }
    }

    private func known(_ event: EventFields, _ company: UInt32?, _ state: StoreState) -> UInt32? {
        for property in [Property.externalId, .email] {
            guard let key = event.key(property.text) else { continue }
            let found = state[.endusers].records(property, key)
            if let company, let own = found.first(where: { state[.endusers][$0]?.company == company }) { return own }
            if event.key("companyExternalId") == nil, found.count == 1 { return found[0] }
        }
        return nil
    }
}
