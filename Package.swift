// swift-tools-version: 6.1
import PackageDescription

let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "trunkline",
    products: [
        .executable(name: "trunkline", targets: ["trunkline"]),
        .library(name: "RealtimeProtocol", targets: ["RealtimeProtocol"]),
        .library(name: "CallPolicy", targets: ["CallPolicy"]),
        .library(name: "CallBridge", targets: ["CallBridge"]),
        .library(name: "CallServer", targets: ["CallServer"]),
        .library(name: "OutboundHTTP", targets: ["OutboundHTTP"]),
        .library(name: "Simulators", targets: ["Simulators"]),
    ],
    traits: [
        .trait(name: "Opus", description: "Opus clients: needs libopus."),
        .default(enabledTraits: ["Opus"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "CUV", path: "CSources/CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(
            name: "COpenSSL",
            path: "CSources/COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(name: "COpus", path: "CSources/COpus", pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "CZlib", path: "CSources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // The media core.
        .target(
            name: "CTrunk",
            dependencies: ["CUV", "COpenSSL", .target(name: "COpus", condition: .when(traits: ["Opus"]))],
            path: "CSources/CTrunk",
            exclude: ["README.md"],
            cSettings: [.define("TRK_WITH_OPUS", .when(traits: ["Opus"])), .define("_GNU_SOURCE")],
            linkerSettings: [.linkedLibrary("uv"), .linkedLibrary("ssl"), .linkedLibrary("crypto")]
        ),

        // Policy: pure.
        .target(name: "RealtimeProtocol", swiftSettings: swift),
        .target(name: "CallPolicy", dependencies: ["RealtimeProtocol"], swiftSettings: swift),

        // The boundary and what runs on it.
        .target(name: "Trunk", dependencies: ["CTrunk"], swiftSettings: swift),
        .target(
            name: "CallBridge",
            dependencies: ["Trunk", "CallPolicy", "RealtimeProtocol", .product(name: "Logging", package: "swift-log")],
            swiftSettings: swift
        ),
        // What is kept of calls: rows in SQLite, and recordings.
        .target(
            name: "CallRecords",
            dependencies: [
                "CallBridge", "CallPolicy", "RealtimeProtocol", "Trunk", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: swift
        ),
        .target(name: "CallRecording", dependencies: ["Trunk"], swiftSettings: swift),
        .target(
            name: "Simulators",
            dependencies: ["Trunk", "RealtimeProtocol"],
            resources: [.copy("Resources")],
            swiftSettings: swift
        ),
        .target(
            name: "WebServer",
            dependencies: [
                "CZlib", "Trunk", "RealtimeProtocol",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "CallServer",
            dependencies: [
                "CallBridge", "CallPolicy", "CallRecording", "CallRecords", "RealtimeProtocol", "Simulators", "Trunk",
                "WebServer",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.copy("Resources/web")],
            swiftSettings: swift
        ),
        // Requests to other people's servers: apart, since its client takes minutes to build.
        .target(
            name: "OutboundHTTP",
            dependencies: [
                "CallServer", "Trunk",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "SelfTest",
            dependencies: ["CallBridge", "Simulators", .product(name: "Logging", package: "swift-log")],
            swiftSettings: swift
        ),
        .executableTarget(
            name: "trunkline",
            dependencies: [
                "CallBridge", "CallServer", "OutboundHTTP", "RealtimeProtocol", "SelfTest", "Simulators", "Trunk",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),

        // A call server of one's own.
        .executableTarget(
            name: "order-line",
            dependencies: [
                "CallPolicy", "CallServer", "OutboundHTTP",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Examples/OrderLine",
            // As a package of one's own is by default.
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),

        // The throughput benchmark: its load in C, and the command.
        .target(
            name: "CBench",
            dependencies: ["CTrunk", "COpenSSL"],
            path: "Benchmarks/CBench",
            cSettings: [.define("_GNU_SOURCE")]
        ),
        .executableTarget(
            name: "bench-relay",
            dependencies: [
                "CBench", "CallBridge", "CallPolicy", "RealtimeProtocol", "Trunk",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Benchmarks/bench-relay",
            swiftSettings: swift + [.unsafeFlags(["-static-stdlib"])],
            // The relay's idle memory is measured: only what is used of the standard libraries comes along.
            linkerSettings: [.unsafeFlags(["-static-stdlib"])]
        ),

        // An echo peer for WebSocket conformance suites.
        .executableTarget(
            name: "conformance-peer",
            dependencies: ["Trunk", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Tests/Conformance",
            exclude: ["torn.c"],
            swiftSettings: swift
        ),

        // Tests, and what several of them use.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swift),
        .testTarget(name: "CTrunkTests", dependencies: ["CTrunk"], swiftSettings: swift),
        .testTarget(name: "TrunkTests", dependencies: ["Trunk", "CTrunk", "TestSupport"], swiftSettings: swift),
        .testTarget(name: "RealtimeProtocolTests", dependencies: ["RealtimeProtocol"], swiftSettings: swift),
        .testTarget(name: "CallPolicyTests", dependencies: ["CallPolicy", "RealtimeProtocol"], swiftSettings: swift),
        .testTarget(
            name: "SimulatorsTests",
            dependencies: ["Simulators", "Trunk", "RealtimeProtocol"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "CallBridgeTests",
            dependencies: [
                "CallBridge", "SelfTest", "Simulators", "Trunk", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "CallRecordsTests",
            dependencies: [
                "CTrunk", "CallBridge", "CallPolicy", "CallRecords", "RealtimeProtocol", "SelfTest", "TestSupport",
                "Trunk",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "CallRecordingTests",
            dependencies: ["CallRecording", "SelfTest", "TestSupport", "Trunk"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "HostileTests",
            dependencies: [
                "COpenSSL", "CallBridge", "CallPolicy", "CallServer", "RealtimeProtocol", "SelfTest", "Simulators",
                "TestSupport", "Trunk", "WebServer",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "WebServerTests",
            dependencies: [
                "RealtimeProtocol", "TestSupport", "Trunk", "WebServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "OutboundHTTPTests",
            dependencies: ["CallServer", "OutboundHTTP", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "CallServerTests",
            dependencies: [
                "CallBridge", "CallPolicy", "CallRecords", "CallServer", "RealtimeProtocol", "SelfTest", "Simulators",
                "TestSupport", "Trunk", "WebServer",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swift
        ),
    ],
    cLanguageStandard: .c17
)
