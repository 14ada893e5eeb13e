import Trunk

/// Finds speech in µ-law by its level, with the prefix and the closing silence of server VAD. Pure.
struct VoiceActivity: Sendable {
    /// What was found, at milliseconds of audio since the session began.
    enum Edge: Sendable, Hashable {
        case started(atMilliseconds: Int)
        case stopped(atMilliseconds: Int)
    }

    private static let frameMilliseconds = 20
    /// Loud audio before it counts as speech, milliseconds.
    private static let onsetMilliseconds = 60

    var level: Int
    var prefixMilliseconds = 300
    var silenceMilliseconds = 500
    private(set) var isSpeaking = false
    private(set) var milliseconds = 0
    private var partial: [UInt8] = []
    private var loudMilliseconds = 0
    private var quietMilliseconds = 0

    init(level: Int) { self.level = level }

    /// Takes audio and returns the edges in it.
    mutating func take(_ audio: [UInt8]) -> [Edge] {
        partial.append(contentsOf: audio)
        let frameBytes = Self.frameMilliseconds * MuLaw.bytesPerMillisecond
        var edges: [Edge] = []
        var at = 0
        while partial.count - at >= frameBytes {
            let isLoud = MuLaw.level(partial[at..<at + frameBytes]).rms >= level
            at += frameBytes
            milliseconds += Self.frameMilliseconds
            if let edge = step(isLoud) { edges.append(edge) }
        }
        partial.removeFirst(at)
        return edges
    }

    private mutating func step(_ isLoud: Bool) -> Edge? {
        loudMilliseconds = isLoud ? loudMilliseconds + Self.frameMilliseconds : 0
        quietMilliseconds = isLoud ? 0 : quietMilliseconds + Self.frameMilliseconds
        if !isSpeaking, loudMilliseconds >= Self.onsetMilliseconds {
            isSpeaking = true
            return .started(atMilliseconds: max(0, milliseconds - loudMilliseconds - prefixMilliseconds))
        }
        if isSpeaking, quietMilliseconds >= silenceMilliseconds {
            isSpeaking = false
            return .stopped(atMilliseconds: milliseconds)
        }
        return nil
    }
}
