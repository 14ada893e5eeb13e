import CallBridge
import CallPolicy

/// One thing that waits to be written.
enum RecordEntry: Sendable {
    case record(CallRecord)
    /// Milliseconds since 1970 and what was noted then.
    case labels(String, CallLabels)
    case action(Int64, OperatorAction)
    case recording(RecordingNote)

    /// The call that it belongs to.
    var callSID: String {
        switch self {
        case .record(let record): record.callSID
        case .labels(let callSID, _): callSID
        case .action(_, let action): action.callSID
        case .recording(let note): note.callSID
        }
    }

    /// Whether a call could not be understood without it: it may use the queue's reserve.
    var isVital: Bool {
        guard case .record(let record) = self else { return false }
        switch record.kind {
        case .ended, .event(.started), .event(.summary): return true
        default: return false
        }
    }

    /// Whether it says anything that is stored.
    var isStored: Bool {
        guard case .record(let record) = self else { return true }
        // How a call will be led comes before its start; labels tell it.
        if case .planned = record.kind { return false }
        guard case .event(let event) = record.kind else { return !record.callSID.isEmpty }
        switch event {
        case .modelDialled, .modelServing, .truncated, .responseRequested, .responseFinished, .agentMuted, .rateLimits,
            .unknownEvent, .goodbyeCancelled:
            return false
        default: return !record.callSID.isEmpty
        }
    }

    /// Bytes of its texts, about; counting is quick for the native strings that the policy makes.
    var bytes: Int {
        switch self {
        case .labels, .recording: 256
        case .action(_, let action): 256 + action.detail.utf8.count + (action.said?.utf8.count ?? 0)
        case .record(let record):
            switch record.kind {
            case .event(.callerTranscript(_, let text)): 256 + text.utf8.count
            case .event(.agentTranscript(let words)): 256 + words.heard.utf8.count + words.unheard.utf8.count
            case .event(.toolStarted(_, _, let arguments)): 256 + arguments.utf8.count
            case .event(.toolFinished(_, _, _, let output, _)): 256 + output.utf8.count
            case .event(.warning(_, let detail)), .event(.ending(_, _, let detail)): 256 + detail.utf8.count
            case .event(.started(let start)):
                start.parameters.reduce(512) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            default: 256
            }
        }
    }
}
