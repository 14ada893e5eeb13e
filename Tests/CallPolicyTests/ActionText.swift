import CallPolicy
import RealtimeProtocol

extension CallAction {
    /// The action as one line, for tests that read like a transcript. Records are written only when they are asked for.
    var line: String {
        switch self {
        case .dialModel(let leg): "dial \(leg.number)"
        case .closeModel(let leg, let code, let reason): "close \(leg.number) \(code) \(reason)"
        case .send(let leg, let event): "\(leg.number) < \(event.line)"
        case .openCallerAudio(let leg): "open \(leg.number)"
        case .holdCallerAudio: "hold"
        case .interruptPlayback: "clear"
        case .playWaitingTone: "tone"
        case .muteResponse(let id): "mute \(id)"
        case .runTool(let tool): "run \(tool.name) \(tool.arguments.text)"
        case .cancelTool(let id): "cancel tool \(id)"
        case .setTimer(let at): "timer \(at.map { String($0.milliseconds) } ?? "off")"
        case .closeCarrier(let code, let reason): "hang up \(code) \(reason)"
        case .muteAgent(let muted): muted ? "mute agent" : "unmute agent"
        case .record(let event): "record \(event)"
        case .ended(let reason, let initiator): "ended \(reason.rawValue) by \(initiator.rawValue)"
        }
    }

    var isRecord: Bool {
        if case .record = self { return true }
        return false
    }

    var isTimer: Bool {
        if case .setTimer = self { return true }
        return false
    }
}

extension ClientEvent {
    var line: String {
        switch self {
        case .sessionUpdate(let session, _):
            let interrupts = session.input?.turnDetection?.value?.interruptResponse
            return "session.update\(interrupts == false ? " uninterruptible" : "")"
        case .itemCreate(let item, _, _): return "item \(item.line)"
        case .itemTruncate(let item, _, let end, _): return "truncate \(item) \(end)"
        case .itemDelete(let item, _): return "delete \(item)"
        case .responseCreate(let options, _):
            return "create \(options?.metadata?["trunkline_purpose"]?.stringValue ?? "?")"
        case .responseCancel(let id, _): return "cancel \(id ?? "")"
        default: return type
        }
    }
}

extension ConversationItem {
    var line: String {
        switch kind {
        case .message(let message): "\(message.role): \(message.content.first?.text ?? "")"
        case .functionCall(let id, let name, _): "call \(id) \(name)"
        case .functionCallOutput(let id, let output): "output \(id) \(output)"
        case .other: "other"
        }
    }
}
