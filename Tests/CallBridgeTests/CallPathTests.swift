import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import Testing
import Trunk

/// Whole calls over real sockets.
@Suite(.timeLimit(.minutes(5))) struct CallPathTests {
    @Test func theParrotGivesBackEveryByte() async throws {
        var setup = Rig.Setup()
        setup.model.recordsAudio = true
        let rig = try await Rig(setup)
        let speech = (0..<12_000).map { UInt8(truncatingIfNeeded: 0x80 + $0 * 7 % 48) }
        let phone = try await rig.call(
            PhoneScript([
                .pause(milliseconds: 300), .speak(speech), .waitForSilence(milliseconds: 600, atMost: 9_000),
                .hangUp(.stop),
            ])
        )
        await phone.ended()
        await rig.stop()
        let report = phone.report
        // What the model heard is what the caller said, bit for bit, and so is the answer.
        let heard = rig.modelLog.audio(of: 1)
        #expect(heard.count >= report.said.count - 1_600)
        #expect(Array(report.said.prefix(heard.count)) == heard)
        #expect(contains(report.heard, speech))
    }

    private func contains(_ audio: [UInt8], _ part: [UInt8]) -> Bool {
        guard let start = audio.firstIndex(where: { $0 != MuLaw.silence }) else { return false }
        // Silence of the prefix comes before the words.
        let from = max(0, start)
        return audio.count - from >= part.count && Array(audio[from..<from + part.count]) == part
    }

    @Test func aToolRunsAndItsAnswerReachesTheModelOnce() async throws {
        struct City: Decodable, Sendable { var city: String }
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 500
        setup.model.toolCalls = [.init(turn: 1, name: "weather", arguments: #"{"city":"London"}"#)]
        setup.tools.register(
            "weather",
            description: "Tells the weather.",
            parameters: ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]]
        ) { (arguments: City, _) in "foggy in \(arguments.city)" }
        let rig = try await Rig(setup)
        let script = PhoneScript.pattern(
            1,
            [
                .pause(milliseconds: 200), .speakPattern(milliseconds: 500),
                .waitForSilence(milliseconds: 500, atMost: 6_000), .hangUp(.stop),
            ]
        )
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.stop()
        let answers = rig.modelLog.entries.compactMap { entry -> String? in
            if case .toolAnswered(_, _, let output) = entry { return output }
            return nil
        }
        #expect(answers == ["foggy in London"])
        #expect(rig.modelLog.entries.filter { $0 == .responseRequested(connection: 1) }.count == 1)
        #expect(phone.report.answers.count == 1)
    }

    @Test func endCallLetsTheGoodbyeBeHeard() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 900
        setup.model.toolCalls = [.init(turn: 1, name: BuiltInTools.endCallName)]
        let rig = try await Rig(setup)
        let script = PhoneScript.pattern(
            1,
            [.pause(milliseconds: 200), .speakPattern(milliseconds: 500), .hangUp(.never)]
        )
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.waitForEnding(of: script.callID)
        await rig.stop()
        #expect(rig.ending(of: script.callID)?.reason == .agentHungUp)
        #expect(rig.ending(of: script.callID)?.initiator == .agent)
        // The goodbye was heard to its last byte before the server closed.
        #expect(phone.report.heardItems.values.reduce(0, +) == 900 * 8)
        #expect(phone.report.ending.hasPrefix("1000 peer"))
    }

    @Test func theAgentGreetsFirstWhenAsked() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 400
        setup.call.greeting = .agentFirst(.exactly("Hello!"))
        let rig = try await Rig(setup)
        let script = PhoneScript.pattern(1, [.waitForSilence(milliseconds: 300, atMost: 5_000), .hangUp(.stop)])
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.stop()
        #expect(phone.report.answers.count == 1)
        #expect(rig.modelLog.entries.contains(.responseRequested(connection: 1)))
    }

    @Test func keysReachTheModelAsText() async throws {
        let rig = try await Rig()
        let script = PhoneScript.pattern(
            1,
            [
                .pause(milliseconds: 300), .press("4"), .press("2"), .press("#"), .pause(milliseconds: 400),
                .hangUp(.stop),
            ]
        )
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.stop()
        let texts = rig.modelLog.entries.compactMap { entry -> String? in
            if case .itemCreated(_, let text) = entry { return text }
            return nil
        }
        #expect(texts.contains { $0.contains("42") })
    }

    @Test func aSlowReaderHoldsUpNobodyAndLosesNothing() async throws {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 3_000
        let rig = try await Rig(setup)
        var deaf = PhoneScript.pattern(
            1,
            [
                .pause(milliseconds: 100), .speakPattern(milliseconds: 400),
                // Longer than it is deaf: what it does not read is no silence.
                .waitForSilence(milliseconds: 1_500, atMost: 9_000), .hangUp(.stop),
            ]
        )
        deaf.deafMilliseconds = 1_200..<2_200
        let witness = PhoneScript.pattern(2, deaf.steps)
        let phones = [try await rig.call(deaf), try await rig.call(witness)]
        for phone in phones { await phone.ended() }
        await rig.stop()
        for phone in phones {
            #expect(phone.report.checks.values.allSatisfy { $0.isPerfect })
            #expect(phone.report.heardItems.values.reduce(0, +) == 3_000 * 8)
        }
    }
}
