/// Durations as a schedule writes them: `90s`, `15m`, `2h`, `1d`, `1h30m`.
package enum EveryDuration {
    package static let secondsMin = 10
    package static let secondsMax = 366 * 86_400

    /// Seconds, or nil where the text is no duration.
    package static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard text.utf8.count <= 40 else { return nil }
        var total = 0
        var digits = ""
        for character in text {
            if character.isASCII, character.isNumber, digits.count < 9 {
                digits.append(character)
            } else if let unit = units[character], let count = Int(digits) {
                total += count * unit
                digits = ""
            } else {
                return nil
            }
        }
        return digits.isEmpty && !text.isEmpty ? total : nil
    }
}
