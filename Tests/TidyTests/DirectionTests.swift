import Testing

/// Who may know whom.
@Suite struct DirectionTests {
    static let rules = [arrows, ownedPackages, destinationName, purity, publicNames]

    /// The modules of this project that each room may import.
    static let allowed: [String: Set<String>] = [
        "Records": ["CXXHash"],
        "ConnectorKit": ["Records"],
        "SyncCore": ["Records", "ConnectorKit"],
        "StateStore": ["Records"],
        "ProjectConfig": ["Records", "ConnectorKit", "SyncCore"],
        "SourceSQLite": ["Records", "ConnectorKit", "CSQLite"],
        "SourcePostgres": ["Records", "ConnectorKit", "CPostgres"],
        "DestinationPlanhat": ["Records", "ConnectorKit"],
        "PlanhatSandbox": ["Records"],
        "Runner": ["Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig"],
        "ManagementAPI": ["Records", "ConnectorKit", "StateStore", "ProjectConfig", "Runner"],
        "WebUI": ["Records", "ConnectorKit", "StateStore", "ProjectConfig", "Runner", "CWebAssets"],
        "CLI": [
            "Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig", "Runner", "SourceSQLite",
            "SourcePostgres", "DestinationPlanhat", "PlanhatSandbox", "ManagementAPI", "WebUI", "CSQLite", "CExamples",
            "CMemory",
        ],
        "TestKit": ["Records", "ConnectorKit"],
    ]

    static let libraries: Set<String> = ["CXXHash", "CSQLite", "CPostgres", "CExamples", "CMemory", "CWebAssets"]

    /// The rooms that may import each foreign package's modules.
    static let owners: [String: Set<String>] = [
        "Crypto": ["Runner"],
        "CryptoExtras": ["Runner"],
        "GRDB": ["StateStore"],
        "Yams": ["ProjectConfig"],
        "ArgumentParser": ["CLI"],
        "AsyncHTTPClient": ["DestinationPlanhat", "CLI"],
        "Hummingbird": ["PlanhatSandbox", "ManagementAPI", "WebUI"],
        "HummingbirdCore": ["PlanhatSandbox", "ManagementAPI", "WebUI"],
        "HummingbirdTLS": ["WebUI"],
        "HTTPTypes": ["PlanhatSandbox", "ManagementAPI", "WebUI"],
        "NIOCore": ["DestinationPlanhat", "PlanhatSandbox", "ManagementAPI", "WebUI", "CLI"],
        "NIOPosix": ["DestinationPlanhat", "PlanhatSandbox", "CLI"],
        "NIOHTTP1": ["DestinationPlanhat", "CLI"],
        "NIOSSL": ["DestinationPlanhat", "WebUI"],
        "Logging": ["PlanhatSandbox", "Runner", "ManagementAPI", "WebUI", "CLI"],
        "ServiceLifecycle": ["PlanhatSandbox", "CLI"],
    ]

    /// What comes with the toolchain and may be imported anywhere (SyncCore has its own rule).
    static let system: Set<String> = [
        "Foundation", "FoundationEssentials", "Synchronization", "Dispatch", "Glibc", "Musl", "Darwin", "Swift",
    ]

    static let arrows = Rule("import-arrows") { tree in
        tree.sources.flatMap { file -> [Rule.Violation] in
            guard let room = Self.allowed[file.target] else {
                return [Rule.Violation(path: file.path, line: nil, detail: "\(file.target) is no room of the design")]
            }
            return file.declarations.imports.filter { found in
                if Self.allowed[found.module] != nil || Self.libraries.contains(found.module) {
                    return !room.contains(found.module)
                }
                if Self.owners[found.module] != nil || Self.system.contains(found.module) { return false }
                return !(file.target == "TestKit" && found.module == "Testing")
            }.map { Rule.Violation(path: file.path, line: $0.line, detail: "may not import \($0.module)") }
        }
    }

    static let ownedPackages = Rule("package-owners") { tree in
        tree.sources.flatMap { file in
            file.declarations.imports.filter { found in
                Self.owners[found.module].map { !$0.contains(file.target) } ?? false
            }.map { Rule.Violation(path: file.path, line: $0.line, detail: "\($0.module) belongs to another room") }
        }
    }

    /// Code, in names and in texts; comments may say it. `init` writes a sample project, so it has to.
    static let destinationName = Rule("destination-name") { tree in
        let rooms: Set<String> = ["DestinationPlanhat", "PlanhatSandbox"]
        let commands = ["Connectors", "Demo", "Sandbox", "Init"]
        return tree.sources.filter { file in
            if rooms.contains(file.target) { return false }
            return !(file.target == "CLI" && commands.contains { file.name.hasPrefix($0) })
        }.flatMap { file in
            file.tokens.filter { $0.text.lowercased().contains("planhat") }.map {
                Rule.Violation(path: file.path, line: $0.line, detail: "says \($0.text.prefix(40))")
            }
        }
    }

    static let purity = Rule("pure-core") { tree in
        let effects: Set<String> = [
            "async", "await", "Date", "Clock", "ContinuousClock", "SuspendingClock", "random", "shuffled", "shuffle",
            "SystemRandomNumberGenerator", "UUID", "FileManager", "Task", "Thread", "print",
        ]
        return tree.sources.filter { $0.target == "SyncCore" }.flatMap { file in
            let words = file.tokens.filter { $0.kind == .word && effects.contains($0.text) }.map {
                Rule.Violation(path: file.path, line: $0.line, detail: "\($0.text) is an effect")
            }
            let imports = file.declarations.imports.filter { Self.system.contains($0.module) }.map {
                Rule.Violation(path: file.path, line: $0.line, detail: "may not import \($0.module)")
            }
            return words + imports
        }
    }

    static let publicNames = Rule("public") { tree in
        let rooms: Set<String> = ["Records", "ConnectorKit", "TestKit"]
        return tree.sources.filter { !rooms.contains($0.target) }.flatMap { file in
            file.tokens.filter { $0.kind == .word && ($0.text == "public" || $0.text == "open") }.filter { token in
                token.isFirstOnLine || token.text == "public"
            }.filter { token in
                // `open` is also an everyday name; the modifier starts a line and is followed by a declaration.
                token.text == "public"
                    || file.tokens.contains {
                        $0.line == token.line && ["class", "func", "var", "subscript"].contains($0.text)
                    }
            }.map { Rule.Violation(path: file.path, line: $0.line, detail: "package is enough in this room") }
        }
    }

    @Test func everyRoomImportsOnlyWhatItsArrowsAllow() { Self.arrows.expectKept() }
    @Test func everyForeignPackageIsKnownToItsRoomsAlone() { Self.ownedPackages.expectKept() }
    @Test func onlyTheDestinationAndItsSandboxSayItsName() { Self.destinationName.expectKept() }
    @Test func theCoreHasNoEffects() { Self.purity.expectKept() }
    @Test func onlyWhatConnectorAuthorsNeedIsPublic() { Self.publicNames.expectKept() }
}
