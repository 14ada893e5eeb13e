import Trunk

/// Opens a WebSocket to see whether it opens, and what comes first.
final class SocketProbe: LegHandler {
    /// What was seen.
    enum Outcome: Sendable {
        /// It opened, and this text came first; nil when nothing was waited for.
        case opened([UInt8]?)
        /// It did not, or ended before a text came.
        case ended(LegEnding)
        /// It opened, and no text came in time.
        case silent
    }

    private let finish: @Sendable (Outcome) -> Void
    private let waitsForText: Bool
    private let milliseconds: Int
    private var isFinished = false

    private init(waitsForText: Bool, milliseconds: Int, finish: @escaping @Sendable (Outcome) -> Void) {
        self.waitsForText = waitsForText
        self.milliseconds = milliseconds
        self.finish = finish
    }

    /// Dials, looks, and closes.
    static func look(
        at target: DialTarget,
        waitsForText: Bool,
        milliseconds: Int = 5_000,
        on engine: CallEngine
    ) async throws(TrunkError) -> Outcome {
        let result: Result<Outcome, TrunkError> = await withCheckedContinuation { continuation in
            Task {
                let failure = await engine.perform { engine -> TrunkError? in
                    let probe = SocketProbe(waitsForText: waitsForText, milliseconds: milliseconds) {
                        continuation.resume(returning: .success($0))
                    }
                    do throws(TrunkError) {
                        _ = try engine.dial(target, handler: probe)
                        return nil
                    } catch {
                        return error
                    }
                }
                if let failure { continuation.resume(returning: .failure(failure)) }
            }
        }
        return try result.get()
    }

    private func end(_ outcome: Outcome, _ leg: LegID?, on engine: isolated CallEngine) {
        if isFinished { return }
        isFinished = true
        finish(outcome)
        if let leg { engine.close(leg) }
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        if waitsForText {
            engine.setTimer(leg, afterMilliseconds: milliseconds)
        } else {
            end(.opened(nil), leg, on: engine)
        }
    }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        end(.opened(message.withUnsafeBytes { Array($0) }), leg, on: engine)
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) { end(.silent, leg, on: engine) }

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        end(.ended(ending), nil, on: engine)
    }
}
