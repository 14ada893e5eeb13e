import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

/// What the model's legs bring.
extension CallSession {
    func modelOpened(_ call: CallID, _ leg: LegID, on engine: isolated CallEngine) {
        guard let number = numbers[leg] else { return }
        feed(.modelOpened(number), on: engine)
    }

    func modelEvent(
        _ call: CallID,
        _ leg: LegID,
        _ message: RawSpan,
        at moment: LoopMoment,
        on engine: isolated CallEngine
    ) {
        guard let number = numbers[leg] else { return }
        if let watcher = bridge.configuration.watcher, watcher.isWatching {
            watcher.modelSaid(message.withUnsafeBytes { Array($0) }, callSID: callSID)
        }
        do throws(ProtocolError) {
            let event = try message.parseServerEvent()
            hears(event, on: engine)
            var snapshot = snapshot(on: engine)
            if case .speechStarted = event { snapshot.givenMilliseconds = engine.audioGiven(to: leg, of: call) }
            feed(.modelEvent(number, event, snapshot), on: engine)
        } catch {
            unreadable += 1
            let level: Logger.Level = unreadable <= Self.unreadableLogged ? .warning : .debug
            logger.log(level: level, "model event dropped: \(Redaction.clean("\(error)"))")
            feed(.modelEventUnreadable(number), on: engine)
        }
    }

    func modelAudio(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine) {
        guard let watcher = bridge.configuration.watcher else { return }
        watcher.modelSpoke(message.withUnsafeBytes { Array($0) }, callSID: callSID)
    }

    /// Unreadable messages of one call that are logged as warnings.
    private static let unreadableLogged = 5

    func modelClosed(_ call: CallID, _ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        guard let number = numbers.removeValue(forKey: leg) else { return }
        legs[number] = nil
        feed(.playback(snapshot(on: engine)), on: engine)
        feed(.modelClosed(number, LegClose(ending)), on: engine)
    }
}
