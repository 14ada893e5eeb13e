import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

/// Dialling at the rate of all calls, and what one call tells the others about the model.
extension CallSession {
    /// Dials now, or when the rate allows it.
    func dial(_ number: ModelLeg, _ call: CallID, on engine: isolated CallEngine) {
        let moment = bridge.configuration.connectRate.take(at: engine.nowMicroseconds)
        guard moment > engine.nowMicroseconds else { return dialNow(number, call, on: engine) }
        delayedDials[number] = moment
        armTimer(on: engine)
    }

    /// Dials what was put off until now.
    func dialDelayed(_ call: CallID, on engine: isolated CallEngine) {
        for (number, moment) in delayedDials where moment <= engine.nowMicroseconds {
            delayedDials[number] = nil
            dialNow(number, call, on: engine)
        }
    }

    /// A call has one timer: it goes off at the first of the moments that are waited for.
    func armTimer(on engine: isolated CallEngine) {
        guard let call, !isOver else { return }
        let moments = [policyTimer].compactMap { $0 } + delayedDials.values
        engine.setTimer(call, atMicroseconds: moments.min())
    }

    private func dialNow(_ number: ModelLeg, _ call: CallID, on engine: isolated CallEngine) {
        do throws(TrunkError) {
            let leg = try engine.dialModel(
                plan.model.dialTarget,
                for: call,
                epoch: UInt32(truncatingIfNeeded: number.number)
            )
            legs[number] = leg
            numbers[leg] = number
        } catch {
            logger.warning("model cannot be dialled: \(error)")
            feed(.modelClosed(number, LegClose(cause: error.code == .tls ? .tlsFailed : .connectFailed)), on: engine)
        }
    }

    /// What other calls should know.
    func note(_ event: CallEvent, on engine: isolated CallEngine) {
        let admission = bridge.configuration.modelAdmission
        switch event {
        case .unknownEvent(let type): bridge.configuration.unknownEvents.count(type)
        case .ending(.modelRefused, _, let detail):
            if admission.modelRefused(at: engine.nowMicroseconds) {
                logger.critical("the model refuses us, new calls are refused: \(Redaction.clean(detail))")
            }
        case .modelServing:
            if admission.modelServes() { logger.notice("the model takes us again") }
        case .rateLimits(let limits):
            for limit in limits {
                if let remaining = limit.remaining, remaining <= 0 {
                    admission.hold(seconds: limit.resetSeconds, at: engine.nowMicroseconds)
                }
            }
        default: break
        }
    }
}
