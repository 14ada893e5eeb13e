import CallBridge
import CallPolicy
import Logging
import Trunk

/// What happens in calls, told to everybody who hears of it.
extension WebSide {
    /// Hears of the calls of one engine, on its loop.
    func observer(of engine: CallEngine, _ next: @escaping @Sendable (CallRecord) -> Void)
        -> @Sendable (CallRecord) -> Void
    {
        { [weak engine, weak self] record in
            next(record)
            guard let self, let engine else { return }
            note(record, on: engine)
        }
    }

    private func note(_ record: CallRecord, on engine: CallEngine) {
        hub.note(record)
        health.note(record)
        metrics.withLock { $0.observe(record.kind) }
        let entry = directory.note(record, on: engine)
        feed.note(record, entry)
        records?.note(record, entry, on: engine)
        switch record.kind {
        case .planned: ears.begin(record.callSID)
        case .event(.started):
            guard let session = hub.savedSession?.session else { return }
            Task {
                await engine.perform { Bridge.command(.updateSession(session), to: record.call, on: $0) }
            }
        case .event(.usage(_, _, let cost)), .event(.transcriptionUsage(_, let cost)):
            let isSpentNow = planner.caps.withLock { $0.spend(cost, live.caps, now: UnixTime.milliseconds) }
            if isSpentNow { endAllCalls() }
        case .ended(let reason, _, _):
            planner.caps.withLock { $0.leave(record.callSID) }
            if reason == .operatorHungUp { hangUp(record.callSID) }
        default: break
        }
    }

    /// The carrier goes on with its document when a stream ends, and the caller with it: who was hung up on is gone.
    private func hangUp(_ callSID: String) {
        guard let rest else { return }
        let logger = logger.subsystem("carrier")
        Task {
            do throws(TwilioRESTError) {
                try await rest.hangUp(call: callSID)
            } catch {
                logger.warning("the carrier did not hang up: \(error)", metadata: ["call": "\(callSID)"])
            }
        }
    }

    /// The day's budget is spent: every call ends with a goodbye, and no new one is taken.
    private func endAllCalls() {
        logger.critical("COST_PER_DAY is spent: calls in progress end with a goodbye, new ones are refused")
        let directory = directory
        Task {
            for callSID in directory.liveIDs {
                _ = await directory.command(.endAfterGoodbye(.system, .maximumCost), to: callSID)
            }
        }
    }
}
