import CallPolicy
import Logging
import RealtimeProtocol

extension CallEvent {
    /// Writes the event to a log. Words of the caller and the agent, keys, arguments and results appear at debug level
    /// only; identifiers and figures at info; what went wrong at warning.
    func log(to logger: Logger) {
        switch self {
        case .started(let start):
            logger.info("call started", metadata: ["stream": "\(start.streamID)"])
        case .modelDialled(let leg, let purpose): logger.info("model dialled", metadata: leg.metadata("\(purpose)"))
        case .modelServing(let leg, let sessionID, let milliseconds):
            logger.info(
                "model serving after \(milliseconds) ms",
                metadata: leg.metadata(Redaction.clean(sessionID ?? ""))
            )
        case .modelLost(let leg, let close, let lost):
            let text = "model connection ended: \(close.cause) \(close.code) \(close.reason)"
            logger.log(level: lost ? .warning : .debug, "\(Redaction.clean(text))", metadata: leg.metadata(""))
        case .reconnected(_, let outage, let items):
            logger.info("model is back after \(outage) ms, \(items) items restored")
        case .rotated(_, _, let forced, let items):
            logger.info("moved to a new model session\(forced ? " (forced)" : ""), \(items) items restored")
        case .keys(let keys): logger.info("\(keys.utf8.count) keys pressed")
        case .interrupted(let interruption):
            logger.info(
                "agent interrupted (\(interruption.cause.rawValue)), heard \(interruption.heardMilliseconds) ms, dropped \(interruption.droppedMilliseconds) ms"
            )
        case .truncationRejected(_, let error):
            logger.warning("truncation rejected: \(Redaction.clean(error.message))")
        case .warning(let kind, let detail): logger.warning("\(kind.rawValue): \(Redaction.clean(detail))")
        case .turnLatency(let latency): logger.info("answered after \(latency.firstAudioMilliseconds) ms")
        case .toolStarted(_, let name, _): logger.info("tool \(Redaction.clean(name)) started")
        case .toolFinished(_, let name, let outcome, _, let milliseconds):
            logger.info("tool \(Redaction.clean(name)) \(outcome.rawValue) after \(milliseconds) ms")
        case .ending(let reason, let initiator, let detail):
            logger.info("ending: \(reason.rawValue) by \(initiator.rawValue) \(Redaction.clean(detail))")
        default: logger.debug("\(Redaction.clean("\(self)"))")
        }
    }
}

extension ModelLeg {
    fileprivate func metadata(_ detail: String) -> Logger.Metadata {
        detail.isEmpty ? ["leg": "\(number)"] : ["leg": "\(number)", "detail": "\(detail)"]
    }
}
