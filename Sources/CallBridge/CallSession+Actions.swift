import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

/// What the policy wants done.
extension CallSession {
    func perform(_ action: CallAction, on engine: isolated CallEngine) {
        guard let call, !isOver else { return }
        switch action {
        case .dialModel(let number): dial(number, call, on: engine)
        case .closeModel(let number, let code, let reason):
            delayedDials[number] = nil
            guard let leg = legs[number] else { return }
            engine.close(leg, code: code, reason: reason)
        case .send(let number, let event): send(event, to: number, on: engine)
        case .openCallerAudio(let number): try? engine.route(call, to: legs[number])
        case .holdCallerAudio: try? engine.route(call, to: nil)
        case .interruptPlayback: engine.interrupt(call)
        case .playWaitingTone: engine.play(WaitingTone.audio, to: call)
        case .muteResponse(let responseID): engine.muteResponse(responseID, of: call)
        case .runTool(let invocation): run(invocation, call, on: engine)
        case .cancelTool(let callID):
            tools.removeValue(forKey: callID)?.cancel()
            dialect?.cancel(callID)
        case .setTimer(let moment):
            policyTimer = moment.map { $0.milliseconds * 1_000 }
            armTimer(on: engine)
        case .closeCarrier(let code, let reason): engine.close(carrier, code: code, reason: reason)
        case .muteAgent(let muted): engine.muteAgent(call, muted)
        case .record(let event):
            event.log(to: logger)
            note(event, on: engine)
            hears(event, on: engine)
            bridge.configuration.observer(record(.event(event.withoutKeys), call, on: engine))
        case .ended(let reason, let initiator): end(reason, initiator, call, on: engine)
        }
    }

    private func send(_ event: ClientEvent, to number: ModelLeg, on engine: isolated CallEngine) {
        guard let leg = legs[number] else { return }
        do throws(TrunkError) {
            try engine.send(text: event.encode(), to: leg)
        } catch {
            // The queue is bounded: a model that does not read ends as a stuck peer. A closing leg is ordinary.
            if error.code == .full { logger.warning("\(event.type) not sent: the model does not read") }
        }
    }

    private func run(_ invocation: ToolInvocation, _ call: CallID, on engine: isolated CallEngine) {
        if carrierTools.contains(where: { $0.name == invocation.name }) {
            return runAtCarrier(invocation, call, on: engine)
        }
        let registry = plan.tools
        let context = ToolContext(callID: invocation.callID, carrier: start, wallClock: .now())
        tools[invocation.callID] = Task {
            let result = await registry.run(invocation, context: context)
            if Task.isCancelled { return }
            engine.perform { engine in
                (engine.callHandler(call) as? CallSession)?.toolFinished(invocation.callID, result, on: engine)
            }
        }
    }
}
