public import CallPolicy
import Logging
public import Trunk

/// A whole bridge without HTTP: phones come in on an engine's listener, each call gets a model. Lives on the engine.
public final class Bridge: LegAcceptor {
    let configuration: BridgeConfiguration
    private var refused = 0
    private var seeds = SystemRandomNumberGenerator()

    private init(_ configuration: BridgeConfiguration) { self.configuration = configuration }

    /// Listens for phones on the configuration's paths. Returns the port.
    ///
    /// - Parameters:
    ///   - address: Where to listen; its paths are replaced.
    ///   - configuration: What the bridge needs to know.
    ///   - engine: The engine that carries the calls.
    /// - Throws: Also when the model's authorities cannot be loaded: no call could be led.
    public static func listen(
        _ address: ListenAddress,
        _ configuration: BridgeConfiguration,
        on engine: isolated CallEngine
    ) throws(TrunkError) -> Int {
        var address = address
        address.paths = configuration.paths
        return try engine.listen(address, acceptor: make(configuration, on: engine))
    }

    /// Makes a bridge for a listener that serves more than phones.
    ///
    /// - Parameters:
    ///   - configuration: What the bridge needs to know; its paths are the listener's business.
    ///   - engine: The engine that carries the calls.
    /// - Throws: When the model's authorities cannot be loaded: no call could be led.
    public static func make(
        _ configuration: BridgeConfiguration,
        on engine: isolated CallEngine
    ) throws(TrunkError) -> Bridge {
        if configuration.model.isSecure { try engine.trust(authorityFile: configuration.model.authorityFile) }
        return Bridge(configuration)
    }

    /// Opens a call for Twilio, or refuses it with 503 when there are too many or the model would refuse it.
    public func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        requested(leg, request, of: .twilio, on: engine)
    }

    /// The same for any carrier.
    public func requested(
        _ leg: LegID,
        _ request: UpgradeRequest,
        of carrier: Carrier,
        on engine: isolated CallEngine
    ) {
        guard configuration.modelAdmission.admits(at: engine.nowMicroseconds) else {
            configuration.logger.debug("call refused: the model refuses us, or its rate limit is used up")
            return engine.refuse(leg, status: 503)
        }
        guard configuration.capacity.take() else {
            refused += 1
            configuration.logger.warning(
                "call refused: all \(configuration.capacity.limit) calls are in use",
                metadata: ["refused": "\(refused)"]
            )
            engine.refuse(leg, status: 503)
            return
        }
        let address = configuration.address(request)
        let session = CallSession(bridge: self, carrier: leg, carrier, address: address, seed: seeds.next())
        do throws(TrunkError) {
            session.begin(try engine.openCall(accepting: leg, dialect: carrier.kind, handler: session), on: engine)
        } catch {
            configuration.capacity.give()
            engine.refuse(leg, status: 503)
            configuration.logger.warning("call refused: \(error)")
        }
    }

    func callEnded() { configuration.capacity.give() }

    /// Gives a command to a call. A call that is gone is no error.
    public static func command(_ command: CallCommand, to call: CallID, on engine: isolated CallEngine) {
        (engine.callHandler(call) as? CallSession)?.command(command, on: engine)
    }

    /// Whether a call's model waits for the answer to this function call.
    public static func waits(forAnswerTo id: String, of call: CallID, on engine: isolated CallEngine) -> Bool {
        (engine.callHandler(call) as? CallSession)?.machine.waits(forAnswerTo: id) ?? false
    }
}
