import CallBridge
import CallPolicy
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// Providers that do not read, or say more than can be heard.
    @Suite(.timeLimit(.minutes(3))) struct ProviderPressureTests {
        /// A phone that sends frames of 20 ms much faster than real time, without regard to what it hears.
        private final class Flood: LegHandler {
            private let frames: Int
            private var sent = 0
            private let ended: @Sendable () -> Void

            init(frames: Int, _ ended: @escaping @Sendable () -> Void = {}) {
                self.frames = frames
                self.ended = ended
            }

            func opened(_ leg: LegID, on engine: isolated CallEngine) {
                try? engine.send(
                    text: #"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ7","#
                        + #""callSid":"CA7","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","#
                        + #""sampleRate":8000,"channels":1},"customParameters":{}},"streamSid":"MZ7"}"#,
                    to: leg
                )
                engine.setTimer(leg, afterMilliseconds: 1)
            }

            func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {}

            /// Ten seconds of audio each time, as long as the server takes it.
            func timerFired(_ leg: LegID, on engine: isolated CallEngine) {
                let payload = String(repeating: "/", count: 212) + "/w=="
                for _ in 0..<500 where sent < frames && engine.pendingBytes(leg) < 200_000 {
                    sent += 1
                    try? engine.send(
                        text:
                            #"{"event":"media","media":{"track":"inbound","payload":"\#(payload)"},"streamSid":"MZ7"}"#,
                        to: leg
                    )
                }
                engine.setTimer(leg, afterMilliseconds: 5)
            }

            func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) { ended() }
        }

        private func endpoint(_ port: Int) throws -> ModelEndpoint {
            try ModelEndpoint(url: "ws://127.0.0.1:\(port)/", model: "m", key: "")
        }

        /// C22 and C17: while the provider does not read, what the caller said is kept up to 2 s and the rest dropped and
        /// counted; a ping of the provider is answered before any audio that is kept. In the end it is given up.
        @Test func callerAudioForAModelThatDoesNotReadIsDropped() async throws {
            let rig = try await Witness.rig { setup in
                setup.engine.blockedMillisecondsMax = 500
                setup.engine.stuckDeadlineMilliseconds = 2_000
                // The flood is faster than any telephone.
                setup.engine.mediaWindowMilliseconds = 1_000_000_000
            }
            let witness = try await Witness(on: rig, turns: 3)
            let before = await rig.server.stats
            let provider = try RawProvider(
                { connection in
                    connection.serve()
                    connection.send(RawConnection.frame(9, [7]))
                    connection.pause(milliseconds: 15_000)
                },
                ProviderCase.refuses
            )
            let address = try await rig.listen(model: endpoint(provider.port))
            try await rig.phones.perform { engine in
                _ = try engine.dial(address, handler: Flood(frames: 1_000_000))
            }
            // Far more than every buffer on the way holds: soon nothing is taken any more, audio is dropped all the time, and
            // what waits is no more than the limit.
            var keepsLittle = false
            var last = CallStats()
            while rig.ending(of: "CA7") == nil {
                try await Task.sleep(for: .milliseconds(20))
                guard let call = rig.callRecords.first(where: { $0.callSID == "CA7" })?.call else { continue }
                let stats = await rig.server.perform { $0.stats(of: call) }
                guard let stats else { continue }
                let isBlocked =
                    stats.appendsOut == last.appendsOut && stats.droppedMilliseconds > last.droppedMilliseconds
                if isBlocked, stats.waitingMilliseconds <= 520 { keepsLittle = true }
                last = stats
            }
            #expect(keepsLittle)
            let after = await rig.server.stats
            let ending = try #require(rig.ending(of: "CA7"))
            #expect(ending.reason == .modelRefused)
            #expect(after.deadPeers - before.deadPeers == 1)
            #expect(ending.stats.droppedMilliseconds > 0)
            #expect(
                after.callerDroppedMilliseconds - before.callerDroppedMilliseconds == ending.stats.droppedMilliseconds
            )
            // Never more than the greater of the two limits waited; a call's blocks are bounded by it.
            #expect(ending.stats.blocks <= 10_000 * 8 / 4_000 + 4)
            await witness.isUnharmed(turns: 3)
            provider.stop()
            await rig.stop()
        }

        /// C17: a ping that comes while audio waits is answered before the audio that waits: the caller has said it all, and
        /// much of it comes behind the pong.
        @Test func aPingIsAnsweredBeforeAudioThatWaits() async throws {
            let rig = try await Witness.rig { $0.engine.mediaWindowMilliseconds = 1_000_000_000 }
            let behind = Locked(0)
            let provider = try RawProvider(
                { connection in
                    connection.serve()
                    connection.pause(milliseconds: 3_000)
                    connection.send(RawConnection.frame(9, [7]))
                    connection.pause(milliseconds: 100)
                    while let frame = connection.readFrame(), frame.opcode != 10 {}
                    let before = connection.appended
                    while connection.appended < before + 20, connection.readFrame() != nil {}
                    behind.withLock { $0 = connection.appended - before }
                    connection.refuse()
                },
                ProviderCase.refuses
            )
            let address = try await rig.listen(model: endpoint(provider.port))
            try await rig.phones.perform { engine in _ = try engine.dial(address, handler: Flood(frames: 60_000)) }
            await rig.waitForEnding(of: "CA7")
            #expect(behind.withLock { $0 } == 20)
            provider.stop()
            await rig.stop()
        }

        /// C23 and F7: deltas of hours at once. The call's queue is bounded, the provider is not read beyond it, and no
        /// other call is slower.
        @Test func aFloodOfAudioIsReadNoFasterThanItIsHeard() async throws {
            let rig = try await Witness.rig { $0.engine.playbackMillisecondsMax = 30_000 }
            let witness = try await Witness(on: rig, turns: 2)
            let before = await rig.server.stats
            let taken = Locked(0)
            let provider = try RawProvider { connection in
                connection.serve()
                connection.sendTexts([ModelEventCase.created("r1"), ModelEventCase.message("i1", in: "r1")])
                // 10 s in a message of 100 kB: 200 MB in all, if they were taken.
                let text = ModelEventCase.delta("i1", in: "r1", String(repeating: "////", count: 80_000 / 3))
                let frame = RawConnection.frame(1, Array(text.utf8))
                for number in 0..<2_000 {
                    if !connection.send(frame) { break }
                    taken.withLock { $0 = number + 1 }
                }
            }
            let address = try await rig.listen(model: endpoint(provider.port))
            let caller = PhoneScript.pattern(7, [.pause(milliseconds: 3_000), .hangUp(.stop)])
            let phone = try await rig.call(caller, at: address)
            await phone.ended()
            await rig.waitForEnding(of: caller.callID)
            let ending = try #require(rig.ending(of: caller.callID))
            let after = await rig.server.stats
            #expect(ending.reason == .callerHungUp)
            #expect(after.modelPauses - before.modelPauses >= 1)
            // Beyond the limit by what one read may bring.
            #expect(ending.stats.queuedMilliseconds <= 30_000 + 20_000)
            // What the system's socket buffers hold comes on top of what was read.
            #expect(taken.withLock { $0 } < 500)
            #expect(ending.stats.aheadMillisecondsHigh <= 320)
            await witness.isUnharmed(turns: 2)
            provider.stop()
            await rig.stop()
        }
    }
}
