/// The names that a project gives to its connections, datasets, syncs and environments.
enum ProjectName {
    static let lengthMax = 64

    /// Reports a name that is none.
    static func check(_ name: String, what: String, at location: Location, log: DiagnosticLog) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
            default: false
            }
        }
        let startsWell = name.utf8.first.map { $0 != UInt8(ascii: "-") } ?? false
        if allowed, startsWell, name.utf8.count <= lengthMax { return true }
        log.error(
            code: "invalid_name", "`\(name.prefix(80))` cannot be the name of \(what)",
            hint: "a name has 1 to \(lengthMax) letters (a-z, A-Z), digits, _ and -, and does not begin with -",
            at: location)
        return false
    }
}
