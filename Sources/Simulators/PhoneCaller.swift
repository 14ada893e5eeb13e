import Trunk

/// The caller's side of a script: what the next 20 ms are. Pure: what was heard and the time are parameters.
struct PhoneCaller: Sendable {
    private let script: PhoneScript
    private var index = 0
    private var position = 0
    private var stepBegan: Int64?
    private var heardAtStep = 0
    private var counter: UInt32 = 0
    private var keys: [String] = []
    private var speechBegan: Int64?
    /// When the last audible frame of this utterance ended: recordings close with silence.
    private var audibleUntil: Int64?
    /// Linear level from which a frame is audible, 0...32767.
    private static let audibleLevel = 600
    private(set) var said: [UInt8] = []
    private(set) var speech: [(began: Int64, ended: Int64)] = []
    private(set) var hasHungUp = false
    private(set) var hangUp = PhoneScript.HangUp.never

    init(_ script: PhoneScript) { self.script = script }

    mutating func takeKeys() -> [String] {
        defer { keys = [] }
        return keys
    }

    /// The next frame of µ-law.
    mutating func nextFrame(heard: PhoneHearing, at now: Int64) -> [UInt8] {
        skipInstantSteps()
        let frame = frame(heard: heard, at: now)
        if script.recordsAudio { said.append(contentsOf: frame) }
        return frame
    }

    private mutating func advance() {
        index += 1
        position = 0
        stepBegan = nil
    }

    private mutating func skipInstantSteps() {
        // A script that only starts over would turn for ever: each pass is bounded by its length.
        for _ in 0...script.steps.count {
            guard index < script.steps.count else { return }
            switch script.steps[index] {
            case .press(let key): keys.append(key)
            case .startOver:
                index = -1
            case .hangUp(let how):
                hangUp = how
                if case .never = how {} else { hasHungUp = true }
            default: return
            }
            advance()
        }
    }

    private mutating func frame(heard: PhoneHearing, at now: Int64) -> [UInt8] {
        guard index < script.steps.count else { return silence() }
        let began = stepBegan ?? now
        if stepBegan == nil {
            stepBegan = now
            heardAtStep = heard.audibleBytes
        }
        let elapsed = Int((now - began) / 1_000)
        switch script.steps[index] {
        case .speak(let audio): return speak(audio, at: now)
        case .speakPattern(let milliseconds):
            position += 20
            note(speaking: true, at: now)
            if position >= milliseconds { finishSpeech(at: now) }
            return pattern(isLoud: true)
        case .pause(let milliseconds):
            position += 20
            if position >= milliseconds { advance() }
        case .waitUntilHeard(let milliseconds, let limit):
            let bytes = heard.audibleBytes - heardAtStep
            if bytes / MuLaw.bytesPerMillisecond >= milliseconds || elapsed >= limit { advance() }
        case .waitForSilence(let milliseconds, let limit):
            let isQuiet = heard.audibleBytes > heardAtStep && heard.silentMilliseconds(at: now) >= milliseconds
            if isQuiet || elapsed >= limit { advance() }
        default: advance()
        }
        return silence()
    }

    private mutating func speak(_ audio: [UInt8], at now: Int64) -> [UInt8] {
        note(speaking: true, at: now)
        let end = min(audio.count, position + PatternFrame.byteCount)
        var frame = Array(audio[position..<end])
        frame += [UInt8](repeating: MuLaw.silence, count: PatternFrame.byteCount - frame.count)
        position = end
        if MuLaw.level(frame).rms >= Self.audibleLevel { audibleUntil = now + 20_000 }
        if position == audio.count { finishSpeech(at: now) }
        return frame
    }

    private mutating func note(speaking: Bool, at now: Int64) { speechBegan = speechBegan ?? now }

    private mutating func finishSpeech(at now: Int64) {
        speech.append((speechBegan ?? now, audibleUntil ?? now + 20_000))
        speechBegan = nil
        audibleUntil = nil
        advance()
    }

    private mutating func silence() -> [UInt8] {
        script.patternStream == nil
            ? [UInt8](repeating: MuLaw.silence, count: PatternFrame.byteCount) : pattern(isLoud: false)
    }

    private mutating func pattern(isLoud: Bool) -> [UInt8] {
        defer { counter += 1 }
        return PatternFrame(stream: script.patternStream ?? 0, item: 0, counter: counter, isLoud: isLoud).bytes
    }
}
