// swift-tools-version: 6.2
import PackageDescription

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["CLI"]),
        .executable(name: "step-benchmark", targets: ["StepBenchmark"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .target(name: "CXXHash"),
        .target(name: "CExamples"),
        .target(name: "CWebAssets", exclude: ["files"]),
        .target(name: "CMemory"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        .target(name: "Records", dependencies: ["CXXHash"]),
        .target(name: "ConnectorKit", dependencies: ["Records"]),
        .target(name: "SyncCore", dependencies: ["Records", "ConnectorKit"]),
        .target(name: "StateStore", dependencies: ["Records", grdb]),
        .target(name: "ProjectConfig", dependencies: ["Records", "ConnectorKit", "SyncCore", yams]),
        .target(name: "SourceSQLite", dependencies: ["Records", "ConnectorKit", "CSQLite"]),
        .target(name: "SourcePostgres", dependencies: ["Records", "ConnectorKit", "CPostgres"]),
        .target(
            name: "DestinationPlanhat",
            dependencies: ["Records", "ConnectorKit", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, nioSSL]
        ),
        .target(name: "PlanhatSandbox", dependencies: ["Records", hummingbird, nioCore, logging]),
        .target(
            name: "Runner",
            dependencies: [
                "Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig", crypto, cryptoExtras, logging,
            ]
        ),
        .target(
            name: "WebUI",
            dependencies: [
                "Records", "ConnectorKit", "StateStore", "ProjectConfig", "Runner", "CWebAssets", hummingbird,
                hummingbirdTLS, nioCore, nioSSL, logging,
            ]
        ),
        .executableTarget(
            name: "CLI",
            dependencies: [
                "Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig", "Runner", "SourceSQLite",
                "SourcePostgres", "DestinationPlanhat", "PlanhatSandbox", "WebUI", "CSQLite", "CExamples", "CMemory",
                argumentParser, asyncHTTPClient, logging, nioCore, nioHTTP1, nioPosix,
            ]
        ),
        .target(name: "TestKit", dependencies: ["Records", "ConnectorKit"]),
        .executableTarget(
            name: "StepBenchmark",
            dependencies: ["Records", "ConnectorKit", "SyncCore", "StateStore", "SourcePostgres"],
            path: "Benchmarks/steps"
        ),

        .testTarget(name: "RecordsTests", dependencies: ["Records"]),
        .testTarget(name: "ConnectorKitTests", dependencies: ["Records", "ConnectorKit", "TestKit"]),
        .testTarget(name: "SyncCoreTests", dependencies: ["Records", "ConnectorKit", "SyncCore", "TestKit"]),
        .testTarget(name: "StateStoreTests", dependencies: ["Records", "StateStore", "TestKit", "CSQLite"]),
        .testTarget(
            name: "ProjectConfigTests", dependencies: ["Records", "ConnectorKit", "ProjectConfig", "TestKit"],
            exclude: ["Bad"]
        ),
        .testTarget(
            name: "SourceSQLiteTests", dependencies: ["Records", "ConnectorKit", "SourceSQLite", "TestKit", "CSQLite"]
        ),
        .testTarget(
            name: "SourcePostgresTests",
            dependencies: ["Records", "ConnectorKit", "SourcePostgres", "TestKit", "CPostgres"]
        ),
        .testTarget(
            name: "DestinationPlanhatTests",
            dependencies: ["Records", "ConnectorKit", "DestinationPlanhat", "TestKit", nioCore, nioPosix, nioHTTP1]
        ),
        .testTarget(
            name: "PlanhatSandboxTests",
            dependencies: [
                "PlanhatSandbox", hummingbird, nioCore, .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]
        ),
        .testTarget(
            name: "RunnerTests",
            dependencies: [
                "Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig", "Runner", "TestKit", logging,
            ]
        ),
        .testTarget(
            name: "WebUITests",
            dependencies: [
                "Records", "ConnectorKit", "StateStore", "ProjectConfig", "Runner", "WebUI", "TestKit", hummingbird,
                nioCore, .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            exclude: ["Golden"]
        ),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "Records", "ConnectorKit", "TestKit", "SourceSQLite", "SourcePostgres", "DestinationPlanhat",
                "PlanhatSandbox", "CSQLite", "CPostgres",
            ]
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig", "Runner", "TestKit",
                "DestinationPlanhat", "PlanhatSandbox",
            ],
            exclude: ["Golden"]
        ),
        .testTarget(
            name: "EndToEndTests", dependencies: ["Records", "TestKit", "CSQLite", "CPostgres"],
            exclude: ["Golden", "Clients"]),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Records", "ConnectorKit", "SyncCore", "StateStore", "ProjectConfig", "SourcePostgres", "Runner",
                "DestinationPlanhat", "TestKit",
            ],
            exclude: ["Corpus"]
        ),
        .testTarget(name: "TidyTests", exclude: ["waivers.txt"]),
    ]
)

let ofC: Set = ["CXXHash", "CExamples", "CMemory", "CWebAssets"]
let strict = Context.environment["SLUICE_STRICT"] == "1"
/// Tests whose own code need not be quick: without the optimizer they take half as long to compile.
let unhurried: Set = [
    "ConformanceTests", "DestinationPlanhatTests", "EndToEndTests", "PlanhatSandboxTests", "ProjectConfigTests",
    "RunnerTests", "WebUITests",
]

/// For scripts/check-sanitizers: the tests it runs and what they need, and nothing else is built.
if let chosen = Context.environment["SLUICE_ONLY_TESTS"]?.split(separator: "|").map(String.init) {
    let others: Set = ["CLI", "WebUI", "CExamples", "CMemory", "CWebAssets", "SourcePostgres", "StepBenchmark"]
    package.products = []
    package.targets.removeAll { others.contains($0.name) || ($0.type == .test && !chosen.contains($0.name)) }
}

for target in package.targets where target.type != .system && !ofC.contains(target.name) {
    target.swiftSettings =
        [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .enableUpcomingFeature("InferIsolatedConformances"),
        ] + (target.type == .test ? [] : [.strictMemorySafety()]) + (strict ? [.treatAllWarnings(as: .error)] : [])
        + (unhurried.contains(target.name) ? [.unsafeFlags(["-Onone"])] : [])
}
