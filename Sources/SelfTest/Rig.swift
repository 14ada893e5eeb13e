public import CallBridge
public import CallPolicy
import Foundation
public import Logging
public import Simulators
public import Trunk

/// A whole telephone world on one machine: a server, a model behind TLS, and phones, each on a loop of its own.
public final class Rig: Sendable {
    /// The engine of the server under test.
    public let server: CallEngine
    /// The engine of the simulated phones.
    public let phones: CallEngine
    /// What the model saw and did.
    public let modelLog: ModelLog
    /// Which streams the server has let in.
    public let admission = CallAdmission()
    /// Where the server listens on 127.0.0.1.
    public let serverPort: Int
    private let folder: String
    private let script: ModelScript
    private let certificate: LoopbackCertificate?
    private let modelPort: Int
    /// The engine of the simulated model; nil while it is down.
    private let model: Locked<CallEngine?>

    /// How a rig is set up.
    public struct Setup: Sendable {
        /// The model's behaviour.
        public var model = ModelScript()
        /// How the server leads calls.
        public var call = CallConfiguration()
        /// The server's tools.
        public var tools = ToolRegistry()
        /// The server's engine.
        public var engine = EngineConfiguration.forCalls
        /// Whether the server dials the model over TLS.
        public var isSecure = true
        /// The server's log.
        public var logger = Logger(label: "trunkline") { _ in SwiftLogNoOpLogHandler() }
        /// Keeps records of calls; long runs of many calls keep none.
        public var keepsRecords = true

        /// The defaults: a parrot behind TLS.
        public init() {}
    }

    /// Starts everything. End it with `stop`.
    public init(_ setup: Setup = Setup()) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("trunkline-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        folder = path
        let log = ModelLog()
        modelLog = log
        let certificate = setup.isSecure ? try LoopbackCertificate(in: path) : nil
        self.certificate = certificate
        script = setup.model
        server = try CallEngine.start(setup.engine)
        phones = try CallEngine.start()
        let (engine, modelPort) = try await Self.startModel(setup.model, log, port: 0, certificate)
        model = Locked(engine)
        self.modelPort = modelPort
        let endpoint = try ModelEndpoint(
            url: "\(setup.isSecure ? "wss" : "ws")://localhost:\(modelPort)\(ModelSimulator.path)",
            model: setup.call.session.model,
            key: "sk-simulated",
            authorityFile: certificate?.certificateFile
        )
        var configuration = BridgeConfiguration(
            model: endpoint,
            call: setup.call,
            tools: setup.tools,
            admission: admission,
            logger: setup.logger
        )
        let store = RecordStore()
        if setup.keepsRecords { configuration.observer = { store.add($0) } }
        records = store
        let bridge = configuration
        self.configuration = configuration
        serverPort = try await server.perform { engine in
            try Bridge.listen(ListenAddress(host: "127.0.0.1", port: 0, paths: []), bridge, on: engine)
        }
    }

    private let records: RecordStore
    private let configuration: BridgeConfiguration

    /// Everything that the server wrote down, oldest first.
    public var callRecords: [CallRecord] { records.all }

    private static func startModel(
        _ script: ModelScript,
        _ log: ModelLog,
        port: Int,
        _ certificate: LoopbackCertificate?
    ) async throws -> (CallEngine, Int) {
        let engine = try CallEngine.start()
        let port = try await engine.perform { engine in
            try ModelSimulator.listen(script, log: log, port: port, certificate: certificate, on: engine)
        }
        return (engine, port)
    }

    /// Takes the model away: its connections break, its port refuses.
    public func stopModel() async {
        let engine = model.withLock { model in
            defer { model = nil }
            return model
        }
        await engine?.perform { $0.abortAll() }
        await engine?.stop()
    }

    /// Brings the model back at the same port.
    public func startModel() async throws {
        let (engine, _) = try await Self.startModel(script, modelLog, port: modelPort, certificate)
        model.withLock { $0 = engine }
    }

    /// Where phones reach the server.
    public var phoneTarget: DialTarget {
        DialTarget(host: "127.0.0.1", port: serverPort, isSecure: false, target: "/media-stream")
    }

    /// The model's authority; nil when it does not speak TLS.
    public var authorityFile: String? { certificate?.certificateFile }

    /// Where the model listens on this machine.
    public var modelAddress: Int { modelPort }

    /// Lets the same server bridge to another model too, beside its own. Returns where phones reach that bridge.
    ///
    /// - Parameters:
    ///   - model: The other model.
    ///   - change: What else is different in that bridge.
    public func listen(
        model: ModelEndpoint,
        _ change: (inout BridgeConfiguration) -> Void = { _ in }
    ) async throws -> DialTarget {
        var other = configuration
        other.model = model
        other.modelAdmission = ModelAdmission()
        other.connectRate = ConnectRate()
        change(&other)
        let bridge = other
        let port = try await server.perform { engine in
            try Bridge.listen(ListenAddress(host: "127.0.0.1", port: 0, paths: []), bridge, on: engine)
        }
        return DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/media-stream")
    }

    /// Lets a phone call the server, or the bridge at another address.
    public func call(_ script: PhoneScript, at address: DialTarget? = nil) async throws -> PhoneSimulator.Outcome {
        let target = address ?? phoneTarget
        return try await phones.perform { engine in try PhoneSimulator.call(target, script, on: engine) }
    }

    /// Gives a command to a call that has begun.
    public func command(_ command: CallCommand, callSID: String) async {
        guard let call = callRecords.first(where: { $0.callSID == callSID })?.call else { return }
        await server.perform { engine in Bridge.command(command, to: call, on: engine) }
    }

    /// Stops everything.
    public func stop() async {
        await phones.stop()
        await server.stop()
        await stopModel()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Gathers records from the server's loop.
private final class RecordStore: Sendable {
    /// Records that are kept; a demo has some hundreds.
    private static let capacity = 200_000
    private let records = Locked<[CallRecord]>([])

    var all: [CallRecord] { records.withLock { $0 } }

    func add(_ record: CallRecord) {
        records.withLock { if $0.count < Self.capacity { $0.append(record) } }
    }
}
