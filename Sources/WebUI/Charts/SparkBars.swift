internal import Records
internal import StateStore

/// The last runs of a sync as small bars, oldest first. Which is which shows in the form too: a run that arrived stands
/// on the ground, one with rows missing has a dot above it, a failed one hangs from the top.
struct SparkBars {
    static let countMax = 30
    private static let (step, width, height) = (4, 3, 20)

    let bars: [RunBar]

    func svg() -> HTML {
        guard !bars.isEmpty else { return "<span class=\"nought\">no runs</span>" }
        let shown = bars.suffix(Self.countMax)
        let top = Double(max(1, shown.map(\.accepted).max() ?? 1)).squareRoot()
        var paths: [StateView.Tone: String] = [:]
        for (index, bar) in shown.enumerated() {
            let x = (Self.countMax - shown.count + index) * Self.step
            let tone = StateView.tone(bar.state)
            let length = 3 + Int((Double(bar.accepted).squareRoot() / top * 11).rounded())
            paths[tone, default: ""] += Self.path(tone, x: x, length: length)
        }
        let drawn = paths.sorted { $0.key.rawValue < $1.key.rawValue }.html { tone, path in
            "<path class=\"\(tone.rawValue)\" d=\"\(path)\"/>"
        }
        return """
            <svg class="spark" viewBox="0 0 119 20" role="img" aria-label="\(label(shown))"><path class="track" d="M0 19h119v1H0z"/>\(drawn)</svg>
            """
    }

    private static func path(_ tone: StateView.Tone, x: Int, length: Int) -> String {
        let ground = "M\(x) \(height)v-\(length)h\(width)v\(length)z"
        return switch tone {
        case .bad: "M\(x) 0v9h\(width)v-9z"
        case .part: ground + "M\(x) 0h\(width)v\(width)h-\(width)z"
        case .calm: "M\(x) \(height)v-2h\(width)v2z"
        case .good, .live: ground
        }
    }

    private func label(_ shown: ArraySlice<RunBar>) -> String {
        let counts: [(String, Int)] = [
            ("arrived", shown.count { StateView.tone($0.state) == .good }),
            ("with rows missing or stopped", shown.count { StateView.tone($0.state) == .part }),
            ("failed", shown.count { StateView.tone($0.state) == .bad }),
            ("cancelled or skipped", shown.count { StateView.tone($0.state) == .calm }),
            ("running", shown.count { StateView.tone($0.state) == .live }),
        ]
        let parts = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        return "\(shown.count == 1 ? "The one run" : "Last \(shown.count) runs"): \(parts)"
    }
}
