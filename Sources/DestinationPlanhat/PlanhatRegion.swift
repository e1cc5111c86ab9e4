package import ConnectorKit

/// Turns what people write or paste for the region into the address of Planhat's main API.
package enum PlanhatRegion {
    package static let defaultAddress = "https://api.planhat.com"

    /// Understands nothing or `default`, a region (`us3`, `eu`), and any address of the app or the API
    /// (`app-us3.planhat.com`, `https://ws.planhat.com/home`). Throws `region_not_understood`.
    package static func address(_ text: String?) throws(ConnectorError) -> String {
        let given = text?.trimmed() ?? ""
        let label = hostLabel(given.lowercased())
        switch label {
        case "", "default": return defaultAddress
        case "app", "api", "ws": return defaultAddress
        case .some(let label):
            if let region = region(ofLabel: label) { return "https://api-\(region).planhat.com" }
            if isBareRegion(label) { return "https://api-\(label).planhat.com" }
        case nil: break
        }
        throw ConnectorError(
            code: "region_not_understood",
            message: "The region \"\(given.prefix(80))\" is not understood.",
            hint: "Write `default`, a region such as `us3` or `eu`, or paste the address that your browser shows in "
                + "Planhat, such as `app-us3.planhat.com`. For any other address use `base_url`.",
            disposition: .fixConfiguration, isKnownUnsent: true, setting: "region")
    }

    /// The first label of a Planhat host name, or a word without a dot; nil for a host of somebody else.
    private static func hostLabel(_ text: String) -> String? {
        var host = Substring(text)
        for scheme in ["https://", "http://"] where host.hasPrefix(scheme) { host = host.dropFirst(scheme.count) }
        host = host.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if host.hasSuffix(":443") { host = host.dropLast(4) }
        if host.isEmpty && !text.isEmpty { return nil }
        guard host.hasSuffix(".planhat.com") else { return host.contains(".") ? nil : String(host) }
        let label = host.dropLast(".planhat.com".count)
        return ["app", "api", "ws"].contains(label) || region(ofLabel: String(label)) != nil ? String(label) : nil
    }

    private static func region(ofLabel label: String) -> String? {
        for prefix in ["app-", "api-", "ws-"] where label.hasPrefix(prefix) {
            let region = label.dropFirst(prefix.count)
            let isWord = region.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
            return isWord && !region.isEmpty && region.count <= 16 ? String(region) : nil
        }
        return nil
    }

    /// Two letters and perhaps a number, as all of Planhat's regions are; a longer word is a mistake, not a region.
    private static func isBareRegion(_ text: String) -> Bool {
        let letters = text.prefix { $0.isASCII && $0.isLetter }
        let digits = text.dropFirst(letters.count)
        return letters.count == 2 && digits.count <= 2 && digits.allSatisfy { $0.isASCII && $0.isNumber }
    }
}

extension StringProtocol {
    /// Without white space, line ends and invisible marks at both ends.
    func trimmed() -> String {
        func isBlank(_ character: Character) -> Bool {
            character.isWhitespace || character == "\u{FEFF}" || character == "\u{200B}"
        }
        // Most texts have no blanks at their ends, and what Unicode says of a character is slow to find.
        if let first = unicodeScalars.first, let last = unicodeScalars.last, ("!"..."~").contains(first),
            ("!"..."~").contains(last)
        {
            return String(self)
        }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
