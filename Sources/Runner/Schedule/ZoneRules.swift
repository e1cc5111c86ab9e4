internal import Foundation
internal import StateStore

/// The clock of one place: how far it is from UTC at each moment, its changes included.
package struct ZoneRules: Sendable {
    package let name: String
    /// Seconds east of UTC at a moment, given in seconds since 1970.
    private let offset: @Sendable (Int64) -> Int64

    /// The zone of that name; UTC where there is none, which the project's check has ruled out.
    package init(_ name: String) {
        guard name != "UTC", let zone = TimeZone(identifier: name) else {
            self.init(name: "UTC") { _ in 0 }
            return
        }
        self.init(name: name) { Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0)))) }
    }

    package init(name: String, offset: @escaping @Sendable (Int64) -> Int64) {
        self.name = name
        self.offset = offset
    }

    /// What the clock shows, as seconds since 1970 of a clock that never changes.
    package func local(_ instant: Int64) -> Int64 { instant + offset(instant) }

    func local(_ moment: Moment) -> Int64 { local(Self.seconds(moment)) }

    /// When the clock shows `local`: the first time where it shows it twice, and where a change skips it, the moment of
    /// that change. Never earlier for a later `local`.
    func instant(ofLocal local: Int64) -> Int64 {
        // A day apart, so that no zone's distance from UTC matters.
        let (before, after) = (offset(local - Self.day), offset(local + Self.day))
        if before == after { return local - before }
        for candidate in [local - max(before, after), local - min(before, after)] {
            if candidate + offset(candidate) == local { return candidate }
        }
        return change(from: local - Self.day, to: local + Self.day)
    }

    /// The first moment after `start` at which the clock differs from then; it does so by `end`.
    private func change(from start: Int64, to end: Int64) -> Int64 {
        let old = offset(start)
        var (low, high) = (start, end)
        while high - low > 1 {
            let middle = (low + high) / 2
            if offset(middle) == old { low = middle } else { high = middle }
        }
        return high
    }

    static let day: Int64 = 86_400

    static func seconds(_ moment: Moment) -> Int64 { floored(moment.milliseconds, by: 1_000) }

    static func floored(_ number: Int64, by divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : (number - divisor + 1) / divisor
    }
}
