import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import Testing
import Trunk

/// The model goes away, or its session grows too old, and the caller should not notice.
@Suite(.timeLimit(.minutes(2))) struct ModelLossTests {
    @Test func aKilledModelIsBackAfterASecondAndTheCallGoesOn() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 1_000
        setup.model.callerTranscript = "My name is Alex."
        setup.model.transcript = "Good to meet you."
        setup.call.reconnect.initialDelayMilliseconds = 300
        let rig = try await Rig(setup)
        let script = PhoneScript.pattern(
            1,
            [
                .pause(milliseconds: 200), .speakPattern(milliseconds: 600),
                .waitForSilence(milliseconds: 600, atMost: 6_000), .pause(milliseconds: 2_500),
                .speakPattern(milliseconds: 600), .waitForSilence(milliseconds: 600, atMost: 6_000), .hangUp(.stop),
            ]
        )
        let phone = try await rig.call(script)
        await rig.wait { log in log.entries.contains(.responseEnded(connection: 1, status: "completed")) }
        await Patience.wait { !phone.report.answers.isEmpty && phone.report.heardItems[1] == 8_000 }
        await rig.stopModel()
        // The caller goes on for a second of frames; the report is renewed every 50.
        let sent = phone.report.framesSent
        await Patience.wait { phone.report.framesSent >= sent + 50 }
        try await rig.startModel()
        await phone.ended()
        await rig.waitForEnding(of: script.callID)
        await rig.stop()

        // The caller stayed, was heard without a gap, and got a second answer.
        #expect(rig.ending(of: script.callID)?.reason == .callerHungUp)
        #expect(phone.report.answers.count == 2)
        let check = try #require(rig.modelLog.checks[1])
        // A frame written to a connection that has just died is gone with it; nothing else is.
        #expect(check.lost <= 3 && check.repeated + check.reordered + check.foreign == 0, "\(check)")
        #expect(phone.report.framesSent - check.frames <= 10)
        // The conversation so far stands in the new session before its audio.
        let last = rig.modelLog.connections
        let restored = rig.modelLog.entries.compactMap { entry -> String? in
            if case .itemCreated(let connection, let text) = entry, connection == last { return text }
            return nil
        }
        #expect(restored.contains { $0.contains("My name is Alex.") })
        #expect(restored.contains { $0.contains("Good to meet you.") })
        #expect(rig.modelLog.earlyBytes == 0)
        let isBack = rig.events(of: script.callID).contains { event in
            if case .reconnected(_, let outage, _) = event { return outage >= 900 && outage < 5_000 }
            return false
        }
        #expect(isBack)
    }

    @Test func rotationLosesNothingAndRepeatsNothing() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 700
        setup.model.expiresAfter = 5_000
        setup.call.rotation.afterMilliseconds = 3_000
        let rig = try await Rig(setup)
        var steps: [PhoneScript.Step] = [.pause(milliseconds: 200)]
        for _ in 0..<7 {
            steps += [.speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 6_000)]
        }
        let script = PhoneScript.pattern(1, steps + [.hangUp(.stop)])
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.waitForEnding(of: script.callID)
        await rig.stop()
        #expect(rig.modelLog.connections >= 3)
        #expect(rig.ending(of: script.callID)?.reason == .callerHungUp)
        let check = try #require(rig.modelLog.checks[1])
        #expect(check.isPerfect, "\(check)")
        #expect(phone.report.framesSent - check.frames <= 10)
        #expect(phone.report.answers.count == 7)
        for item in phone.report.checks.values { #expect(item.isPerfect) }
        // Each answer was heard once and whole.
        for (itemID, number) in rig.modelLog.itemNumbers {
            #expect(phone.report.heardItems[number] == 700 * 8, "\(itemID)")
        }
        let losses = rig.events(of: script.callID).filter { event in
            if case .modelLost(_, _, let lost) = event { return lost }
            return false
        }
        #expect(losses.isEmpty)
    }

    @Test func aRefusedKeyEndsTheCallAndIsNotTriedAgain() async throws {
        let refusals: [ModelScript.Handshake] = [
            .refused(code: "invalid_api_key", message: "Incorrect API key provided: sk-simulated"), .status(401),
        ]
        for handshake in refusals {
            var setup = Rig.Setup()
            setup.model.handshake = handshake
            let rig = try await Rig(setup)
            let script = PhoneScript.pattern(1, [.hangUp(.never)])
            let phone = try await rig.call(script)
            await phone.ended()
            await rig.waitForEnding(of: script.callID)
            await rig.stop()
            #expect(rig.ending(of: script.callID)?.reason == .modelRefused)
            #expect(rig.modelLog.connections == 1)
            #expect(phone.report.ending.hasPrefix("1000 peer"))
        }
    }

    @Test func aModelThatFallsSilentIsReplaced() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 600
        setup.model.faults = [.init(after: 900, connections: 1...1, kind: .drop)]
        let rig = try await Rig(setup)
        let script = PhoneScript.pattern(
            1,
            [
                .pause(milliseconds: 1_500), .speakPattern(milliseconds: 500),
                .waitForSilence(milliseconds: 500, atMost: 6_000), .hangUp(.close),
            ]
        )
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.waitForEnding(of: script.callID)
        await rig.stop()
        #expect(rig.modelLog.connections == 2)
        #expect(phone.report.answers.count == 1)
        let check = try #require(rig.modelLog.checks[1])
        #expect(check.lost <= 3 && check.repeated + check.reordered + check.foreign == 0, "\(check)")
    }
}
