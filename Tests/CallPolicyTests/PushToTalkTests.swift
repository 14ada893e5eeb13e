import CallPolicy
import RealtimeProtocol
import Testing

/// Callers who hold a button while they talk.
@Suite struct PushToTalkTests {
    private func detection(_ call: TestCall) -> Nullable<TurnDetection>? {
        guard case .sessionUpdate(let session, _)? = call.lastSent("session.update") else { return nil }
        return session.input?.turnDetection
    }

    @Test func whatIsSaidWhileItIsHeldIsOneTurn() {
        var call = TestCall()
        call.begin()
        #expect(
            call.give(.command(.listen(.held), .silent)) == ["1 < session.update", "1 < input_audio_buffer.clear"]
        )
        #expect(detection(call) == .null)
        // Nothing is said meanwhile.
        #expect(call.give(.command(.say("Hello."), .silent)) == [])
        #expect(call.give(.command(.listen(.released), .silent)).first == "1 < input_audio_buffer.commit")
        #expect(call.give(.command(.listen(.released), .silent)) == [], "let go once")
        call.model(.inputAudioCommitted(itemID: "u1", previousItemID: nil))
        #expect(call.count("1 < create caller_turn") == 1 || call.lines.contains("1 < create say"))
        // The next turn needs no other session, the end of the button does.
        #expect(call.give(.command(.listen(.held), .silent)).contains("1 < session.update") == false)
        #expect(call.give(.command(.listen(.open), .silent)).contains("1 < session.update"))
        #expect(detection(call)?.value?.kind == .serverVAD)
        #expect(call.give(.command(.listen(.open), .silent)) == [])
    }

    @Test func pressingItStopsTheAgent() {
        var call = TestCall()
        call.begin()
        call.responseBegins("resp_1", items: ["a1"])
        call.plays([("a1", 1_000, 400)])
        let done = call.give(.command(.listen(.held), call.playing))
        #expect(done.contains("clear") && done.contains("cancel resp_1") == false)
        #expect(done.contains("1 < cancel resp_1") && done.contains("1 < truncate a1 400"))
    }

    @Test func tooShortAPressIsNoTurn() {
        var call = TestCall()
        call.begin()
        call.give(.command(.listen(.held), .silent))
        call.give(.command(.listen(.released), .silent))
        let id = call.lastSent("input_audio_buffer.commit")?.eventID
        let error = APIError(code: "input_audio_buffer_commit_empty", message: "too small", eventID: id)
        #expect(call.model(.error(error)) == [])
        #expect(!call.records.contains { if case .warning = $0 { true } else { false } })
    }
}
