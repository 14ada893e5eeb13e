import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

/// What the machine, the calls and the model are like; looked at in the background, so that an answer costs nothing.
final class HealthMonitor: Sendable {
    private struct State {
        var samples = HealthSamples()
        var system = SystemSample.now()
        var errors = ErrorRing()
        var dials = 0
        var dialsFailed = 0
        /// Those of the last interval and of the one before: one failure must not be forgotten within a second.
        var lastDials = 0
        var lastDialsFailed = 0
        var sessions = 0
    }

    private let state = Locked(State())
    private let admission: ModelAdmission
    private let callsMax: Int
    private let usesParrot: Bool

    init(_ admission: ModelAdmission, callsMax: Int, usesParrot: Bool) {
        self.admission = admission
        self.callsMax = callsMax
        self.usesParrot = usesParrot
    }

    /// Looks again and again, until it is cancelled.
    func run(everySeconds seconds: Int) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(seconds))
            look()
        }
    }

    private func look() {
        let now = SystemSample.now()
        state.withLock { state in
            now.fill(&state.samples, since: state.system)
            state.system = now
            (state.lastDials, state.lastDialsFailed) = (state.dials, state.dialsFailed)
            (state.dials, state.dialsFailed) = (0, 0)
        }
    }

    /// Remembers what went wrong in a call. The words of others stay out: they may hold what is not for all.
    func note(_ record: CallRecord) {
        let context = "call \(record.callSID)"
        switch record.kind {
        case .event(.modelDialled): state.withLock { $0.dials += 1 }
        case .event(.modelServing): state.withLock { $0.sessions += 1 }
        case .event(.modelLost(_, let close, let lost)):
            let hasFailed = close.cause != .local && close.cause != .peerClosed
            state.withLock { state in
                if lost { state.sessions = max(0, state.sessions - 1) }
                if !lost, hasFailed { state.dialsFailed += 1 }
            }
            if lost { add("model_lost", "model", "\(context): closed with \(close.code)") }
        case .event(.warning(let kind, _)): add(kind.rawValue, "call", context)
        case .ended(let reason, let initiator, _):
            if initiator == .system || initiator == .model { add("call_ended", reason.rawValue, context) }
        default: break
        }
    }

    func add(_ type: String, _ context: String, _ message: String) {
        let entry = ErrorRing.Entry(type: type, context: context, message: message, milliseconds: UnixTime.milliseconds)
        state.withLock { $0.errors.add(entry) }
    }

    /// The report as of now.
    ///
    /// - Parameter recordsTrouble: What is lost of the records; nil when nothing is.
    func report(calls: Int, viewers: Int, recordsTrouble: String?) -> HealthReport {
        let isRefusing = admission.isRefusing
        return state.withLock { state in
            var samples = state.samples
            if samples.memoryPercent == 0 { state.system.fill(&samples, since: state.system) }
            samples.callsOpen = calls
            samples.callsMaximum = callsMax
            samples.viewers = viewers
            samples.modelSessions = state.sessions
            samples.modelDials = state.dials + state.lastDials
            samples.modelDialsFailed = state.dialsFailed + state.lastDialsFailed
            samples.usesParrot = usesParrot
            samples.modelRefuses = isRefusing
            samples.recordsTrouble = recordsTrouble
            samples.milliseconds = UnixTime.milliseconds
            return HealthReport(samples, errors: state.errors)
        }
    }
}
