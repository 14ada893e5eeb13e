import CallServer
import SelfTest
import Simulators
import TestSupport
import Testing

/// Who watches how loud a call is sees it whenever it begins, again and again.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EarsTests {
    private static let turn: [PhoneScript.Step] = [
        .speakPattern(milliseconds: 300), .waitForSilence(milliseconds: 300, atMost: 20_000), .hangUp(.stop),
    ]

    @Test func aCallThatBeginsLaterIsSeen() async throws {
        let server = try await ServerFixture()
        let viewer = try await server.viewer("/ws/live?call=\(PhoneScript.pattern(1, []).callID)")
        _ = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_live_viewers 1\n") }
        for _ in 0..<2 {
            let outcome = try await server.call(1, Self.turn)
            await outcome.ended()
            _ = try await server.ask("/calls") { !$0.text.contains("in-progress") }
        }
        // Levels of both calls: some after the beginning of the second.
        let bytes = await viewer.read { Self.levels($0) == 2 }
        #expect(Self.levels(bytes) == 2)
        await server.stop()
    }

    /// Calls of which levels were told.
    private static func levels(_ bytes: [UInt8]) -> Int {
        let texts = RawAnswer(bytes).frames.map { String(decoding: $0.payload, as: UTF8.self) }
        return texts.split { $0.contains(#""type":"started""#) }.dropFirst().count { part in
            part.contains { $0.contains(#""type":"levels""#) }
        }
    }

    /// One goes as the next comes, again and again: nobody is forgotten.
    @Test func whoComesAsAnotherGoesHears() async throws {
        let server = try await ServerFixture()
        let callID = PhoneScript.pattern(1, []).callID
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 20_000)])
        _ = try await server.ask("/calls") { $0.text.contains(callID) }
        for _ in 0..<20 {
            let viewer = try await server.viewer("/ws/live?call=\(callID)")
            #expect(await viewer.texts(until: "levels").contains { $0.contains("levels") })
            viewer.reset()
        }
        _ = try await server.ask("POST", "/calls/\(callID)/hangup")
        await outcome.ended()
        await server.stop()
    }
}
