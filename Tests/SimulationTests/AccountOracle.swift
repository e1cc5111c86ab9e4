import ConnectorKit
import Foundation
import PlanhatSandbox
import Records
import TestKit

/// What the behavior has promised of the account once an undisturbed run has ended.
struct AccountOracle {
    typealias Row = SimulatedSource.Row

    let world: AccountWorld
    let sandbox: Sandbox
    let removal: Removal
    let allowsChoices: Bool
    /// What is in doubt, or was left out by a first run that skips, need not have arrived.
    let inDoubt: Set<String>

    private var of: AccountCase { world.of }

    func problems() -> [String] {
        if of.behavior == .send { return of.isMadeOnce ? made() : events() }
        let records = records()
        let byKey = Dictionary(grouping: records) { key(of: $0) }
        var found: [String] = []
        for (key, records) in byKey where !key.isEmpty && records.count > 1 {
            found.append("\(key) is there \(records.count) times")
        }
        let account = byKey.compactMapValues(\.first)
        switch of.behavior {
        case .updateOrCreate: found += equal(account)
        case .mirror: found += equal(account) + vanished(account)
        case .updateOnly:
            found += equal(account.filter { world.there.contains($0.key) }, onlyThere: true)
            if records.count != world.recordsBefore {
                found.append("\(records.count) records, there were \(world.recordsBefore)")
            }
        case .createOnly: found += created(account)
        case .delete: found += deleted(account)
        case .send: break
        }
        return found
    }

    // MARK: The table

    /// The rows whose key no other row has, by their key.
    private var single: [String: Row] {
        Dictionary(grouping: world.rows) { Self.text($0["id"]) ?? "" }
            .filter { $0.value.count == 1 && !$0.key.isEmpty }.compactMapValues(\.first)
    }

    static func key(_ row: Row) -> String? { text(row["id"]) }

    private var keysInTable: Set<String> { Set(world.rows.compactMap { Self.text($0["id"]) }) }

    /// Whether nothing can be said against a row, whatever the switches: then it has to be at the account as it is.
    private func isGood(_ row: Row) -> Bool {
        let sample = of.sample
        if sample.reads("amount"), case .text = row["amount"] { return false }
        if Self.text(row["name"]) == "bad" { return false }
        if sample.company != nil || of.object.name == "metric" {
            guard let company = Self.text(row["company"]) else { return !sample.needsCompany }
            if company == "gone" { return false }
        }
        if sample.reads("choice"), row["choice"] != .null {
            guard allowsChoices, world.switched("choices", "keep"), world.switched("list-values", "keep") else {
                return false
            }
        }
        if sample.reads("owner"), Self.text(row["owner"])?.hasPrefix("nobody") == true { return false }
        if sample.reads("spice"), row["spice"] != .null, world.switched("locked", "refuse") { return false }
        return true
    }

    // MARK: The account

    private func records() -> [[String: Any]] { Self.records(of, in: sandbox) }

    /// Every record of the object, archived ones too.
    static func records(_ of: AccountCase, in sandbox: Sandbox) -> [[String: Any]] {
        let path = "/" + of.sample.path
        let passes = of.sample.path == "endusers" ? ["", "&archived=true"] : [""]
        return passes.flatMap { filter in list(sandbox.perform("GET", path + "?limit=1000" + filter).body) }
    }

    static func list(_ text: String) -> [[String: Any]] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [[String: Any]] ?? []
    }

    private func key(of record: [String: Any]) -> String { record[of.storedKey] as? String ?? "" }

    private static func text(_ value: Value?) -> String? {
        if case .text(let text) = value { text } else { nil }
    }

    private func label(_ record: [String: Any]) -> String {
        let label = record[of.sample.storedLabel ?? of.sample.label] as? String ?? ""
        return world.switched("names", "change") ? label.lowercased() : label
    }

    // MARK: Promises

    private func equal(_ account: [String: [String: Any]], onlyThere: Bool = false) -> [String] {
        var found: [String] = []
        for (key, row) in single where isGood(row) {
            if onlyThere && !world.there.contains(key) { continue }
            guard let record = account[key] else {
                found.append("\(key) is not there")
                continue
            }
            let name = Self.text(row["name"]) ?? ""
            if label(record) != name { found.append("\(key) should be \(name), is \(label(record))") }
            if of.sample.reads("seats") { found += seats(key, row, record) }
            if of.sample.reads("owner") { found += owner(key, row, record) }
            if of.sample.reads("companies") { found += companies(key, row, record) }
        }
        return found
    }

    /// The user who has the row's e-mail address; what a null leaves as it is was never anything else.
    private func owner(_ key: String, _ row: Row, _ record: [String: Any]) -> [String] {
        guard let email = Self.text(row["owner"])?.trimmingCharacters(in: .whitespaces).lowercased() else { return [] }
        let users = Self.list(sandbox.perform("GET", "/users?limit=1000").body)
        let wanted = users.first { $0["email"] as? String == email }?["_id"] as? String
        let found = record["ownerId"] as? String
        return wanted != nil && found == wanted
            ? [] : ["\(key) should belong to \(email), belongs to \(found ?? "nobody")"]
    }

    /// The companies that the row names, each by its own id; what a null leaves as it is may be anything.
    private func companies(_ key: String, _ row: Row, _ record: [String: Any]) -> [String] {
        guard let value = row["companies"], value != .null else { return [] }
        let all = Self.list(sandbox.perform("GET", "/companies?limit=1000").body)
        let wanted = all.filter { value.text.contains($0["externalId"] as? String ?? "-") }.map { $0["_id"] as? String }
        let found = record["companyIds"] as? [String] ?? []
        return Set(found) == Set(wanted) && found.count == wanted.count
            ? [] : ["\(key) should be of \(value.text), is of \(found)"]
    }

    private func seats(_ key: String, _ row: Row, _ record: [String: Any]) -> [String] {
        let kept = (record["custom"] as? [String: Any])?["Seats"] as? Int
        switch row["seats"] {
        case .integer(let seats) where kept != Int(seats):
            return ["\(key) should have \(seats) seats, has \(kept.map(String.init) ?? "none")"]
        case .null where kept != nil && world.switched("nulls", "clear") && of.behavior != .createOnly:
            return ["\(key) should have no seats, has \(kept ?? 0)"]
        default: return []
        }
    }

    private func vanished(_ account: [String: [String: Any]]) -> [String] {
        let keys = keysInTable
        return account.compactMap { key, record in
            guard isOurs(key), !keys.contains(key), removal != .clear else { return nil }
            if removal == .archive && record["archived"] as? Bool == true { return nil }
            return "\(key) vanished and is still there"
        }
    }

    private func created(_ account: [String: [String: Any]]) -> [String] {
        var found: [String] = []
        for (key, row) in single where isGood(row) && account[key] == nil { found.append("\(key) was not created") }
        for key in world.there where account[key].map(label) != "old" {
            found.append("\(key) was there and was written")
        }
        return found
    }

    private func deleted(_ account: [String: [String: Any]]) -> [String] {
        single.keys.filter { account[$0] != nil }.map { "\($0) is still there" }
    }

    /// Keys of the history, as against those of what was prepared for it.
    private func isOurs(_ key: String) -> Bool { key.hasPrefix("k") && key.dropFirst().first?.isNumber == true }

    /// Each there once, or in doubt; none twice.
    private func made() -> [String] {
        let counts = Dictionary(grouping: records()) { $0[of.mark] as? String ?? "" }.mapValues(\.count)
        var found = counts.filter { !$0.key.isEmpty && $0.value > 1 }.map { "\($0.key) was made \($0.value) times" }
        for (key, row) in single where isGood(row) && !inDoubt.contains(key) {
            if counts[Self.text(row["dimension"]) ?? ""] == nil { found.append("\(key) was never made") }
        }
        return found
    }

    /// Each once, or in doubt; none twice.
    private func events() -> [String] {
        let isMetric = of.object.name == "metric"
        let lines = sandbox.eventLines(isMetric ? "metrics" : "activities").split(separator: "\n")
        var counts: [String: Int] = [:]
        for line in Self.list("[" + lines.joined(separator: ",") + "]") {
            counts[line[isMetric ? "dimensionId" : "action"] as? String ?? "", default: 0] += 1
        }
        var found = counts.filter { $0.value > 1 }.map { "\($0.key) was sent \($0.value) times" }
        if !sandbox.store.sentAgain.isEmpty { found.append("sent again: \(sandbox.store.sentAgain)") }
        // The account refuses d7, and may not say so.
        for (key, row) in single where isGood(row) && row["dimension"] != .text("d7") {
            guard counts[Self.text(row["dimension"]) ?? ""] == nil, !inDoubt.contains(key) else { continue }
            found.append("\(key) was never sent")
        }
        return found
    }
}
