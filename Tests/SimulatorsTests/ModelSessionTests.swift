import Foundation
import RealtimeProtocol
import Testing
import Trunk

@testable import Simulators

/// The simulated model against the rules of the real one.
@Suite struct ModelSessionTests {
    private let second: Int64 = 1_000_000

    private func update() -> SessionObject {
        var session = SessionObject()
        session.outputModalities = ["audio"]
        var input = SessionObject.AudioInput()
        input.format = .pcmu
        input.turnDetection = .value(.serverVAD(silenceDurationMilliseconds: 200))
        session.input = input
        var output = SessionObject.AudioOutput()
        output.format = .pcmu
        session.output = output
        return session
    }

    private func events(_ outputs: [ModelSession.Output]) -> [ServerEvent] {
        outputs.compactMap { output in
            if case .send(let event) = output { return event }
            return nil
        }
    }

    private func error(_ outputs: [ModelSession.Output]) -> APIError? {
        for case .error(let error) in events(outputs) { return error }
        return nil
    }

    private func loud(_ milliseconds: Int) -> ClientEvent {
        let frames = (0..<milliseconds / 20).flatMap { counter in
            PatternFrame(stream: 1, item: 0, counter: UInt32(counter), isLoud: true).bytes
        }
        return .inputAudioAppend(audio: Base64.encode(frames))
    }

    private func quiet(_ milliseconds: Int) -> ClientEvent {
        .inputAudioAppend(audio: Base64.encode([UInt8](repeating: MuLaw.silence, count: milliseconds * 8)))
    }

    private func configured(_ script: ModelScript = ModelScript()) -> ModelSession {
        var session = ModelSession(script, connection: 1, model: "m", log: ModelLog(), at: 0)
        _ = session.begin(at: 0)
        _ = session.take(.sessionUpdate(update()), at: 0)
        return session
    }

    /// A turn of the caller and the whole answer.
    private func turn(_ session: inout ModelSession) -> [ServerEvent] {
        var all = events(session.take(loud(600), at: second))
        all += events(session.take(quiet(400), at: second))
        var now = second
        while let due = session.nextDue {
            now = max(now, due)
            all += events(session.tick(at: now))
        }
        return all
    }

    @Test func ordersTheEventsOfATurnAsTheRealServerDoes() throws {
        guard let captured = Captured.types("openai-vad-turn") else {
            print("skipped: no recorded conversations in shared/captures")
            return
        }
        var script = ModelScript()
        script.voice = .tone
        script.answerMilliseconds = 600
        var session = configured(script)
        let simulated = turn(&session).map(\.type)
        #expect(Captured.outline(simulated) == Captured.outline(captured.filter { !$0.hasPrefix("session.") }))
    }

    @Test func namesTheFieldsAsTheRealServerDoes() throws {
        guard let captured = Captured.fields(["openai-vad-turn", "openai-tool-call"]) else {
            print("skipped: no recorded conversations in shared/captures")
            return
        }
        var script = ModelScript()
        script.voice = .tone
        script.answerMilliseconds = 600
        script.toolCalls = [.init(turn: 2, name: "get_weather", arguments: #"{"city":"London"}"#)]
        var session = ModelSession(script, connection: 1, model: "m", log: ModelLog(), at: 0)
        var all = events(session.begin(at: 0))
        var update = update()
        update.input?.transcription = .value(InputTranscription(model: "gpt-realtime-whisper"))
        all += events(session.take(.sessionUpdate(update), at: 0))
        all += turn(&session)
        all += turn(&session)
        var compared = 0
        for event in all {
            guard let expected = captured[event.type] else { continue }
            let keys = event.json(eventID: "event_1").objectValue?.keys ?? []
            // `obfuscation` pads real text deltas; nothing reads it.
            #expect(expected.contains { $0.filter { $0 != "obfuscation" } == keys }, "\(event.type): \(keys)")
            compared += 1
        }
        #expect(compared > 30)
    }

    @Test func interruptsItsAnswerWhenTheCallerSpeaks() {
        var script = ModelScript()
        script.voice = .tone
        script.answerMilliseconds = 5_000
        var session = configured(script)
        _ = session.take(loud(600), at: second)
        _ = session.take(quiet(400), at: second)
        _ = session.tick(at: 2 * second)
        let interrupted = events(session.take(loud(200), at: 2 * second + 100_000)).map(\.type)
        #expect(
            interrupted == [
                "input_audio_buffer.speech_started", "response.output_audio.done",
                "response.output_audio_transcript.done", "response.content_part.done", "conversation.item.done",
                "response.output_item.done", "response.done", "rate_limits.updated",
            ]
        )
    }

    @Test func refusesAsTheRealServerDoes() throws {
        var script = ModelScript()
        script.voice = .tone
        script.answerMilliseconds = 1_000
        script.speed = 0
        var session = configured(script)
        #expect(error(session.take(.responseCancel(), at: 0))?.code == "response_cancel_not_active")
        #expect(error(session.take(.inputAudioCommit(), at: 0))?.code == "input_audio_buffer_commit_empty")
        let unknown = session.take(
            .itemTruncate(itemID: "nope", contentIndex: 0, audioEndMilliseconds: 0, eventID: "e1"),
            at: 0
        )
        #expect(error(unknown)?.code == "item_truncate_invalid_item_id")
        #expect(error(unknown)?.eventID == "e1")
        let answer = turn(&session)
        let itemID = try #require(
            answer.compactMap { event -> String? in
                if case .outputItemAdded(_, _, let item) = event { return item.id }
                return nil
            }.first
        )
        func truncate(_ end: Int) -> APIError? {
            error(session.take(.itemTruncate(itemID: itemID, contentIndex: 0, audioEndMilliseconds: end), at: 0))
        }
        #expect(truncate(1_001)?.message == "Audio content of 1000ms is already shorter than 1001ms")
        #expect(truncate(-1)?.code == "integer_below_min_value")
        #expect(truncate(1_000) == nil)
        #expect(truncate(400) == nil)
        #expect(truncate(401)?.code == "invalid_value")
        let long = ConversationItem.text("x", role: "user", id: String(repeating: "i", count: 33))
        #expect(error(session.take(.itemCreate(long), at: 0))?.message.contains("maximum length 32") == true)
        let twice = ConversationItem.text("x", role: "user", id: "mine")
        #expect(error(session.take(.itemCreate(twice), at: 0)) == nil)
        #expect(error(session.take(.itemCreate(twice), at: 0))?.code == "item_create_duplicate_item_id")
    }

    @Test func refusesASecondResponse() {
        var script = ModelScript()
        script.voice = .tone
        var session = configured(script)
        #expect(error(session.take(.responseCreate(), at: 0)) == nil)
        #expect(
            error(session.take(.responseCreate(), at: 0))?.code == "conversation_already_has_active_response"
        )
    }

    @Test func endsAnOldSession() {
        var script = ModelScript()
        script.expiresAfter = 1_000
        var session = configured(script)
        #expect(session.nextDue == second)
        let outputs = session.tick(at: second)
        #expect(error(outputs)?.code == "session_expired")
        guard case .close(1001, _)? = outputs.last else {
            Issue.record("no close 1001")
            return
        }
    }
}
