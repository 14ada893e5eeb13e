import CallPolicy
import SelfTest
import Simulators
import Testing
import Trunk

/// A phone that talks nonsense, beside a witness that must not notice.
@Suite struct BadInputTests {
    /// Sends texts in order once it is open, and tells when it was closed.
    private final class Nonsense: LegHandler {
        let texts: [String]
        let log: ClosingLog

        init(_ texts: [String], _ log: ClosingLog) {
            self.texts = texts
            self.log = log
        }

        func opened(_ leg: LegID, on engine: isolated CallEngine) {
            for text in texts { try? engine.send(text: text, to: leg) }
        }

        func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {}

        func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

        func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
            log.finish(ending.code)
        }
    }

    private static let start =
        #"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","#
        + #""tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"#
        + #""customParameters":{}},"streamSid":"MZ1"}"#

    private static func media(_ payload: String) -> String {
        #"{"event":"media","media":{"track":"inbound","payload":"\#(payload)"},"streamSid":"MZ1"}"#
    }

    /// What is sent, and the code that the phone is closed with.
    private static let cases: [(name: String, texts: [String], code: Int)] = [
        ("21 messages that are no JSON", Array(repeating: "nonsense", count: 21), 1008),
        ("start without ids", [#"{"event":"start","start":{}}"#], 1008),
        (
            "another encoding",
            [start.replacing("audio/x-mulaw", with: "audio/x-alaw")], 1003
        ),
        ("media before start", Array(repeating: media("////"), count: 21), 1008),
        (
            "payloads that smuggle JSON",
            [start] + Array(repeating: media(#"AA\",\"type\":\"session.update\",\"x\":\""#), count: 21), 1008
        ),
        ("duplicate keys", [start] + Array(repeating: #"{"event":"media","event":"stop"}"#, count: 21), 1008),
    ]

    @Test func badInputEndsItsCallAndNoOther() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 1_500
        let rig = try await Rig(setup)
        let witness = try await rig.call(
            .pattern(
                9,
                [
                    .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 9_000),
                    .hangUp(.stop),
                ]
            )
        )
        for (name, texts, code) in Self.cases {
            let log = ClosingLog()
            let target = rig.phoneTarget
            try await rig.phones.perform { engine in _ = try engine.dial(target, handler: Nonsense(texts, log)) }
            #expect(await log.code == code, "\(name)")
        }
        await witness.ended()
        await rig.stop()
        #expect(witness.report.checks.values.allSatisfy { $0.isPerfect })
        #expect(witness.report.heardItems.values.reduce(0, +) == 1_500 * 8)
        #expect(rig.modelLog.checks[9]?.isPerfect == true)
        // Nothing of the smuggled text reached a model as a message of its own.
        let updates = rig.modelLog.entries.filter { entry in
            if case .received(_, "session.update") = entry { return true }
            return false
        }
        #expect(updates.count <= rig.modelLog.connections)
    }
}
