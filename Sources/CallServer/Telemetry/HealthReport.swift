public import RealtimeProtocol

/// How well something is.
public enum HealthStatus: String, Sendable, Hashable, Comparable {
    /// All is well.
    case healthy
    /// Somebody should look.
    case warning
    /// Calls suffer.
    case critical

    /// Better before worse.
    public static func < (left: HealthStatus, right: HealthStatus) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .healthy: 0
        case .warning: 1
        case .critical: 2
        }
    }
}

/// From when on a value is a warning, and from when on critical; nil is never.
public struct HealthThreshold: Sendable, Hashable {
    /// More than this is a warning.
    public var warning: Double
    /// More than this is critical.
    public var critical: Double?

    /// A threshold.
    public init(warning: Double, critical: Double? = nil) {
        self.warning = warning
        self.critical = critical
    }

    /// What a value means.
    public func status(_ value: Double) -> HealthStatus {
        if let critical, value > critical { return .critical }
        return value > warning ? .warning : .healthy
    }
}

/// Thresholds of the health page.
public struct HealthThresholds: Sendable, Hashable {
    /// Per cent of all processors.
    public var cpu = HealthThreshold(warning: 80)
    /// Per cent of the memory.
    public var memory = HealthThreshold(warning: 85, critical: 95)
    /// Per cent of the disk.
    public var disk = HealthThreshold(warning: 90, critical: 95)
    /// Per cent of the calls that may be open.
    public var calls = HealthThreshold(warning: 80, critical: 99)
    /// Per cent of the latest dials of the model that failed.
    public var modelFailures = HealthThreshold(warning: 10, critical: 50)

    /// The defaults.
    public init() {}
}

/// What was measured.
public struct HealthSamples: Sendable, Hashable {
    /// Per cent of all processors since the last sample.
    public var cpuPercent = 0.0
    /// Per cent of the memory.
    public var memoryPercent = 0.0
    /// Bytes of memory that can be had.
    public var memoryAvailableBytes: UInt64 = 0
    /// Per cent of the disk.
    public var diskPercent = 0.0
    /// Calls that are open.
    public var callsOpen = 0
    /// Calls that may be open.
    public var callsMaximum = 1
    /// Log viewers that are connected.
    public var viewers = 0
    /// Sessions of the model that are open.
    public var modelSessions = 0
    /// Dials of the model since the last sample.
    public var modelDials = 0
    /// Of those, the ones that failed.
    public var modelDialsFailed = 0
    /// Whether the model refuses us: key, quota or account.
    public var modelRefuses = false
    /// Whether the built-in parrot answers instead of a model.
    public var usesParrot = false
    /// What is lost of the records of calls; nil when nothing is.
    public var recordsTrouble: String?
    /// Milliseconds since 1970.
    public var milliseconds: Int64 = 0

    /// Nothing measured.
    public init() {}
}

/// The answer of the health page.
public struct HealthReport: Sendable {
    private struct Service: Sendable {
        let name: String
        let status: HealthStatus
        let message: String
        let details: JSONValue
    }

    private let services: [Service]
    private let errors: ErrorRing
    private let milliseconds: Int64

    /// Judges samples.
    public init(_ samples: HealthSamples, errors: ErrorRing, thresholds: HealthThresholds = HealthThresholds()) {
        // Monitors know three; the records are told of when they are in trouble. Calls go on without them.
        let records = samples.recordsTrouble.map {
            Service(name: "records", status: .warning, message: $0, details: [:])
        }
        services =
            [Self.system(samples, thresholds), Self.webSocket(samples, thresholds), Self.model(samples, thresholds)]
            + [records].compactMap { $0 }
        self.errors = errors
        milliseconds = samples.milliseconds
    }

    /// The worst of all.
    public var status: HealthStatus { services.map(\.status).max() ?? .healthy }

    /// The HTTP status to answer with.
    public var httpStatus: Int { status == .critical ? 503 : 200 }

    /// The body; details are for those who may see them.
    public func json(withDetails: Bool) -> JSONValue {
        [
            "status": .string(status.rawValue), "timestamp": .string(LogLine.timestamp(milliseconds)),
            "services": .array(
                services.map { service in
                    [
                        "service": .string(service.name), "status": .string(service.status.rawValue),
                        "message": .string(service.message),
                        "details": withDetails ? service.details : [:],
                    ]
                }
            ), "errors": withDetails ? errors.json : ErrorRing().json,
        ]
    }

    private static func system(_ samples: HealthSamples, _ thresholds: HealthThresholds) -> Service {
        let parts: [(String, HealthStatus)] = [
            ("CPU", thresholds.cpu.status(samples.cpuPercent)),
            ("memory", thresholds.memory.status(samples.memoryPercent)),
            ("disk", thresholds.disk.status(samples.diskPercent)),
        ]
        let scarce = parts.filter { $0.1 > .healthy }.map(\.0)
        return Service(
            name: "system",
            status: parts.map(\.1).max() ?? .healthy,
            message: scarce.isEmpty ? "resources are sufficient" : "\(scarce.joined(separator: ", ")) is scarce",
            details: [
                "cpu_percent": .number(rounded(samples.cpuPercent)),
                "memory_percent": .number(rounded(samples.memoryPercent)),
                "disk_percent": .number(rounded(samples.diskPercent)),
                "memory_available_gb": .number(rounded(Double(samples.memoryAvailableBytes) / 1_073_741_824)),
            ]
        )
    }

    private static func webSocket(_ samples: HealthSamples, _ thresholds: HealthThresholds) -> Service {
        let percent = 100 * Double(samples.callsOpen) / Double(max(1, samples.callsMaximum))
        return Service(
            name: "websocket",
            status: thresholds.calls.status(percent),
            message: "\(samples.callsOpen) of \(samples.callsMaximum) calls",
            details: [
                "active_connections": .integer(Int64(samples.callsOpen)),
                "max_connections": .integer(Int64(samples.callsMaximum)),
                "log_viewers": .integer(Int64(samples.viewers)),
            ]
        )
    }

    private static func model(_ samples: HealthSamples, _ thresholds: HealthThresholds) -> Service {
        // A single failure among few says little.
        let percent = 100 * Double(samples.modelDialsFailed) / Double(max(5, samples.modelDials))
        let message =
            samples.usesParrot
            ? "no key: the built-in parrot answers"
            : "\(samples.modelDialsFailed) of \(samples.modelDials) connections failed"
        return Service(
            name: "openai",
            status: samples.modelRefuses ? .critical : thresholds.modelFailures.status(percent),
            message: samples.modelRefuses ? "the model refuses us: key, quota or account" : message,
            details: [
                "active_sessions": .integer(Int64(samples.modelSessions)),
                "dials": .integer(Int64(samples.modelDials)),
                "dials_failed": .integer(Int64(samples.modelDialsFailed)),
            ]
        )
    }

    /// To a tenth.
    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
