internal import Records
internal import StateStore

/// Moments and spans in words. The absolute time is always there, in UTC; the relative one is an extra.
enum TimeView {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `28 Nov 17:40`, with the year where it is another one.
    static func short(_ moment: Moment, now: Moment) -> String {
        let text = Array(moment.text)
        guard let month = Int(String(text[5..<7])), let day = Int(String(text[8..<10])) else { return moment.text }
        let year = String(text[0..<4])
        let isOther = year != String(now.text.prefix(4))
        return "\(day) \(months[month - 1])\(isOther ? " " + year : "") \(String(text[11..<16]))"
    }

    /// `17:40:12`.
    static func clock(_ moment: Moment) -> String { String(Array(moment.text)[11..<19]) }

    static func time(_ moment: Moment, now: Moment) -> HTML {
        "<time datetime=\"\(moment.text)\">\(short(moment, now: now))</time>"
    }

    /// The absolute time with how long ago it was or how soon it is.
    static func both(_ moment: Moment, now: Moment) -> HTML {
        """
        <time datetime="\(moment.text)">\(short(moment, now: now))</time> <span class="ago" data-at="\(moment.milliseconds)">\(relative(moment, now: now))</span>
        """
    }

    static func relative(_ moment: Moment, now: Moment) -> String {
        let seconds = (now.milliseconds - moment.milliseconds) / 1_000
        return seconds >= 0 ? span(seconds: seconds) + " ago" : "in " + span(seconds: -seconds)
    }

    /// `12 s`, `14 min`, `3 h`, `2 days`.
    static func span(seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds)) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<(48 * 3_600): "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) days"
        }
    }

    /// How long something took: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
    static func took(milliseconds: Int64) -> String {
        let tenths = max(0, milliseconds + 50) / 100
        if tenths < 100 { return "\(tenths / 10).\(tenths % 10) s" }
        let seconds = tenths / 10
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3_600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
    }

    static func took(_ start: Moment, _ end: Moment) -> String {
        took(milliseconds: end.milliseconds - start.milliseconds)
    }
}
