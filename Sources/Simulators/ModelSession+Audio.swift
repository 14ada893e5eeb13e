import RealtimeProtocol
import Trunk

/// The caller's audio as a model's session takes it: turns by its detector, or by commits.
extension ModelSession {
    /// Of the caller's audio, and of the model's: both sides of a session have one format here.
    var bytesPerMillisecond: Int { session.input?.format?.bytesPerMillisecond ?? 0 }
    var isLinear: Bool { session.input?.format == .pcm24000 }

    private var detection: TurnDetection? { session.input?.turnDetection?.value }

    /// Audio that is kept for a commit.
    private static let bufferMilliseconds = 120_000

    mutating func append(_ text: String, _ eventID: String?, at now: Int64) {
        guard let audio = Base64.decode(text) else {
            return fail(code: "invalid_value", message: "Invalid 'audio': not base64.", eventID)
        }
        log.heard(audio, connection: connection, isConfigured: isConfigured, keeps: script.recordsAudio)
        guard isConfigured, bytesPerMillisecond > 0 else { return }
        guard detection != nil else {
            // Everything until the commit is one turn.
            if utterance.count < Self.bufferMilliseconds * bytesPerMillisecond { utterance.append(contentsOf: audio) }
            return
        }
        utterance.append(contentsOf: audio)
        let heard = isLinear ? PCM.toMuLaw(PCM.samples(audio)) : audio
        for edge in voiceActivity.take(heard) {
            switch edge {
            case .started(let milliseconds): speechStarted(milliseconds, at: now)
            case .stopped(let milliseconds): speechStopped(milliseconds, at: now)
            }
        }
        // Before speech only the prefix is worth keeping.
        let prefix = (voiceActivity.prefixMilliseconds + 200) * bytesPerMillisecond
        if !voiceActivity.isSpeaking, utterance.count > prefix { utterance.removeFirst(utterance.count - prefix) }
    }

    private mutating func speechStarted(_ milliseconds: Int, at now: Int64) {
        userItemID = newID("item")
        log.note(.speechStarted(connection: connection, at: now))
        emit(.speechStarted(itemID: userItemID, audioStartMilliseconds: milliseconds))
        waiting = nil
        if active != nil, detection?.interruptResponse ?? true {
            endResponse(.cancelled, .init(type: "cancelled", reason: "turn_detected"))
        }
    }

    private mutating func speechStopped(_ milliseconds: Int, at now: Int64) {
        emit(.speechStopped(itemID: userItemID, audioEndMilliseconds: milliseconds))
        commitUtterance()
        if detection?.createResponse ?? true { waiting = (now + Int64(script.thinkMilliseconds) * 1_000, nil) }
        if session.input?.transcription?.value != nil { transcribe() }
    }

    mutating func commit(_ eventID: String?, at now: Int64) {
        let buffered = utterance.count / bytesPerMillisecond
        guard buffered >= 100 else {
            let message =
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only "
                + "has \(buffered).00ms of audio."
            return fail(code: "input_audio_buffer_commit_empty", message: message, eventID)
        }
        userItemID = newID("item")
        commitUtterance()
        if session.input?.transcription?.value != nil { transcribe() }
    }

    private mutating func commitUtterance() {
        turns += 1
        lastUtterance = utterance
        utterance = []
        let content = ContentPart(kind: .inputAudio)
        let item = ConversationItem(
            id: userItemID,
            status: .completed,
            kind: .message(.init(role: "user", content: [content]))
        )
        let previous = lastItemID
        emit(.inputAudioCommitted(itemID: userItemID, previousItemID: previous))
        add(item, audioBytes: nil)
        emit(.itemAdded(item, previousItemID: previous))
        emit(.itemDone(item, previousItemID: previous))
    }

    private mutating func transcribe() {
        let usage = TranscriptionUsage.duration(
            seconds: Double(max(1, lastUtterance.count / (bytesPerMillisecond * 1_000)))
        )
        emit(.inputTranscriptionDelta(itemID: userItemID, contentIndex: 0, delta: script.callerTranscript))
        emit(
            .inputTranscriptionCompleted(
                itemID: userItemID,
                contentIndex: 0,
                transcript: script.callerTranscript,
                usage: usage
            )
        )
    }
}
